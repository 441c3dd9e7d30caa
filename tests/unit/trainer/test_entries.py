"""Which entries of a stack an update touches, and that a change between steps is noticed."""

import pytest
import torch

from tests.support.cells import make_cell
from trainer.engines.entries import ActiveEntries, Buffers, WholeRows, divide
from trainer.engines.layout import StackLayout
from trainer.engines.stacked_optim import make_stacked_optimizer
from trainer.recipe import Recipe

WIDTH = 10


def masks_of(*active):
    """One row per cell, its first entries active."""
    return torch.stack([(torch.arange(WIDTH) < count).float() for count in active])


def stack_of(masks):
    parameters = torch.arange(masks.numel()).float().view_as(masks) * masks
    return Buffers(
        parameters=parameters,
        gradients=torch.ones_like(masks),
        masks=masks,
        slots=[torch.zeros_like(masks)],
    )


def test_a_row_is_taken_as_suits_its_own_density():
    parts = divide(stack_of(masks_of(10, 10, 2, 7, 3)))
    assert [type(part) for part in parts] == [WholeRows, WholeRows, ActiveEntries]
    full, masked, compact = parts
    assert (full.parameters[:, 0].tolist(), masked.parameters[:, 0].tolist()) == ([0, 10], [30])
    assert compact.parameters.tolist() == [20, 21, 40, 41, 42]


def test_active_entries_are_fetched_and_written_at_their_places():
    stack = stack_of(masks_of(2))
    (part,) = divide(stack)
    part.load_gradients()
    part.parameters.add_(part.gradients)
    part.slots[0].fill_(5)
    part.store_parameters()
    part.store_slots()
    assert stack.parameters[0].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 0]
    assert stack.slots[0][0].tolist() == [5, 5, 0, 0, 0, 0, 0, 0, 0, 0]


def test_values_per_cell_are_spread_over_the_entries_of_the_cell():
    (compact,) = divide(stack_of(masks_of(1, 2)))
    assert compact.spread(torch.tensor([[3.0], [4.0]])).tolist() == [3, 4, 4]
    assert compact.spread(torch.tensor([[3.0], [3.0]])).tolist() == [3]
    (full,) = divide(stack_of(masks_of(10, 10)))
    assert full.spread(torch.tensor([[3.0], [4.0]])).tolist() == [[3], [4]]


def test_parameters_lie_in_a_row_each_at_the_start_of_a_cache_line():
    layout = StackLayout([(2, 9), (1, 3)])
    assert layout.width == 48
    weights, biases = torch.ones(4, 2, 9), torch.full((4, 1, 3), 2.0)
    buffer = layout.gather([weights, biases])
    assert buffer[0].nonzero().flatten().tolist() == [*range(18), 32, 33, 34]
    layout.views(buffer)[1][3].zero_()
    assert buffer.sum(1).tolist() == [24, 24, 24, 18]


@pytest.fixture
def optimizer():
    """SGD with momentum over one cell whose first two of ten entries are active, one step done."""
    mask = masks_of(2)
    recipe = Recipe.of(make_cell(lr=1.0, momentum=0.5, weight_decay=0.0))
    made = make_stacked_optimizer(torch.zeros_like(mask), torch.ones_like(mask), mask, [recipe])
    made.step(1.0)
    return made, mask


def test_an_entry_that_becomes_active_is_updated_from_the_next_step(optimizer):
    made, mask = optimizer
    mask[0, 2] = 1
    made.step(1.0)
    assert made.parameters[0, :4].tolist() == [-2.5, -2.5, -1, 0]
    assert made.slots()["momentum_buffer"][0, :4].tolist() == [1.5, 1.5, 1, 0]


def test_weights_and_slots_changed_between_steps_are_taken_up(optimizer):
    made, _ = optimizer
    made.slots()["momentum_buffer"][0, 0] = 0
    made.parameters[0, 1] = 7
    made.step(1.0)
    assert made.parameters[0, :3].tolist() == [-2, 5.5, 0]
