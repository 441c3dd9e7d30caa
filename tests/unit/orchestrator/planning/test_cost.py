"""Costs: learned per kind of cell, the same key from a cell and from its record."""

from grids.cell import Cell, Component
from orchestrator.planning.cost import learn, shape_of
from orchestrator.store.index import CellState
from orchestrator.store.index_part import IndexEntry


def cell(method: str, seed: int = 0, **recipe: float) -> Cell:
    return Cell(
        method=Component(name=method, options=(("update_every", 50),)),
        density="0.1",
        dataset=Component(name="digits"),
        model=Component(name="mlp", options=(("hidden", (8, 8)),)),
        recipe=tuple(sorted(recipe.items())),
        seed=seed,
    )


def state(one: Cell, seconds: float, width: int = 1, memory: float = 300.0) -> CellState:
    moment = "2026-11-20T00:00:00.000000Z"
    entry = IndexEntry(
        cell=one.id, attempt="a", state="COMPLETED", started_at=moment, finished_at=moment,
        seconds=seconds, stack_width=width, memory_mb=memory,
    )  # fmt: skip
    return CellState.of(one.canonical_json(), (entry,))


def test_a_kind_costs_the_median_of_its_cells() -> None:
    known = learn([state(cell("set", seed), seconds) for seed, seconds in enumerate([1, 9, 2])])
    cost = known.of(cell("set", 77, lr=0.5))
    assert cost is not None
    assert cost.seconds == 2


def test_an_unmeasured_method_costs_what_others_of_its_shape_do() -> None:
    known = learn([state(cell("set"), 1.0), state(cell("rigl"), 3.0)])
    cost = known.of(cell("snip"))
    assert cost is not None
    assert cost.seconds == 2.0


def test_another_shape_is_unknown_and_so_is_a_total_with_it() -> None:
    known = learn([state(cell("set"), 1.0)])
    assert known.of(cell("set", epochs=3)) is None
    assert known.total([cell("set"), cell("set", epochs=3)]) is None
    assert known.total([cell("set"), cell("set", 1)]) == 2.0


def test_only_stacked_cells_tell_what_one_more_costs_in_memory() -> None:
    single, stacked = state(cell("set"), 1.0), state(cell("rigl"), 1.0, width=6)
    for found, expected in ((single, None), (stacked, 50.0)):
        cost = learn([found]).of(cell("set"))
        assert cost is not None
        assert cost.stacked_mb == expected


def test_learning_rates_share_a_shape_and_epochs_do_not() -> None:
    assert shape_of(cell("set", lr=0.5)) == shape_of(cell("rigl"))
    assert shape_of(cell("set", epochs=5)) != shape_of(cell("set"))
