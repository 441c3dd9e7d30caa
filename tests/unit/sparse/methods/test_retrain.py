"""retrain in a person's own loop, and the weights that it makes of others."""

import functools
import math

import pytest
import torch
from torch import nn

from sparse import Retrain, attach, restarts
from sparse.methods import METHODS
from tests.support.toy import ToyContext, make_layers


def network():
    return nn.Sequential(nn.Linear(6, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Linear(20, 3))


def begun(seed=0):
    torch.manual_seed(seed)
    model = network()
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


@functools.cache
def found():
    """A trained network of which every fourth weight is there: 45 of 180."""
    torch.manual_seed(1)
    state = network().state_dict()
    for name in ("0.weight", "3.weight"):
        mask = torch.arange(state[name].numel()).view(state[name].shape) % 4 == 0
        state[name] *= mask
    return state


def attached(model, optimizer, seed=0, build=network, **options):
    method = Retrain(0.25, allocation="uniform", **options)
    return attach(model, optimizer, method, artifacts={"final": found()}, build=build, seed=seed)


def test_active_is_what_is_not_zero_in_the_network_that_was_found():
    model, optimizer = begun()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    handle = attached(model, optimizer)
    masks = handle.masks()
    assert handle.density == 45 / 180
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name] * masks.get(name, 1))
        assert name not in masks or torch.equal(masks[name], found()[name] != 0)


@pytest.mark.parametrize("start", ["reshuffle", "sign_reinit", "signed_const", "reinit"])
def test_every_start_works_and_moves_no_global_generator(start):
    model, optimizer = begun()
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found()
    state = torch.get_rng_state()
    handle = attached(model, optimizer, start=start)
    assert torch.equal(torch.get_rng_state(), state)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, mask in handle.masks().items():
        assert bool((own[name] != 0)[mask].all())
        assert not bool(own[name][~mask].any())
        assert not torch.equal(own[name], first[name] * mask)
    assert torch.equal(own["0.bias"], first["0.bias"]) == (start != "reinit")


@pytest.mark.parametrize("start", ["reshuffle", "sign_reinit", "reinit"])
def test_draws_are_named(start):
    made = []
    for draw in (0, 0, 1):
        model, optimizer = begun()
        attached(model, optimizer, start=start, draw=draw)
        made.append(torch.cat([tensor.flatten() for tensor in model.state_dict().values()]))
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_reinit_resets_running_statistics_and_affine_parameters():
    model, optimizer = begun()
    with torch.no_grad():
        for tensor in model[1].state_dict().values():
            tensor.fill_(5)
    attached(model, optimizer, start="reinit")
    assert {name: set(t.flatten().tolist()) for name, t in model[1].state_dict().items()} == {
        "weight": {1.0},
        "bias": {0.0},
        "running_mean": {0.0},
        "running_var": {1.0},
        "num_batches_tracked": {0},
    }


@pytest.mark.parametrize(
    ("options", "build", "message"),
    [
        ({"start": "reinit"}, None, "give build="),
        ({"start": "sign_reinit"}, None, "give build="),
        (
            {"start": "reinit"},
            lambda: nn.Linear(6, 3),
            "build= returns a model of other parameters",
        ),
        (
            {"start": "reshuffle", "source_seed": 3},
            network,
            "initial weights of seed 3 are not known",
        ),
    ],
)
def test_what_is_missing_is_told(options, build, message):
    with pytest.raises(ValueError, match=message):
        attached(*begun(), build=build, **options)


def test_a_mask_that_is_denser_than_asked_is_refused():
    model, optimizer = begun()
    with pytest.raises(ValueError, match=r"keeps 45 weights, but density 0\.1 only 18"):
        attach(model, optimizer, Retrain(0.1), artifacts={"final": found()})


