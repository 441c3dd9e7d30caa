"""R6 on hand-made results: collapsed cells, their slabs, and what they wait for."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.answers.results import Answer
from orchestrator.verdicts.collapse import judge_collapse
from tests.support.capacity_pairs import halves, judged
from tests.support.verdicts import an_answer, material, verdict_of


def flows(*values: tuple[float, float]) -> Iterator[Answer]:
    """Cells with these accuracies and EGF_2."""
    for seed, (accuracy, flow) in enumerate(values):
        for answer in halves([0.0], seed=seed):
            yield an_answer(
                "same_capacity", {"test_accuracy": accuracy, "egf2": flow}, seed,
                method__role=answer.fields["method.role"], method__width=0.1,
            )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        (((0.9, 1.0), (0.8, 2.0), (0.11, 0.01)), "supported"),
        (((0.9, 1.0), (0.8, 2.0), (0.11, 0.5)), "not supported"),
        (((0.9, 1.0), (0.8, 2.0), (0.16, 0.5)), "undecided"),
        (((0.9, 1.0), (0.8, 2.0), (0.15, 0.5)), "undecided"),
        (((0.9, 1.0), (0.11, 0.0), (0.11, 0.0)), "supported"),
    ],
)
def test_r6_asks_that_collapsed_cells_have_no_flow(
    values: tuple[tuple[float, float], ...], outcome: str
) -> None:
    r6 = verdict_of(judged(flows(*values)), "R6")
    assert r6.outcome == outcome
    if outcome == "undecided":
        assert r6.missing == ("a collapsed cell",)


def test_r6_waits_for_the_cells_of_its_slab() -> None:
    early = [*flows((0.1, 0.01), (0.9, 0.1))]
    waiting = [replace(answer, metrics=None, state="PENDING") for answer in flows((0, 0), (0, 0))]
    cells = [*early, *(replace(answer, fields={**answer.fields, "seed": 9}) for answer in waiting)]
    r6 = judge_collapse(material(early))
    assert (r6.outcome, r6.evidence[0].holds) == ("not supported", False)
    r6 = judge_collapse(material(cells))
    assert (r6.outcome, r6.evidence[0].missing) == ("undecided", "4 cells without a result yet")


def test_r6_needs_a_cell_that_did_not_collapse() -> None:
    r6 = verdict_of(judged(flows((0.1, 0.0), (0.11, 0.0))), "R6")
    assert (r6.outcome, r6.evidence[0].missing) == ("undecided", "a cell that did not collapse")


@pytest.mark.parametrize(
    ("option", "slabs"), [("model__widths", 2), ("model__width", 2), ("model__batch_norm", 1)]
)
def test_a_slab_of_r6_is_of_one_size(option: str, slabs: int) -> None:
    cells = [
        an_answer("static", {"test_accuracy": accuracy, "egf2": 1.0}, seed, **{option: value})
        for seed, (accuracy, value) in enumerate([(0.1, 1), (0.9, 1), (0.1, 2), (0.9, 2)])
    ]
    assert len(judge_collapse(material(cells)).evidence) == slabs
