"""Allocations that rank weights: whose counts they take, and of which weights."""

import pytest
import torch

from sparse.allocation import allocate
from sparse.allocations import ALLOCATIONS
from sparse.methods import METHODS
from sparse.methods.gmp import GMP
from sparse.methods.static import Static
from tests.support.methods import allocation_names
from tests.support.toy import ToyContext, ToyLayer, make_layers, make_method, run_steps

SCORED = allocation_names(scores=True)


def layer(name, *values):
    return ToyLayer(name, torch.tensor([values], dtype=torch.float32))


def counts_of(name, layers, density):
    shapes = {each.name: tuple(each.weight.shape) for each in layers}
    return allocate(name, shapes, density, context=ToyContext(layers))


def test_a_layer_gets_as_many_as_it_has_among_the_largest_of_all():
    layers = [layer("a", 9.0, -8.0, 7.0, 1.0), layer("b", 2.0, -3.0), layer("c", 0.1, 0.2)]
    assert counts_of("global_magnitude", layers, "0.625") == {"a": 3, "b": 1, "c": 1}


def test_halves_are_ranked_by_themselves():
    layers = [
        layer("a", 9.0, -8.0, 7.0, 6.0),
        layer("b", 0.1, 0.2, 0.3, 0.4),
        layer("c", 1.0, 1.0, 2.0, 3.0),
        layer("d", 0.2, 4.0, 0.3, 5.0),
    ]
    assert counts_of("global_magnitude", layers, "0.5") == {"a": 4, "b": 1, "c": 1, "d": 2}
    assert counts_of("half_magnitude", layers, "0.5") == {"a": 3, "b": 1, "c": 2, "d": 2}


def test_the_middle_layer_is_in_the_first_half():
    layers = [layer("a", 3.0, 1.0), layer("b", 2.0, 1.5), layer("c", 9.0, 8.0)]
    # 4 of 6 weights: 8/3 of them in the first half.
    assert counts_of("half_magnitude", layers, "0.6") == {"a": 1, "b": 2, "c": 1}


def test_one_layer_has_no_second_half():
    assert counts_of("half_magnitude", [layer("a", 3.0, 1.0, 2.0, 4.0)], "0.5") == {"a": 2}


@pytest.mark.parametrize("name", sorted(set(SCORED) & set(METHODS.names())))
def test_the_counts_are_those_of_the_method_of_that_name(name):
    method = make_method(name)
    method.prepare(ToyContext(make_layers()))
    static = Static("0.3", allocation=name)
    static.prepare(ToyContext(make_layers()))
    assert static.counts == method.counts
    assert any(
        not torch.equal(one.mask, other.mask)
        for one, other in zip(static.layers, method.layers, strict=True)
    )


@pytest.mark.parametrize("name", sorted(set(SCORED) & set(METHODS.names())))
def test_options_have_the_defaults_of_the_method_of_that_name(name):
    own, methods = ALLOCATIONS.get(name).options(), METHODS.get(name).target.Options()
    for field in own.__dataclass_fields__:
        assert getattr(own, field) == getattr(methods, field)


@pytest.mark.parametrize("name", SCORED)
def test_shapes_alone_are_not_enough(name):
    with pytest.raises(ValueError, match="ranks weights, and shapes alone have none"):
        allocate(name, {"a": (3, 4)}, "0.5")


@pytest.mark.parametrize("name", SCORED)
def test_counts_are_those_of_the_weights_a_run_began_with(name):
    method = GMP("0.3", scope="layer", allocation=name, update_every=2)
    method.prepare(ToyContext(make_layers(), total_steps=20))
    began = method.allocated_counts()
    run_steps(method, 1, 20)
    assert method.counts == method.allocated_counts() == began
    assert sum(began.values()) == 66


@pytest.mark.parametrize("name", SCORED)
def test_a_resumed_run_has_the_counts_it_began_with(name):
    method = GMP("0.3", scope="layer", allocation=name, update_every=2)
    method.prepare(ToyContext(make_layers(), total_steps=20))
    run_steps(method, 1, 9)
    resumed = GMP("0.3", scope="layer", allocation=name, update_every=2)
    resumed.bind(ToyContext(make_layers(seed=5), total_steps=20))
    resumed.load_state_dict(method.state_dict())
    assert resumed.allocated_counts() == method.allocated_counts()