OPTIONS = [
    ({"mask": "random", "source": "set"}, "source has no effect with mask: random"),
    (
        {"mask": "shuffled", "start": "final_weights"},
        "mask has no effect with start: final_weights",
    ),
    ({"fan_in": "active"}, "fan_in has no effect with start: same_init"),
    (
        {"fan_in": "active", "start": "signed_const"},
        "fan_in has no effect with start: signed_const",
    ),
    ({"draw": 1}, "draw has no effect with start: same_init and mask: kept"),
    ({"draw": 1, "start": "signed_const"}, "draw has no effect"),
    (
        {"mask": "random", "start": "reinit", "source_seed": 1},
        "source_seed has no effect with mask: random and start: reinit",
    ),
    ({"source": "rigle"}, "unknown method 'rigle'"),
    ({"source": {"name": "rigl", "x": 1}}, "unknown option 'x'"),
    ({"source": 3}, "3 is no method: give its name, or a mapping with its name"),
    ({"source": "retrain"}, "itself builds on another method"),
    ({"source": "dense"}, "keeps every weight"),
    ({"source": "small_dense"}, "another shape"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options_without_effect_and_other_sources_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Retrain(0.1, **options)


def test_methods_say_why_they_are_no_source():
    reasons = {name: METHODS.get(name).traits["no_structure"] for name in METHODS.names()}
    assert {name: reason.split()[0] for name, reason in reasons.items() if reason} == {
        "dense": "keeps",
        "retrain": "itself",
        "same_capacity": "trains",
        "small_dense": "trains",
    }


@pytest.mark.parametrize(
    ("source", "mask", "ignored"),
    [
        ("rigl", "kept", ()),
        ("imp", "kept", ("allocation",)),
        ({"name": "imp", "scope": "layer"}, "shuffled", ()),
        ("str", "kept", ("density", "allocation")),
    ],
)
def test_it_ignores_what_the_source_ignores(source, mask, ignored):
    density = None if "density" in ignored else 0.1
    assert Retrain(density, source=source, mask=mask).ignored_fields() == ignored


def test_a_random_mask_has_the_allocated_counts_of_every_layer():
    method = Retrain("0.3", mask="random", allocation="uniform")
    method.prepare(ToyContext(make_layers()))
    assert method.counts == method.allocated == {"first": 25, "second": 33, "third": 8}


def test_guard_g24_a_permuted_mask_has_the_same_count_elsewhere():
    mask = torch.zeros(5, 7, dtype=torch.bool)
    mask[0] = True
    moved = restarts.permuted_mask(mask, torch.Generator().manual_seed(0))
    assert moved.shape == mask.shape
    assert int(moved.sum()) == 7
    assert not torch.equal(moved, mask)


def test_weights_are_permuted_among_active_positions_only():
    weight = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    mask = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    orders = set()
    for seed in range(20):
        moved = restarts.permuted_weight(weight, mask, torch.Generator().manual_seed(seed))
        assert moved[mask == 0].tolist() == [2.0, 6.0]
        assert sorted(moved[mask == 1].tolist()) == [1.0, 3.0, 4.0, 5.0]
        orders.add(tuple(moved[mask == 1].tolist()))
    assert len(orders) > 8
    assert weight.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_signs_magnitudes_and_constants_are_taken_as_told():
    weight = torch.tensor([3.0, -1.0, 0.0, -2.0])
    fresh = torch.tensor([-5.0, 7.0, 2.0, -4.0])
    assert restarts.with_signs(fresh, weight).tolist() == [5.0, -7.0, 0.0, -4.0]
    spread = math.sqrt(14 / 4)  # of mean 0
    torch.testing.assert_close(
        restarts.signed_constant(weight), torch.tensor([spread, -spread, 0.0, -spread])
    )


@pytest.mark.parametrize(("active", "factor"), [(12, 1.0), (3, 2.0), (0, 1.0)])
def test_the_factor_of_the_active_fan_in(active, factor):
    mask = torch.zeros(12)
    mask[:active] = 1
    assert restarts.fan_in_factor(mask.view(3, 4)) == factor
