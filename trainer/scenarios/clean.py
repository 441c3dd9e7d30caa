"""The clean scenario: data as it comes."""

from dataclasses import dataclass

from trainer.data.bundle import Bundle
from trainer.scenarios import SCENARIOS


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanOptions:
    """There is nothing to choose."""


@SCENARIOS.register("clean", summary="the data as it comes", options=CleanOptions)
def clean(options: CleanOptions, bundle: Bundle) -> Bundle:
    """The bundle, unchanged."""
    return bundle
