"""Stored weights beside the network's own: who holds which, and when."""

import pytest
import torch
from torch import nn

from sparse import Static, attach
from sparse.sparsifier import Sparsifier
from sparse.stored import StoredWeights, stored_weights_of
from tests.support.toy import ToyContext, ToyLayer


class Halves(Sparsifier):
    """Computes with half of each positive weight; moves the first row; learns the rates' sum."""

    stores_dense = True
    learned = 0.0

    def initial_masks(self):
        return {layer.name: layer.weight > 0 for layer in self.layers}

    def effective_weight(self, layer):
        return layer.weight * layer.mask / 2

    def stored_gradient(self, layer, gradient):
        return gradient * layer.mask

    def updated_mask(self, layer):
        first = torch.zeros_like(layer.mask)
        first[0] = 1
        return first

    def learn(self, rate):
        self.learned += rate
        self.set_masks(self.initial_masks())


@pytest.fixture
def toy():
    """A layer of four weights, and its sparsifier at work."""
    layer = ToyLayer("w", torch.tensor([[2.0, -4.0], [6.0, -8.0]]))
    method = Halves(density="1")
    method.prepare(ToyContext([layer]))
    return layer, method, StoredWeights(method)


def test_the_network_gets_forward_weights_and_keeps_its_own_mask(toy):
    visible, method, stored = toy
    assert visible.weight.tolist() == [[2, -4], [6, -8]]
    stored.show()
    assert visible.weight.tolist() == [[1, 0], [3, 0]]
    assert visible.mask.tolist() == [[1, 1], [1, 1]]
    (layer,) = method.layers
    assert layer.weight.tolist() == [[2, -4], [6, -8]]
    assert layer.mask.tolist() == [[1, 0], [1, 0]]
    assert method.counts == {"w": 2}


def test_the_optimizer_gets_stored_weights_and_their_gradient(toy):
    visible, _, stored = toy
    stored.show()
    visible.gradient = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    stored.before_step()
    assert visible.weight.tolist() == [[2, -4], [6, -8]]
    assert visible.gradient.tolist() == [[1, 0], [3, 0]]


def test_after_a_step_what_may_not_move_is_as_it_was_and_the_rest_is_shown(toy):
    visible, method, stored = toy
    stored.before_step()
    visible.weight += torch.tensor([[-4.0, 8.0], [5.0, 5.0]])
    stored.after_step(0.25)
    (layer,) = method.layers
    assert layer.weight.tolist() == [[-2, 4], [6, -8]]
    assert layer.mask.tolist() == [[0, 1], [1, 0]]
    assert visible.weight.tolist() == [[0, 2], [3, 0]]
    assert visible.slot.tolist() == [[1, 1], [0, 0]]
    assert method.learned == 0.25


def test_a_layer_without_a_gradient_is_handed_over_all_the_same(toy):
    visible, _, stored = toy
    stored.show()
    stored.before_step()
    assert visible.weight.tolist() == [[2, -4], [6, -8]]


def test_changes_of_visible_weights_are_not_counted(toy):
    visible, _, stored = toy
    before = visible.weight._version
    stored.show()
    stored.before_step()
    stored.after_step(0.1)
    assert visible.weight._version == before


def test_the_state_holds_stored_weights_and_masks(toy):
    _, method, _ = toy
    other = Halves(density="1")
    layer = ToyLayer("w", torch.ones(2, 2))
    other.bind(ToyContext([layer]))
    other.load_state_dict(method.state_dict())
    stored_weights_of(other).show()
    assert layer.weight.tolist() == [[1, 0], [3, 0]]


def test_a_method_of_masked_weights_needs_no_driver():
    method = Static("0.5")
    method.prepare(ToyContext([ToyLayer("w", torch.ones(2, 2))]))
    assert stored_weights_of(method) is None
    assert method.state_dict()["stored"] == {}


# --- in a user's own loop -------------------------------------------------------------------------


