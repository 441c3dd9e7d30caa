"""SET and SET with neuron pruning against dense networks, on hand-made results."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.answers.results import Answer, AnswerError
from orchestrator.verdicts.generalization import judge_generalization
from orchestrator.verdicts.verdict import Judgement
from tests.support.verdicts import an_answer, material, outcomes, verdict_of

SEEDS = 6


def cells(method: str, accuracy: float, gap: float = 0.1, **fields: Any) -> Iterator[Answer]:
    """One cell per seed; seeds spread, so that differences are no ties."""
    for seed in range(SEEDS):
        yield a_cell(method, accuracy, gap, seed, **fields)


def a_cell(method: str, accuracy: float, gap: float, seed: int, **fields: Any) -> Answer:
    own = 0.0 if method == "dense" else seed / 10_000
    given = {"density": "1"} if method == "dense" else {}
    metrics = {"test_accuracy": accuracy + own, "generalisation_gap": gap - own}
    return an_answer(method, metrics, seed, **{**given, **fields})


def judged(*given: Iterator[Answer]) -> Judgement:
    return judge_generalization(material(*given))


@pytest.mark.parametrize(
    ("accuracy", "gap", "outcome"),
    [(0.91, 0.09, "supported"), (0.89, 0.11, "not supported")],
)
def test_set_is_judged_by_being_better(accuracy: float, gap: float, outcome: str) -> None:
    found = outcomes(judged(cells("dense", 0.9), cells("set", accuracy, gap)))
    assert found["i accuracy set"] == outcome
    assert found["i gap set"] == outcome


@pytest.mark.parametrize(
    ("accuracy", "gap", "outcome"),
    [(0.89, 0.11, "supported"), (0.87, 0.13, "not supported")],
)
def test_set_np_is_judged_by_being_competitive(accuracy: float, gap: float, outcome: str) -> None:
    found = outcomes(judged(cells("dense", 0.9), cells("set_np", accuracy, gap)))
    assert found["ii accuracy set_np"] == outcome
    assert found["ii gap set_np"] == outcome


def test_the_claim_of_set_is_not_transferred_to_set_np() -> None:
    found = judged(cells("dense", 0.9), cells("set_np", 0.95))
    assert [verdict.id for verdict in found.verdicts] == [
        "i accuracy", "i gap", "ii accuracy set_np", "ii gap set_np",
    ]  # fmt: skip
    first = found.verdicts[0]
    assert (first.outcome, first.missing) == ("undecided", ("pairs of set and dense cells",))
    assert all("generalise better" not in verdict.claim for verdict in found.verdicts[2:])


def test_more_than_half_of_the_data_sets_decide() -> None:
    def on(dataset: str, accuracy: float) -> Iterator[Answer]:
        yield from cells("dense", 0.9, dataset=dataset)
        yield from cells("set", accuracy, dataset=dataset)

    two = judged(on("digits", 0.95), on("wine", 0.8))
    assert outcomes(two)["i accuracy set"] == "not supported"
    verdict = verdict_of(judged(on("digits", 0.95), on("wine", 0.95)), "i accuracy set")
    assert verdict.outcome == "supported"
    assert [item.value for item in verdict.evidence] == [2 / 64, 2 / 64]


def test_more_data_sets_ask_for_more_seeds() -> None:
    given = [
        answer
        for dataset in ("digits", "wine", "iris", "isolet")
        for method, accuracy in (("dense", 0.9), ("set", 0.95))
        for answer in cells(method, accuracy, dataset=dataset)
    ]
    verdict = verdict_of(judged(iter(given)), "i accuracy set")
    assert verdict.outcome == "undecided"
    assert verdict.evidence[0].missing == "6 of 7 pairs that differ, for 4 tests"


def test_an_open_data_set_leaves_others_open_only_where_it_could_change_them() -> None:
    given = [
        *cells("dense", 0.9), *cells("set", 0.95),
        *cells("dense", 0.9, dataset="wine"), *list(cells("set", 0.95, dataset="wine"))[:-1],
    ]  # fmt: skip
    verdict = verdict_of(judged(iter(given)), "i accuracy set")
    assert [item.holds for item in verdict.evidence] == [True, None]
    assert verdict.evidence[1].missing == "1 pair without the partner's cell"
    assert verdict.outcome == "undecided"


def test_splits_of_one_data_set_are_repetitions_and_ways_to_cut_are_sets_of_their_own() -> None:
    given = [
        answer
        for cut in ("set_code", "stratified")
        for split_seed in (0, 1)
        for method, accuracy in (("dense", 0.9), ("set", 0.95))
        for answer in cells(
            method, accuracy, dataset__split=cut, dataset__split_seed=split_seed,
            recipe__batch=32 if cut == "set_code" else 8,
        )
    ]  # fmt: skip
    verdict = verdict_of(judged(iter(given)), "i accuracy set")
    assert [(item.about["dataset.split"], item.n) for item in verdict.evidence] == [
        ("set_code", 2 * SEEDS), ("stratified", 2 * SEEDS),
    ]  # fmt: skip
    # The batch goes with the cut, so that it tells nothing more.
    assert verdict.evidence[0].about.keys() == {"dataset", "dataset.split"}


def test_variants_and_densities_are_judged_apart() -> None:
    found = judged(
        cells("dense", 0.9),
        cells("set", 0.95, density="0.1"),
        cells("set", 0.8, density="0.05"),
    )
    assert outcomes(found)["i accuracy set density=0.1"] == "supported"
    assert outcomes(found)["i accuracy set density=0.05"] == "not supported"


def test_a_fixed_mask_is_compared_at_the_same_density() -> None:
    found = judged(
        cells("dense", 0.9), cells("set", 0.95, density="0.1"),
        cells("static", 0.93, density="0.1"), cells("static", 0.99, density="0.5"),
    )  # fmt: skip
    rows = [dict(zip(s.columns, row, strict=True)) for s in found.sheets[:1] for row in s.rows]
    assert [(row["method"], row["against"], row["n"]) for row in rows] == [
        ("set", "dense", 6), ("set", "static", 6),
    ]  # fmt: skip
    assert rows[0]["median"] == pytest.approx(0.05025)
    assert (rows[0]["p better"], rows[0]["p worse"]) == (2**-6, 1.0)


def test_truly_sparse_networks_are_judged_apart_and_against_the_same_dense_ones() -> None:
    found = judged(
        cells("dense", 0.9, recipe__storage="masked"),
        cells("set", 0.95, recipe__storage="masked"),
        cells("set", 0.8, recipe__storage="csr"),
    )
    assert outcomes(found)["i accuracy set storage=masked"] == "supported"
    assert outcomes(found)["i accuracy set storage=csr"] == "not supported"


def test_a_smaller_gap_counts_as_better() -> None:
    found = judged(cells("dense", 0.9, 0.2), cells("set", 0.9, 0.1))
    [gap] = [sheet for sheet in found.sheets if sheet.id == "generalisation_gap"]
    assert dict(zip(gap.columns, gap.rows[0], strict=True))["median"] == pytest.approx(0.10025)


def test_cells_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(AnswerError, match="add set or set_np, and dense"):
        judged(cells("set", 0.9))
