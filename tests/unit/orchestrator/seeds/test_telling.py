"""What a reader is told of a rule: how many seeds there are, how questions stand, and doubts."""

from dataclasses import replace
from pathlib import Path

from grids.cell import Cell
from grids.seed_rules import SeedRule, read_until
from orchestrator.seeds.deciding import decide
from orchestrator.seeds.telling import cells_due, decision_on, lines_on, notes_on
from orchestrator.store import Store
from orchestrator.submissions.submission import Submission, publish_submission
from tests.support.grids import a_cell, publish_results
from tests.support.runs import a_submission

RULE = SeedRule(least=2, most=4, until=read_until("ci95 < 0.3pp"))
PLAIN = "plain intervals and tests take their number as fixed"
TWO = [a_cell(seed=0), a_cell(seed=1)]
THREE = [a_cell("set", seed=seed) for seed in range(3)]


def asking(cells: list[Cell], rule: SeedRule = RULE, number: int = 1) -> Submission:
    return replace(a_submission("small", number, cells), seed_rule=rule)


def notes(store: Store, cells: list[Cell], values: list[float], number: int = 1) -> list[str]:
    """The notes on cells of which the first ones measured these values."""
    measured = {cell.id: value for cell, value in zip(cells, values, strict=False)}
    decision = decide(cells, RULE, measured, {})
    shown = [cell.id for cell in cells]
    return list(notes_on(decision, store, asking(cells, number=number), shown))


def test_the_note_tells_the_fewest_and_the_most_seeds(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    [note] = notes(store, TWO + THREE, [])
    assert note == (
        f"seeds added until ci95 < 0.3pp, at most 4: 2 to 3; 0 of 2 settled, 2 open; {PLAIN}"
    )


def test_the_most_seeds_are_not_told_as_reached_where_nothing_settled(tmp_path: Path) -> None:
    four = [a_cell(seed=seed) for seed in range(4)]
    [note] = notes(Store.create(tmp_path), four, [0.1, 0.5, 0.3, 0.9])
    assert "at most 4: 4; 0 of 1 settled, 1 not reached with the most seeds, 4 of 4; " in note


def test_only_what_is_shown_is_counted(tmp_path: Path) -> None:
    decision = decide(TWO, RULE, {}, {})
    [note] = notes_on(decision, Store.create(tmp_path), asking(TWO), [TWO[1].id])
    assert "at most 4: 1; " in note


def test_a_seed_that_lies_far_out_is_told(tmp_path: Path) -> None:
    four = [a_cell(seed=seed) for seed in range(4)]
    _, doubt = notes(Store.create(tmp_path), four, [0.93, 0.95, 0.94, 0.31])
    assert doubt == "rigl density=0.05 seed=3 lies far out: 0.31, the others 0.93 to 0.95"


def test_a_rule_that_was_changed_after_looking_is_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish_submission(store, asking(TWO, replace(RULE, most=3)))
    assert notes(store, TWO, [], number=2)[1].startswith(
        "the rule was changed after looking (before: 2 to 3 seeds, until ci95 < 0.3pp): its error"
    )
    publish_submission(store, asking(TWO, number=2))
    assert len(notes(store, TWO, [], number=2)) == 2


def test_a_rule_that_stayed_is_not_told_as_changed(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    publish_submission(store, asking(TWO))
    assert len(notes(store, TWO, [], number=2)) == 1


def test_lines_tell_each_question_the_unsettled_first() -> None:
    cells = [*TWO, a_cell("set", seed=0), a_cell("set", seed=1)]
    measured = dict(zip((c.id for c in cells), (0.9, 0.90001, 0.2, 0.8), strict=True))
    decision = decide(cells, RULE, measured, {})
    head, first, second = lines_on(decision)
    assert head.startswith("2 to 4 seeds, until ci95 < 0.3pp: 2 questions, 1 settled, 1 open; at")
    assert first.startswith("  open with 3 seeds: set density=0.05, known to +-")
    assert second.startswith("  settled with 2 seeds: rigl density=0.05, known to +-0.0")
    assert lines_on(decision, 1)[2:] == ["  and 1 more"]


def test_a_ranking_that_so_few_seeds_can_never_settle_says_so() -> None:
    rule = SeedRule(least=2, most=4, until=read_until("ranking_settled"))
    decision = decide([a_cell("dense", "1"), a_cell()], rule, {}, {})
    assert decision.too_few().startswith("at most 4 seeds settle none of 1 comparisons")
    enough = replace(rule, most=9)
    assert decide([a_cell("dense", "1"), a_cell()], enough, {}, {}).too_few() == ""


def test_seeds_are_due_once_all_that_was_asked_is_answered(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    without = a_submission("small", 1, TWO)
    submission = asking(TWO)
    publish_results(store, TWO[:1])
    assert cells_due(decision_on(store, submission), submission) == 0
    publish_results(store, TWO[1:])
    assert cells_due(decision_on(store, submission), submission) == 1
    assert cells_due(decision_on(store, without), without) == 0
