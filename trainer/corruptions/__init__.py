"""The common corruptions of Hendrycks and Dietterich (2019) for small images: 15 and 4 more.

``corrupt`` is the door; the families (noise, blur, weather, digital, extra) hold the functions and
their parameters. docs/corruptions.md lists them, and says where they are ours and not the
published ones.
"""

from trainer.corruptions.corrupting import (
    COMMON,
    CORRUPTIONS,
    DRAWING,
    EXTRA,
    MIXED,
    VERSION,
    check,
    corrupt,
    mixed_names,
)
from trainer.corruptions.corruption import SEVERITIES, Corruption

__all__ = [
    "COMMON",
    "CORRUPTIONS",
    "DRAWING",
    "EXTRA",
    "MIXED",
    "SEVERITIES",
    "VERSION",
    "Corruption",
    "check",
    "corrupt",
    "mixed_names",
]
