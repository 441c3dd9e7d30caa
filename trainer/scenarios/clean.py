"""The clean scenario: data as it comes."""

from dataclasses import dataclass

from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanOptions:
    """There is nothing to choose."""


@SCENARIOS.register("clean", summary="the data as it comes", options=CleanOptions)
class Clean(Scenario):
    """Nothing is changed."""
