"""Answers without a store: what is measured, by method, density and seed."""

from collections.abc import Mapping

from orchestrator.answers.contrasts import Contrasts, Test, contrasts
from orchestrator.answers.grouping import group
from orchestrator.answers.results import Answer, Answers
from orchestrator.statistics.paired import Better

Entry = tuple[str, str]


def answers_of(entries: Mapping[Entry, tuple[float | None, ...]], **fields: str) -> Answers:
    """Answers by method and density; seeds count from 0, None has no result.

    `fields` are the same for all. The loss is one minus the accuracy, rounded to 9 decimals.
    """
    return Answers(
        answers=tuple(
            _answer(method, density, seed, value, fields)
            for (method, density), values in entries.items()
            for seed, value in enumerate(values)
        )
    )


def together(*parts: Answers) -> Answers:
    """The answers of several, in this order."""
    return Answers(answers=tuple(answer for part in parts for answer in part.answers))


def contrasts_of(
    answers: Answers,
    *,
    value: str = "test_accuracy",
    against: str = "dense",
    better: Better = "higher",
    confidence: float = 0.95,
    test: Test = "t",
) -> Contrasts:
    """The contrasts of these answers by method and density."""
    grouped = group(answers, rows="method", columns="density", value=value)
    return contrasts(grouped, against=against, better=better, confidence=confidence, test=test)


def _answer(
    method: str, density: str, seed: int, value: float | None, fields: Mapping[str, str]
) -> Answer:
    measured = None
    if value is not None:
        measured = {"test_accuracy": value, "test_loss": round(1 - value, 9)}
    return Answer(
        cell=f"{method} {density} {seed} {' '.join(fields.values())}",
        fields={"method": method, "density": density, "seed": seed, **fields},
        state="PENDING" if value is None else "COMPLETED",
        metrics=measured,
        provenance={},
    )
