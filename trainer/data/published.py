"""Published files below the data root: where they lie, and that they are the published ones.

What a dataset's files are is its trait ``files``, with whose sums they are compared; an archive's
``holds`` are the files that it is unpacked to. Nothing is downloaded here.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from torch import Tensor

from trainer.data import DATASETS
from trainer.data.brought import needed_root


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFiles:
    """The files of one registered dataset below a data root.

    Attributes:
        dataset: the dataset's registered name.
        root: the data root.
        sums: the MD5 sum of every file that has one, by its path below ``root``.
    """

    dataset: str
    root: Path
    sums: Mapping[str, str]

    def locate(self, *wanted: Sequence[str]) -> list[str]:
        """Return, for each wanted file, the first of its spellings that is there.

        Args:
            wanted: per file the paths below ``root`` under which it may lie, best first.

        Raises:
            FileNotFoundError: naming the folder, every missing file and the remedy.
        """
        found = [self._first(spellings) for spellings in wanted]
        missing = [
            " or ".join(spellings)
            for spellings, path in zip(wanted, found, strict=True)
            if path is None
        ]
        if missing:
            raise self.absent(missing)
        return [path for path in found if path is not None]

    def read(self, path: str) -> bytes:
        """Return the bytes of a file, once its MD5 sum (where one is known) has been checked.

        Raises:
            ValueError: for a wrong sum, naming the file and both sums.
        """
        content = (self.root / path).read_bytes()
        expected = self.sums.get(path)
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if expected not in (None, found):
            raise ValueError(
                f"{self.root / path}: the MD5 sum is {found}; the published file of dataset "
                f"{self.dataset} has {expected}. Remove the file and {self._remedy()}"
            )
        return content

    def check_class_sizes(self, targets: Tensor) -> None:
        """Check that a training part is complete, where no sum of files can tell.

        Args:
            targets: (n,) class numbers of the whole training part.

        Raises:
            ValueError: when the classes are not as large as the trait ``class_sizes`` says.
        """
        sizes = DATASETS.get(self.dataset).traits["class_sizes"]
        found = targets.bincount(minlength=len(sizes)).tolist()
        for label, (size, published) in enumerate(zip_longest(found, sizes, fillvalue=0)):
            if size != published:
                raise ValueError(
                    f"dataset {self.dataset} in {self.root}: class {label} has {size} training "
                    f"images where {published} were published; {self._remedy()}"
                )

    def absent(self, missing: Iterable[str]) -> FileNotFoundError:
        """Return the error for files that are not there: which, where, and what to do."""
        return FileNotFoundError(
            f"dataset {self.dataset}: {self.root} lacks {', '.join(missing)}; {self._remedy()}"
        )

    def _first(self, spellings: Sequence[str]) -> str | None:
        return next((path for path in spellings if (self.root / path).exists()), None)

    def _remedy(self) -> str:
        return f"run `sparsesweep data fetch {self.dataset} --data-root {self.root}`"


def published_files(dataset: str, data_root: Path | None) -> PublishedFiles:
    """Return the files of a registered dataset below a data root.

    Raises:
        FileNotFoundError: when no data root is given or it is no folder.
    """
    root = needed_root(dataset, data_root)
    if not root.is_dir():
        raise FileNotFoundError(f"dataset {dataset}: {root} is not a folder")
    files = DATASETS.get(dataset).traits["files"]
    return PublishedFiles(dataset=dataset, root=root, sums=_sums(files))


def _sums(files: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    read = [entry for file in files for entry in (file, *file.get("holds", ()))]
    return {entry["path"]: entry["md5"] for entry in read if "md5" in entry}
