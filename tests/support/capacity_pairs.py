"""Hand-made pairs of equal capacity to judge, of all widths and optimizers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.answers.results import Answer
from orchestrator.verdicts.same_capacity import judge_same_capacity
from orchestrator.verdicts.verdict import Judgement
from tests.support.verdicts import an_answer, material

WIDTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
BN = {"model__batch_norm": True}
DA = {"recipe__crop": 4, "recipe__flip": True}
L2 = {"recipe__weight_decay": 0.0005}
WINS = (0.05, 0.04, 0.03, 0.02, 0.01)
LOSES = tuple(-gain for gain in WINS)
PLAIN: dict[str, dict[str, Any]] = {
    "adagrad": {"recipe__optimizer": "adagrad", "recipe__momentum": None},
    "sgd": {"recipe__optimizer": "sgd"},
    "momentum": {"recipe__optimizer": "sgd", "recipe__momentum": 0.9},
}
EVERY = {
    **PLAIN,
    "rmsprop": {"recipe__optimizer": "rmsprop", "recipe__momentum": None},
    "adam": {"recipe__optimizer": "adam", "recipe__momentum": None},
}


def halves(
    gains: Sequence[float], dense: float = 0.3, seed: int = 0, **fields: Any
) -> Iterator[Answer]:
    """Both halves of a pair at each width; so much is S better than D."""
    plain = {"model__batch_norm": False, "model__skip": False, "recipe__crop": 0,
             "recipe__flip": False, "method__init": "matched"}  # fmt: skip
    for width, gain in zip(WIDTHS, gains, strict=False):
        for role, accuracy in (("sparse", dense + gain), ("dense", dense)):
            yield an_answer(
                "same_capacity", {"test_accuracy": accuracy}, seed, method__role=role,
                method__width=width, **{**plain, **fields},
            )  # fmt: skip


def under(
    optimizers: Mapping[str, dict[str, Any]], gains: Sequence[float], *args: float, **fields: Any
) -> Iterator[Answer]:
    """The same pairs under each of these optimizers."""
    for own in optimizers.values():
        yield from halves(gains, *args, **own, **fields)


def judged(*pairs: Iterator[Answer]) -> Judgement:
    """What is judged of all these cells."""
    return judge_same_capacity(material(*pairs))
