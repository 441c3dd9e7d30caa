"""Published files that a scenario reads and no grid names as its dataset.

CIFAR-10-C and CIFAR-100-C: the 10,000 test images under 19 corruptions at severities 1 to 5, as
NumPy arrays (Hendrycks and Dietterich, ICLR 2019). Sizes and sums are those of the Zenodo records.
"""

from collections.abc import Mapping
from typing import Any

ARCHIVES: tuple[Mapping[str, Any], ...] = (
    {
        "name": "cifar10_c",
        "summary": "CIFAR-10-C: the test images of CIFAR-10 under 19 corruptions, as published",
        "files": [
            {
                "path": "CIFAR-10-C.tar",
                "url": "https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",
                "md5": "56bf5dcef84df0e2308c6dcbcbbd8499",
                "bytes": 2_918_471_680,
                "unpack": True,
            }
        ],
    },
    {
        "name": "cifar100_c",
        "summary": "CIFAR-100-C: the test images of CIFAR-100 under 19 corruptions, as published",
        "files": [
            {
                "path": "CIFAR-100-C.tar",
                "url": "https://zenodo.org/records/3555552/files/CIFAR-100-C.tar?download=1",
                "md5": "11f0ed0f1191edbf9fa23466ae6021d3",
                "bytes": 2_918_473_216,
                "unpack": True,
            }
        ],
    },
)
"""Each with `name`, `summary` and `files` as in the trait `files` of a dataset."""
