"""R4 and R5 on hand-made results: decay and swish, at all that the claims name."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.answers.results import Answer
from tests.support.capacity_pairs import BN, EVERY, L2, halves, judged, under
from tests.support.verdicts import outcomes, verdict_of


def decays(adam: float, adamw: float, **fields: Any) -> Iterator[Answer]:
    for optimizer, accuracy in (("adam", adam), ("adamw", adamw)):
        yield from halves(
            [0.0] * 2, accuracy, recipe__optimizer=optimizer, recipe__momentum=None,
            dataset="cifar100", **L2, **BN, **fields,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("adam", "adamw", "outcome"),
    [(0.05, 0.2, "supported"), (0.2, 0.2, "not supported"), (0.05, 0.12, "not supported")],
)
def test_r4_asks_for_one_rate_at_which_decay_through_the_gradient_fails(
    adam: float, adamw: float, outcome: str
) -> None:
    assert outcomes(judged(decays(adam, adamw)))["R4"] == outcome
    other = decays(0.3, 0.3, recipe__lr=0.001)
    assert outcomes(judged(decays(adam, adamw), other))["R4"] == outcome


def test_r4_counts_every_cell_that_it_waits_for() -> None:
    waiting = [
        replace(answer, metrics=None, state="PENDING")
        if answer.fields["method.width"] < 0.2
        else answer
        for answer in decays(0.05, 0.2)
    ]
    r4 = verdict_of(judged(iter(waiting)), "R4")
    assert r4.outcome == "undecided"
    assert r4.evidence[0].missing == "2 cells without a result yet"


def test_r4_lacks_what_was_not_run() -> None:
    alone = [a for a in decays(0.05, 0.2) if a.fields["recipe.optimizer"] == "adam"]
    r4 = verdict_of(judged(iter(alone)), "R4")
    assert (r4.outcome, r4.evidence[1].missing) == ("undecided", "cells of adamw")


def test_r4_judges_the_worst_single_accuracy() -> None:
    seeds = [*decays(0.05, 0.2), *decays(0.05, 0.2, seed=1), *decays(0.12, 0.2, seed=2)]
    r4 = verdict_of(judged(iter(seeds)), "R4")
    assert (r4.outcome, r4.evidence[0].value) == ("not supported", 0.12)


@pytest.mark.parametrize(
    ("role", "width", "missing"),
    [
        ("sparse", None, "cells of adamw: sparse 0.1, sparse 0.3"),
        ("dense", 0.3, "cells of adamw: dense 0.3"),
    ],
)
def test_r4_is_of_both_halves_at_every_width(role: str, width: float | None, missing: str) -> None:
    def is_left_out(fields: Mapping[str, Any]) -> bool:
        here = width in (None, fields["method.width"])
        return fields["recipe.optimizer"] == "adamw" and fields["method.role"] == role and here

    cells = [answer for answer in decays(0.05, 0.2) if not is_left_out(answer.fields)]
    r4 = verdict_of(judged(iter(cells)), "R4")
    assert (r4.outcome, r4.evidence[1].missing) == ("undecided", missing)


def test_r4_needs_two_widths() -> None:
    cells = [answer for answer in decays(0.05, 0.2) if answer.fields["method.width"] == 0.1]
    r4 = verdict_of(judged(iter(cells)), "R4")
    assert (r4.outcome, r4.evidence[0].missing) == ("undecided", "1 of 2 widths at least")


SWISH = {name: EVERY[name] for name in ("sgd", "adagrad", "adam")}


def swishes(
    optimizers: Mapping[str, dict[str, Any]],
    accuracy: float,
    activation: str = "swish",
    **fields: Any,
) -> Iterator[Answer]:
    """Pairs with this activation that are all as accurate."""
    return under(optimizers, [0.0] * 5, accuracy, model__activation=activation, **fields)


@pytest.mark.parametrize(("swish", "outcome"), [(0.31, "supported"), (0.29, "not supported")])
def test_r5_asks_that_swish_is_no_worse_for_sparse_networks(swish: float, outcome: str) -> None:
    relus = [*swishes(SWISH, 0.3, "relu"), *swishes(SWISH, 0.3, "relu", **BN)]
    assert outcomes(judged(iter(relus), swishes(SWISH, swish)))["R5"] == outcome


@pytest.mark.parametrize("left_out", SWISH)
def test_r5_names_three_optimizers(left_out: str) -> None:
    some = {name: own for name, own in SWISH.items() if name != left_out}
    r5 = verdict_of(judged(swishes(SWISH, 0.3, "relu"), swishes(some, 0.31)), "R5")
    assert (r5.outcome, len(r5.evidence)) == ("undecided", 2)
    assert r5.missing == (f"sparse cells with swish under {left_out}",)


def test_r5_lacks_the_relu_cells_of_what_swish_was_tried_in() -> None:
    found = judged(swishes(SWISH, 0.3, "relu"), swishes(SWISH, 0.31), swishes(SWISH, 0.31, **BN))
    r5 = verdict_of(found, "R5")
    assert [item.holds for item in r5.evidence] == [True] * 3 + [None] * 3
