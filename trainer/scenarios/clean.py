"""The clean scenario: data as it comes."""

from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario


@SCENARIOS.register("clean", summary="the data as it comes")
class Clean(Scenario):
    """Nothing is changed."""
