"""The judgements by name."""

from collections.abc import Callable, Mapping

from grids.problems import unknown
from orchestrator.verdicts.generalization import judge_generalization
from orchestrator.verdicts.gradient_flow import judge_gradient_flow
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.same_capacity import judge_same_capacity
from orchestrator.verdicts.structure import judge_structure
from orchestrator.verdicts.verdict import Judgement

JUDGEMENTS: Mapping[str, Callable[[Material], Judgement]] = {
    "structure": judge_structure,
    "same_capacity": judge_same_capacity,
    "gradient_flow": judge_gradient_flow,
    "generalization": judge_generalization,
}
"""Name to what judges."""


def check_name(name: str) -> None:
    """Raise `GridError` for what is no judgement, with the nearest that is one."""
    if name not in JUDGEMENTS:
        raise unknown("judgement", name, JUDGEMENTS)


def judge(name: str, material: Material) -> Judgement:
    """The judgement of this name.

    Raises:
        GridError: When there is none.
        AnswerError: When the material has nothing that it is about.
    """
    check_name(name)
    return JUDGEMENTS[name](material)
