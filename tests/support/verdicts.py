"""Hand-made results to judge: answers with a few fields and measurements."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.answers.results import Answer, Answers
from orchestrator.store import COMPLETED
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.verdict import Judgement, Verdict

_FIELDS = {
    "density": "0.1",
    "allocation": "erk",
    "dataset": "digits",
    "model": "mlp",
    "model.activation": "relu",
    "recipe.epochs": 10,
    "recipe.optimizer": "sgd",
    "recipe.momentum": 0.0,
    "recipe.lr": 0.1,
    "recipe.weight_decay": 0.0,
}
_NUMBERS = itertools.count()


def an_answer(
    method: str,
    metrics: Mapping[str, float] | None,
    seed: int = 0,
    *,
    state: str | None = None,
    **fields: Any,
) -> Answer:
    """One cell; no metrics are no result: PENDING, or the state.

    A field such as "method.draw" is written `method__draw`; None takes it away.
    """
    given = {name.replace("__", "."): value for name, value in fields.items()}
    whole = {**_FIELDS, **given, "method": method, "seed": seed}
    return Answer(
        cell=f"{next(_NUMBERS):016x}",
        fields={name: value for name, value in whole.items() if value is not None},
        state=state or (COMPLETED if metrics is not None else "PENDING"),
        metrics=metrics,
        provenance={},
        chosen=frozenset(path for path in given if "." in path),
    )


def material(*answers: Iterable[Answer], classes: int | None = 10) -> Material:
    """What is judged: these answers, of one grid."""
    cells = tuple(itertools.chain(*answers))
    known = {} if classes is None else {answer.cell: classes for answer in cells}
    return Material(grids=("tried",), answers=Answers(answers=cells), classes=known)


def verdict_of(judgement: Judgement, id: str) -> Verdict:
    """The verdict of that id; ValueError when there is none or several."""
    (found,) = [verdict for verdict in judgement.verdicts if verdict.id == id]
    return found


def outcomes(judgement: Judgement) -> dict[str, str]:
    """Id to outcome of all verdicts."""
    return {verdict.id: verdict.outcome.value for verdict in judgement.verdicts}
