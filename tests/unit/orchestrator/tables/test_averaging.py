"""A mean over a field is asked for by name, taken within each seed, and told."""

from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.grouping import Entry
from orchestrator.answers.results import AnswerError
from orchestrator.tables.table import Table, build_table
from tests.support.grids import a_cell
from tests.support.measured import answers_with, on

# Within a seed the two data sets are far apart; their mean is 0.5, 0.6 and 0.7.
BOTH = {
    on("digits", seed=0): 0.9, on("wine", seed=0): 0.1,
    on("digits", seed=1): 0.8, on("wine", seed=1): 0.4,
    on("digits", seed=2): 0.9, on("wine", seed=2): 0.5,
}  # fmt: skip


def entry_of(table: Table, row: str = "set", column: str = "0.1") -> Entry:
    return table.grouped.entries[row, column]


def test_the_spread_is_over_seeds_and_not_over_what_is_averaged(tmp_path: Path) -> None:
    table = build_table(answers_with(tmp_path, BOTH), average=["dataset"])
    entry = entry_of(table)
    assert {seed: round(value, 12) for seed, value in entry.by_seed.items()} == {
        0: 0.5,
        1: 0.6,
        2: 0.7,
    }
    assert table.render().splitlines()[0] == (
        "Test accuracy in percent, mean over dataset (2) within each seed, then mean ± standard "
        "deviation over n = 3 seeds."
    )
    assert table.render().splitlines()[-1].split() == ["set", "60.00", "±", "10.00"]
    assert (entry.seeds, entry.cells, entry.combinations) == (3, 6, 2)


def test_without_being_asked_nothing_is_averaged(tmp_path: Path) -> None:
    with pytest.raises(AnswerError) as caught:
        build_table(answers_with(tmp_path, BOTH))
    assert "dataset is digits, wine" in str(caught.value)
    assert "ask for the mean over it with --average dataset, or fix it with" in str(caught.value)


def test_a_seed_that_lacks_one_of_them_does_not_count_and_the_entry_says_so(
    tmp_path: Path,
) -> None:
    measured = {cell: value for cell, value in BOTH.items() if cell != on("wine", seed=2)}
    failed = {on("wine", seed=2): "INVALID"}
    table = build_table(answers_with(tmp_path, measured, failed=failed), average=["dataset"])
    assert table.render().splitlines()[4] == "set               55.00 ± 7.07 (2 of 3, 1 failed)"
    assert table.notes == (
        "1 cell failed (INVALID), and no mean counts them",
        "1 cell not counted, because their seed is not complete over dataset",
    )
    assert entry_of(table).dropped == 1
    head, line = table.render("csv").splitlines()
    assert head.endswith(",FAILED,INVALID,OUT_OF_MEMORY,dropped")
    assert line.endswith(",2,0,0,0,1,0,1")


def test_rows_that_are_means_over_fewer_of_them_are_told(tmp_path: Path) -> None:
    measured = {**BOTH, on("digits", "static"): 0.5}
    table = build_table(answers_with(tmp_path, measured), average=["dataset"])
    assert "not all means are over the same dataset: static over 1 of 2" in table.notes


def test_equally_many_but_others_are_not_the_same(tmp_path: Path) -> None:
    measured = {on("digits", "static"): 0.5, on("wine", "set"): 0.5}
    table = build_table(answers_with(tmp_path, measured), average=["dataset"])
    assert table.notes == (
        "not all means are over the same dataset: static over 1; set over 1 of 2",
    )


def test_two_fields_are_averaged_over_their_combinations(tmp_path: Path) -> None:
    ratios = ("0.5", "1")
    measured = {
        replace(on(dataset, seed=seed), data_ratio=ratio): value + seed / 10
        for seed in (0, 1)
        for ratio, of in zip(ratios, ((0.1, 0.2), (0.3, 0.6)), strict=True)
        for dataset, value in zip(("digits", "wine"), of, strict=True)
    }
    table = build_table(answers_with(tmp_path, measured), average=["dataset", "data_ratio"])
    assert "mean over dataset (2) and data_ratio (2) within each seed" in table.caption
    found = {seed: round(value, 12) for seed, value in entry_of(table).by_seed.items()}
    assert found == {0: 0.3, 1: 0.4}


def test_a_component_is_averaged_with_its_options_and_rows_do_not_tell_them(
    tmp_path: Path,
) -> None:
    def powered(power: float) -> Cell:
        return a_cell(allocation=Component(name="er", options=(("power", power),)))

    table = build_table(
        answers_with(tmp_path, {powered(1.0): 0.2, powered(0.5): 0.4}), average=["allocation"]
    )
    assert table.grouped.averaged == {"allocation": 2}
    assert round(entry_of(table, "rigl", "0.05").by_seed[0], 12) == 0.3


@pytest.mark.parametrize(
    ("average", "message"),
    [
        (["datset"], r"no cell has a field 'datset'; .*; did you mean 'dataset'\?$"),
        (["method"], "method is asked for twice in rows, columns and average"),
        (["seed"], "the mean is over the seeds in any case"),
        (["scenario"], "there is nothing to average: scenario is clean in all cells"),
    ],
)
def test_a_mean_over_nothing_is_refused(tmp_path: Path, average: list[str], message: str) -> None:
    with pytest.raises(AnswerError, match=message):
        build_table(answers_with(tmp_path, BOTH), average=average)
