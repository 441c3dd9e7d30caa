"""Rows and columns of a component: variants of one name are told apart by what differs."""

from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.naming import names_along
from orchestrator.answers.results import Answer, AnswerError, Answers, select
from orchestrator.commands.asking import conditions
from orchestrator.store import Store
from orchestrator.tables.table import build_table
from tests.support.grids import a_cell, publish_results

PLAIN = Component(name="rigl")
SLOW = Component(name="rigl", options=(("drop_fraction", 0.5), ("update_every", 200)))
QUICK = Component(name="rigl", options=(("drop_fraction", 0.5), ("update_every", 50)))


def cell_of(method: Component, seed: int = 0) -> Cell:
    return replace(a_cell(density="0.1", seed=seed), method=method)


def asked(folder: Path, *methods: Component, done: bool = True) -> Answers:
    store = Store.create(folder / "results")
    cells = [cell_of(method, seed) for method in methods for seed in (0, 1)]
    if done:
        publish_results(store, cells)
    return select(store, cells)


def names(answers: Answers, other: str = "density") -> list[str]:
    return list(dict.fromkeys(names_along(answers.answers, "method", other)))


def test_a_single_variant_is_told_by_its_name_alone(tmp_path: Path) -> None:
    assert names(asked(tmp_path, SLOW, Component(name="static"))) == ["rigl", "static"]


def test_an_option_that_differs_is_told_unless_it_stands_at_its_default(tmp_path: Path) -> None:
    assert names(asked(tmp_path, PLAIN, SLOW)) == [
        "rigl",
        "rigl(drop_fraction=0.5, update_every=200)",
    ]


def test_an_option_that_is_the_same_everywhere_is_not_told(tmp_path: Path) -> None:
    assert names(asked(tmp_path, SLOW, QUICK)) == [
        "rigl(update_every=200)",
        "rigl(update_every=50)",
    ]


def test_cells_without_results_have_the_same_names(tmp_path: Path) -> None:
    assert names(asked(tmp_path, SLOW, QUICK, done=False)) == [
        "rigl(update_every=200)",
        "rigl(update_every=50)",
    ]


def test_the_option_along_the_other_direction_is_told_there(tmp_path: Path) -> None:
    answers = asked(tmp_path, SLOW, QUICK)
    assert names(answers, other="method.update_every") == ["rigl"]
    table = build_table(answers, columns="method.update_every")
    assert table.grouped.rows == ("rigl",)
    assert table.grouped.columns == ("50", "200")


def test_other_fields_are_told_by_their_values() -> None:
    answer = Answer(
        cell="0" * 16, fields={"density": "0.1"}, state="PENDING", metrics=None, provenance={}
    )
    assert names_along([answer], "density", "method") == ["0.1"]


def test_variants_have_rows_of_their_own_and_nothing_else_is_averaged(tmp_path: Path) -> None:
    answers = asked(tmp_path, PLAIN, SLOW)
    entries = build_table(answers).grouped.entries
    assert {row: entry.summary.n for (row, _), entry in entries.items() if entry.summary} == {
        "rigl": 2,
        "rigl(drop_fraction=0.5, update_every=200)": 2,
    }
    with pytest.raises(AnswerError, match=r"method\.drop_fraction is"):
        build_table(answers, rows="dataset")


def test_an_answer_knows_which_options_were_chosen(tmp_path: Path) -> None:
    [answer] = select(Store.create(tmp_path / "results"), [cell_of(QUICK)]).answers
    assert answer.chosen == {"method.drop_fraction", "method.update_every"}


def test_what_varies_is_told_without_the_options_of_what_varies_itself(tmp_path: Path) -> None:
    answers = asked(tmp_path, PLAIN, SLOW, Component(name="static"))
    with pytest.raises(AnswerError) as caught:
        build_table(answers, rows="dataset")
    assert "method is rigl, static" in str(caught.value)
    assert "method.update_every" not in str(caught.value)
    assert str(caught.value).endswith("fix it with --where method=rigl")


BUILT = Component(
    name="retrain", options=(("source", '{"drop":"taylor","name":"set","update_every":50}'),)
)


def test_a_method_inside_an_option_is_told_as_a_method(tmp_path: Path) -> None:
    answers = asked(tmp_path, Component(name="retrain"), BUILT)
    assert names(answers) == ["retrain", "retrain(source=set(drop=taylor, update_every=50))"]
    along = build_table(answers, rows="method.source", columns="density").grouped.rows
    assert "set(drop=taylor, update_every=50)" in along


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("0.1,0.2", ["0.1", "0.2"]),
        ("set(drop=taylor, update_every=50)", ["set(drop=taylor, update_every=50)"]),
        ("rigl,set(a=[1, 2], b=3),snip", ["rigl", "set(a=[1, 2], b=3)", "snip"]),
        ("[64, 64],[8]", ["[64, 64]", "[8]"]),
    ],
)
def test_commas_inside_brackets_part_no_values_of_where(written: str, values: list[str]) -> None:
    assert conditions([f"method.source={written}"]) == {"method.source": values}
