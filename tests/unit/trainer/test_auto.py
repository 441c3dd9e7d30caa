"""How the engine and the width of a block are chosen."""

import pytest

from tests.support.cells import make_cell
from trainer.engines import auto, legal_engines
from trainer.engines.auto import Choice, choose
from trainer.workload import load_workload


def workload_of(cell):
    return load_workload(cell, None, "cpu")


@pytest.fixture
def times(monkeypatch):
    """Seconds by (engine, width), each a list to be used up, instead of the clock."""
    table = {}
    monkeypatch.setattr(auto, "_warm_stepper", lambda workload, cells, engine: (engine, len(cells)))
    monkeypatch.setattr(auto, "_time", lambda candidate: table[candidate].pop(0))
    return table


@pytest.mark.parametrize(
    ("cell", "legal"),
    [
        (make_cell("static"), ("stack",)),
        (make_cell("static", tier="fast"), ("solo", "stack")),
        (make_cell("static", tier="fast", precision="bf16"), ("solo",)),
        (
            make_cell(
                model="convnet", dataset_options={"features": 64, "image_size": 8, "examples": 99}
            ),
            ("solo",),
        ),
    ],
    ids=["exact", "fast", "reduced precision", "convnet"],
)
def test_legal_engines(cell, legal):
    assert legal_engines(workload_of(cell), cell) == legal


def test_the_width_with_the_least_time_per_cell_wins(times):
    cells = [make_cell("static", seed=seed) for seed in range(20)]
    times.update({("stack", 1): [10] * 2, ("stack", 4): [20] * 2, ("stack", 16): [64] * 2})
    times["stack", 20] = [120] * 2
    assert choose(workload_of(cells[0]), cells) == Choice(engine="stack", width=16)


def test_the_search_ends_once_wider_is_clearly_slower(times):
    cells = [make_cell("static", seed=seed) for seed in range(64)]
    times.update({("stack", 1): [10] * 2, ("stack", 4): [20] * 2, ("stack", 16): [160] * 2})
    assert choose(workload_of(cells[0]), cells) == Choice(engine="stack", width=4)
    assert times["stack", 16] == []


def test_the_fast_tier_may_prefer_solo(times):
    cells = [make_cell("static", seed=seed, tier="fast") for seed in range(4)]
    times.update({("solo", 1): [3] * 2, ("stack", 1): [10] * 2, ("stack", 4): [20] * 2})
    assert choose(workload_of(cells[0]), cells) == Choice(engine="solo", width=1)


def test_a_disturbed_timing_does_not_decide(times):
    cells = [make_cell("static", seed=seed) for seed in range(4)]
    times.update({("stack", 1): [8, 8], ("stack", 4): [400, 4]})
    assert choose(workload_of(cells[0]), cells) == Choice(engine="stack", width=4)


def test_one_candidate_needs_no_clock(monkeypatch):
    monkeypatch.setattr(auto, "_time", lambda step: pytest.fail("timed"))
    cell = make_cell("static")
    assert choose(workload_of(cell), [cell]) == Choice(engine="stack", width=1)


def test_an_illegal_engine_is_refused_with_the_legal_ones():
    cell = make_cell("static")
    with pytest.raises(ValueError, match="legal: stack"):
        choose(workload_of(cell), [cell], "solo")
