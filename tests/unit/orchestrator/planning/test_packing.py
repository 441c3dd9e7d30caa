"""Packs: what may share a worker, how many there are, and how they are balanced."""

from collections import Counter

from grids.cell import Cell, Component
from orchestrator.planning.cost import Cost, Costs, shape_of
from orchestrator.planning.packing import PILOT_ABOVE, PILOT_CELLS, Capacity, pack_cells, pack_id


def cell(method: str = "set", seed: int = 0, **fields: object) -> Cell:
    return Cell(
        method=Component(name=method),
        density="0.1",
        dataset=Component(name=str(fields.get("dataset", "digits"))),
        model=Component(name="mlp"),
        recipe=fields.get("recipe", ()),  # type: ignore[arg-type]
        seed=seed,
    )


def costs(**seconds: float) -> Costs:
    shape = shape_of(cell())
    return Costs(
        by_kind={(shape, name): Cost(seconds=value) for name, value in seconds.items()}, by_shape={}
    )


def test_without_measurements_there_is_one_pack_per_slot() -> None:
    packs = pack_cells([cell(seed=seed) for seed in range(5)], Capacity(slots=2))
    assert [[member.seed for member in pack.cells] for pack in packs] == [[0, 2, 4], [1, 3]]
    assert [pack.seconds for pack in packs] == [None, None]


def test_there_are_never_more_packs_than_cells() -> None:
    assert len(pack_cells([cell(seed=0), cell(seed=1)], Capacity(slots=8))) == 2


def test_every_cell_is_in_exactly_one_pack() -> None:
    cells = [cell(method, seed) for method in ("set", "rigl", "dense") for seed in range(7)]
    packed = [member for pack in pack_cells(cells, Capacity(slots=4)) for member in pack.cells]
    assert sorted(member.id for member in packed) == sorted(member.id for member in cells)


def test_cells_of_another_dataset_never_share_a_pack() -> None:
    packs = pack_cells([cell(), cell(dataset="wine")], Capacity(slots=1))
    assert [len(pack.cells) for pack in packs] == [1, 1]


def test_learning_rates_share_a_pack_but_epochs_do_not() -> None:
    assert len(pack_cells([cell(), cell(recipe=(("lr", 0.01),))], Capacity(slots=1))) == 1
    assert len(pack_cells([cell(), cell(recipe=(("epochs", 5),))], Capacity(slots=1))) == 2


def test_measured_cells_are_balanced_by_the_longest_first() -> None:
    cells = [cell("rigl", 0), cell("set", 0), cell("set", 1), cell("set", 2)]
    first, second = pack_cells(cells, Capacity(slots=2), costs=costs(rigl=6.0, set=2.0))
    assert [member.method.name for member in first.cells] == ["rigl"]
    assert [member.seed for member in second.cells] == [0, 1, 2]
    assert (first.seconds, second.seconds) == (6.0, 6.0)


def test_long_work_is_cut_to_packs_of_the_target_length() -> None:
    cells = [cell(seed=seed) for seed in range(12)]
    packs = pack_cells(cells, Capacity(slots=2, target_seconds=60), costs=costs(set=30.0))
    assert [pack.seconds for pack in packs] == [60.0] * 6


def test_stacked_cells_are_limited_by_memory() -> None:
    heavy = Costs(by_kind={}, by_shape={shape_of(cell()): Cost(seconds=0.1, stacked_mb=300.0)})
    packs = pack_cells(
        [cell(seed=seed) for seed in range(9)], Capacity(slots=1, memory_mb=1000), costs=heavy
    )
    assert sorted(len(pack.cells) for pack in packs) == [3, 3, 3]


def test_a_pack_is_named_by_its_cells_and_not_by_their_order() -> None:
    one, other = cell(seed=1), cell(seed=2)
    assert pack_id([one, other]) == pack_id([other, one])
    assert pack_id([one]) != pack_id([other])


def test_the_same_cells_always_give_the_same_packs() -> None:
    cells = [cell(method, seed) for method in ("set", "rigl") for seed in range(10)]
    known = costs(set=1.5, rigl=2.5)
    assert pack_cells(cells, Capacity(slots=3), costs=known) == pack_cells(
        cells, Capacity(slots=3), costs=known
    )


def many(per_slot: int) -> list[Cell]:
    """So many cells for each of two slots, one method after the other."""
    return [cell(method, seed) for method in ("rigl", "set") for seed in range(per_slot)]


def test_a_large_group_that_was_never_measured_begins_with_a_pilot() -> None:
    packs = pack_cells(many(PILOT_ABOVE + 1), Capacity(slots=2))
    assert [(len(pack.cells), pack.pilot) for pack in packs] == [(PILOT_CELLS, True)] * 2


def test_a_pilot_has_equally_many_cells_of_every_method() -> None:
    cells = [cell(method, seed) for method in ("dense", "set") for seed in range(PILOT_ABOVE)]
    packs = pack_cells(cells, Capacity(slots=1))
    [pilot] = packs
    assert Counter(member.method.name for member in pilot.cells) == {"dense": 8, "set": 8}
    assert [member.seed for member in pilot.cells] == [*range(8), *range(8)]


def test_a_group_of_the_usual_size_is_packed_at_once() -> None:
    packs = pack_cells(many(PILOT_ABOVE), Capacity(slots=2))
    assert [(len(pack.cells), pack.pilot) for pack in packs] == [(PILOT_ABOVE, False)] * 2


def test_what_was_measured_or_piloted_needs_no_pilot() -> None:
    cells = [cell(seed=seed) for seed in range(PILOT_ABOVE + 1)]
    for packs in (
        pack_cells(cells, Capacity(slots=1), costs=costs(set=0.1)),
        pack_cells(cells, Capacity(slots=1), piloted={shape_of(cells[0])}),
    ):
        assert [(len(pack.cells), pack.pilot) for pack in packs] == [(len(cells), False)]


def test_other_groups_of_a_wave_are_packed_beside_a_pilot() -> None:
    large = [cell(seed=seed) for seed in range(PILOT_ABOVE + 1)]
    packs = pack_cells([*large, cell(dataset="wine")], Capacity(slots=1))
    assert sorted((len(pack.cells), pack.pilot) for pack in packs) == [
        (1, False),
        (PILOT_CELLS, True),
    ]


def test_where_a_start_is_dear_short_packs_are_not_made() -> None:
    cells = [cell(seed=seed) for seed in range(12)]
    capacity = Capacity(slots=8, target_seconds=1800, shortest_seconds=300)
    assert len(pack_cells(cells, capacity, costs=costs(set=50.0))) == 2
    assert len(pack_cells(cells, capacity, costs=costs(set=500.0))) == 8
    assert len(pack_cells(cells, capacity)) == 8


def test_without_pilots_everything_is_packed_at_once() -> None:
    packs = pack_cells(many(PILOT_ABOVE + 1), Capacity(slots=1, pilots=False))
    assert [len(pack.cells) for pack in packs] == [len(many(PILOT_ABOVE + 1))]
