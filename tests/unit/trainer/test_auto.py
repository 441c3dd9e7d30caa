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
    monkeypatch.setattr(auto, "CACHE_BYTES", 8 * 16 * workload_of(CELLS[0]).parameter_count())
    return table


CELLS = [make_cell("static", seed=seed) for seed in range(64)]
FAST = [make_cell("static", seed=seed, tier="fast") for seed in range(64)]


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


def test_the_likeliest_candidate_comes_first(times):
    assert widths(CELLS) == [("stack", 8), ("stack", 2), ("stack", 32)]
    assert widths(FAST) == [("stack", 8), ("solo", 1), ("stack", 2), ("stack", 32)]
    assert widths(CELLS[:3]) == [("stack", 3), ("stack", 2)]


def test_a_model_that_outgrows_the_cache_tries_solo_first(times, monkeypatch):
    monkeypatch.setattr(auto, "CACHE_BYTES", 1000)
    assert widths(FAST) == [("solo", 1), ("stack", 1), ("stack", 4)]


def widths(cells):
    workload = workload_of(cells[0])
    engines = legal_engines(workload, cells[0])
    return [(c.engine, c.width) for c in auto.ranked_candidates(workload, engines, len(cells))]


def test_the_least_time_per_cell_wins(times):
    times.update({("stack", 8): [80] * 2, ("stack", 2): [30] * 2, ("stack", 32): [160] * 2})
    assert choose(workload_of(CELLS[0]), CELLS) == Choice(engine="stack", width=32)


def test_the_fast_tier_may_prefer_solo(times):
    times.update({("stack", 8): [80] * 2, ("solo", 1): [3] * 2, ("stack", 2): [30] * 2})
    times["stack", 32] = [160] * 2
    assert choose(workload_of(FAST[0]), FAST) == Choice(engine="solo", width=1)


def test_a_disturbed_timing_does_not_decide(times):
    times.update({("stack", 8): [80] * 2, ("stack", 2): [400, 10], ("stack", 32): [640] * 2})
    assert choose(workload_of(CELLS[0]), CELLS) == Choice(engine="stack", width=2)


def test_the_search_ends_when_it_has_cost_a_hundredth_of_the_run(times, monkeypatch):
    clock = iter([0.0, 0.5, 10.0])
    monkeypatch.setattr(auto.time, "perf_counter", lambda: next(clock))
    # 8 cells per 1.6 s and 2 steps: 0.1 s per step and cell, so the whole run takes 115.2 s.
    times.update({("stack", 8): [1.6] * 2, ("stack", 2): [0.8] * 2, ("stack", 32): [0.1] * 2})
    assert choose(workload_of(CELLS[0]), CELLS) == Choice(engine="stack", width=8)
    assert times["stack", 32] == [0.1] * 2


def test_one_candidate_needs_no_clock(monkeypatch):
    monkeypatch.setattr(auto, "_time", lambda step: pytest.fail("timed"))
    cell = make_cell("static")
    assert choose(workload_of(cell), [cell]) == Choice(engine="stack", width=1)


def test_an_illegal_engine_is_refused_with_the_legal_ones():
    cell = make_cell("static")
    with pytest.raises(ValueError, match="legal: stack"):
        choose(workload_of(cell), [cell], "solo")
