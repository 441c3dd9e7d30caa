"""Durations: fitted to what was measured, borrowed wider where it was not, else unknown."""

import math
from collections.abc import Iterable

import pytest

from grids.cell import Cell, Component
from orchestrator.planning.cost import kind_of
from orchestrator.planning.durations import Durations, fit
from orchestrator.planning.measurements import Block
from tests.support.grids import a_cell


def block(cell: Cell, seconds: float, place: str = "cpu m", worker: str = "w") -> Block:
    return Block(kind_of(cell), place, worker, 0, 1, 1, math.log(seconds))


def seconds(durations: Durations, cell: Cell, place: str = "cpu m") -> float | None:
    level = durations.level(kind_of(cell), place)
    return None if level is None else math.exp(level.mu)


def fitted(*blocks: Block | Iterable[Block]) -> Durations:
    return fit([one for own in blocks for one in ([own] if isinstance(own, Block) else own)])


def with_recipe(method: str = "set", **recipe: float) -> Cell:
    return a_cell(method, recipe=tuple(sorted(recipe.items())))


def test_a_measured_kind_takes_the_geometric_mean_of_its_blocks() -> None:
    found = fitted(block(a_cell("set"), 2.0), block(a_cell("set"), 8.0))
    assert seconds(found, a_cell("set", seed=9)) == pytest.approx(4.0)
    level = found.level(kind_of(a_cell("set")), "cpu m")
    assert level is not None
    assert level.source == ""


def test_another_method_of_the_shape_lends_and_is_less_certain() -> None:
    found = fitted(block(a_cell("set"), 2.0), block(a_cell("rigl"), 8.0))
    lent, own = (found.level(kind_of(a_cell(name)), "cpu m") for name in ("snip", "set"))
    assert lent is not None
    assert own is not None
    assert math.exp(lent.mu) == pytest.approx(4.0)
    assert lent.sd > 2 * own.sd
    assert lent.source == "borrowed from other methods"


def test_twice_the_epochs_take_twice_as_long() -> None:
    found = fitted(block(with_recipe(epochs=10), 3.0))
    assert seconds(found, with_recipe(epochs=20)) == pytest.approx(6.0)
    assert seconds(found, with_recipe()) == pytest.approx(6.0)  # 20 is the default
    assert seconds(found, a_cell("set", recipe=(("epochs", 10),), data_ratio="0.5")) == (
        pytest.approx(1.5)
    )


def test_another_batch_takes_between_as_many_samples_and_as_many_steps() -> None:
    found = fitted(block(with_recipe(batch=32), 4.0))
    level = found.level(kind_of(with_recipe(batch=128)), "cpu m")
    assert level is not None
    assert math.exp(level.mu) == pytest.approx(2.0)
    assert level.sd > math.log(4.0) / math.sqrt(12.0)


def test_the_nearest_of_several_recipes_lends() -> None:
    found = fitted(block(with_recipe(epochs=10), 1.0), block(with_recipe(epochs=100), 50.0))
    assert seconds(found, with_recipe(epochs=90)) == pytest.approx(45.0)


def test_another_model_dataset_or_precision_is_unknown() -> None:
    found = fitted(block(a_cell("set"), 2.0))
    for cell in (
        a_cell("set", model=Component(name="lenet")),
        a_cell("set", dataset=Component(name="wine")),
        with_recipe(threads=4),
    ):
        assert seconds(found, cell) is None


def test_another_place_is_scaled_by_what_both_have_measured() -> None:
    found = fitted(
        block(a_cell("set"), 4.0),
        block(a_cell("rigl"), 6.0),
        block(a_cell("set"), 1.0, "H100"),
    )
    other = with_recipe("set", threads=4)
    more = fitted(block(a_cell("set"), 4.0), block(other, 10.0), block(a_cell("set"), 1.0, "H100"))
    assert seconds(more, other, "H100") == pytest.approx(2.5)
    level = more.level(kind_of(other), "H100")
    assert level is not None
    assert level.source == "scaled from cpu m by 0.25"
    # The methods of a shape lend to one another before another place does.
    assert seconds(found, a_cell("rigl"), "H100") == pytest.approx(1.0)


def test_a_gpu_is_never_guessed_from_a_cpu_and_another_cpu_is_with_a_word() -> None:
    found = fitted(block(a_cell("set"), 4.0))
    assert seconds(found, a_cell("set"), "H100") is None
    level = found.level(kind_of(a_cell("set")), "cpu other")
    assert level is not None
    assert level.source == "measured on cpu m only"
    assert level.sd > 0.5


def test_the_usual_place_of_a_sort_is_that_of_most_kinds() -> None:
    found = fitted(
        block(a_cell("set"), 1.0, "H100"),
        block(a_cell("set"), 1.0, "A100"),
        block(a_cell("rigl"), 1.0, "A100"),
    )
    assert found.place_like(cpu=False) == "A100"
    assert found.place_like(cpu=True) is None