class SignFlips(Halves):
    """Computes with the positive weights alone, and moves all."""

    def effective_weight(self, layer):
        return layer.weight * layer.mask

    def stored_gradient(self, layer, gradient):
        return gradient

    def updated_mask(self, layer):
        return None


def make():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(
        [
            {"params": [parameter for parameter in model.parameters() if parameter.ndim == 1]},
            {"params": [parameter for parameter in model.parameters() if parameter.ndim == 2]},
        ],
        lr=0.5,
        momentum=0.9,
    )
    optimizer.param_groups[0]["lr"] = 0.25
    return model, optimizer, attach(model, optimizer, SignFlips(density="1"), total_steps=20)


def train(model, optimizer, first, last):
    for step in range(first, last):
        inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long()).backward()
        optimizer.step()


def by_hand(steps):
    """The same training with the forward weights written into the graph; every parameter."""
    model, _, handle = make()
    handle.detach()
    torch.manual_seed(0)
    stored = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3))
    parameters = dict(stored.named_parameters())
    groups = [
        {"params": [p for p in parameters.values() if p.ndim == 1], "lr": 0.25},
        {"params": [p for p in parameters.values() if p.ndim == 2]},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.5, momentum=0.9)
    for step in range(steps):
        forward = {
            # The forward weight is a leaf of its own, and its gradient goes straight through.
            name: p if p.ndim == 1 else (p.detach() * (p.detach() > 0)).requires_grad_()
            for name, p in parameters.items()
        }
        inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        outputs = torch.func.functional_call(model, forward, (inputs,))
        nn.functional.cross_entropy(outputs, (inputs[:, 0] > 0).long()).backward()
        for name, parameter in parameters.items():
            parameter.grad = forward[name].grad
        optimizer.step()
    return {name: parameter.detach() for name, parameter in parameters.items()}


def test_a_loop_trains_stored_weights_and_its_model_holds_forward_weights():
    model, optimizer, handle = make()
    train(model, optimizer, 0, 8)
    expected = by_hand(8)
    stored = handle.state_dict()["sparsifier"]["stored"]
    for name, value in model.state_dict().items():
        if value.ndim == 1:
            assert torch.equal(value, expected[name])
            continue
        assert torch.equal(stored[name]["weight"], expected[name])
        assert torch.equal(value, expected[name].clamp_min(0))
        assert torch.equal(handle.masks()[name], expected[name] > 0)
        assert 0 < int(handle.masks()[name].sum()) < value.numel()
    assert handle.sparsifier.learned == 8 * 0.5  # the rate of the weights' parameter group


def test_an_interrupted_loop_continues_bit_for_bit(tmp_path):
    model, optimizer, _ = make()
    train(model, optimizer, 0, 9)

    parts = make()
    train(*parts[:2], 0, 4)
    torch.save([part.state_dict() for part in parts], tmp_path / "state.pt")

    resumed = make()
    states = torch.load(tmp_path / "state.pt", weights_only=True)
    for part, state in zip(resumed, states, strict=True):
        part.load_state_dict(state)
    train(*resumed[:2], 4, 9)
    assert all(map(torch.equal, model.state_dict().values(), resumed[0].state_dict().values()))


def test_stored_weights_follow_the_type_of_the_model():
    model, optimizer, handle = make()
    model.double()
    optimizer.zero_grad()
    model(torch.ones(1, 6, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert {layer.weight.dtype for layer in handle.sparsifier.layers} == {torch.float64}
    assert {layer.mask.dtype for layer in handle.sparsifier.layers} == {torch.float64}


def test_detached_the_forward_weights_stay_in_the_model():
    model, optimizer, handle = make()
    handle.detach()
    masks = handle.masks()
    assert not bool(model[0].weight[~masks["0.weight"]].any())
    train(model, optimizer, 0, 2)
    assert bool(model[0].weight[~masks["0.weight"]].any())


def test_a_closure_is_refused():
    _, optimizer, _ = make()
    with pytest.raises(ValueError, match="give it no closure"):
        optimizer.step(lambda: 0.0)
