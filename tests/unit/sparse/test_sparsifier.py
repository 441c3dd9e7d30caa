"""The base class: what it validates, what it keeps consistent, what it saves."""

import re
from decimal import Decimal

import pytest
import torch

from sparse.methods import METHODS
from sparse.methods.dense import Dense
from sparse.methods.gmp import GMP
from sparse.methods.n_m import NM
from sparse.methods.rigl import RigL
from sparse.methods.set import SET
from sparse.methods.snip import SNIP
from sparse.methods.static import Static
from sparse.methods.str import STR
from sparse.sparsifier import Sparsifier
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


def test_density_is_read_as_decimal_text():
    assert Static("0.1").density == Static(0.1).density == Decimal("0.1")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Static(0), "density is 0; it must be a number above 0 and at most 1"),
        (lambda: Static(0.1, allocation="erkk"), "unknown allocation 'erkk'"),
        (
            lambda: Static(0.1, allocation={"name": "erk", "pow": 2}),
            "allocation erk: unknown option",
        ),
        (lambda: Static(0.1, update_every=5), "options of Static: unknown option 'update_every'"),
        (lambda: RigL(0.1, drop_fraction=1.0), "options of RigL: drop_fraction is 1.0"),
        (
            lambda: SET(0.1, drop="sign"),
            "options of SET: drop is 'sign'; allowed: magnitude, signed, taylor, threshold",
        ),
        (lambda: Dense(0.1), "Dense ignores density, but it is 0.1; leave it out"),
        (lambda: Dense(allocation="uniform"), "Dense ignores allocation"),
        (
            lambda: Static(0.1, allocation="er_epsilon"),
            "er_epsilon decides the density itself, but density is 0.1; leave it out",
        ),
        (lambda: SNIP(0.1, allocation="uniform"), "SNIP ignores allocation"),
        (lambda: GMP(0.1, allocation={"name": "erk", "power": 2.0}), "GMP ignores allocation"),
        (lambda: GMP(0.1, start=0.5, stop=0.5), "start is 0.5; it must be below stop, 0.5"),
        (lambda: RigL(0.1, anneal="constant", final_drop_fraction=0.1), "has no effect"),
        (
            lambda: SET(0.1, anneal="cosine", final_drop_fraction=0.4),
            "it must be at most drop_fraction, 0.3",
        ),
        (lambda: SET(0.1, drop="magnitude", convention="set2018_scipy"), "has no effect"),
        (lambda: RigL(), "give a density, e.g. RigL(density=0.1)"),
        (lambda: NM(), "give a density, e.g. NM(density=0.1)"),
        (lambda: Static(allocation="uniform"), "give a density, e.g. Static(density=0.1)"),
        (
            lambda: GMP(densty=0.1),
            "options of GMP: unknown option 'densty'; allowed: density, allocation, start,",
        ),
        (lambda: GMP(densty=0.1), "(did you mean 'density'?)"),
        (lambda: RigL(0.1, alocation="er"), "(did you mean 'allocation'?)"),
    ],
)
def test_mistakes_are_told_before_anything_runs(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    "make", [Dense, STR, lambda: Static(allocation="er_epsilon"), lambda: NM(density=1)]
)
def test_no_density_is_needed_where_it_has_no_effect_and_1_may_be_meant(make):
    assert make().density == 1


def test_gmp_within_layers_takes_an_allocation():
    assert GMP(0.1, scope="layer", allocation="uniform").allocation == "uniform"


def test_prepare_masks_weights_and_slots_with_the_allocated_counts():
    layers = make_layers()
    method = Static("0.25", allocation="uniform")
    method.prepare(ToyContext(layers))
    assert method.counts == {"first": 21, "second": 27, "third": 7}  # 54.75 weights, rounded up
    for layer in layers:
        assert int(layer.mask.sum()) == method.counts[layer.name]
        assert torch.equal(layer.weight != 0, layer.mask != 0)
        assert torch.equal(layer.slot, layer.mask)


def test_masks_depend_on_the_seed_only():
    masks = []
    for seed in (0, 0, 1):
        layers = make_layers(seed=seed + 5)
        Static("0.3").prepare(ToyContext(layers, seed=seed))
        masks.append(layers[1].mask)
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_a_model_without_maskable_weights_is_refused():
    with pytest.raises(ValueError, match="Static found no maskable weight"):
        Static("0.5").prepare(ToyContext([]))


def test_the_target_is_that_of_an_allocation_that_decides_it():
    method = Static(allocation={"name": "er_epsilon", "epsilon": 2})
    layers = make_layers()
    method.bind(ToyContext(layers))
    assert method.target() == 104
    method.prepare(ToyContext(layers))
    assert method.counts == method.allocated == {"first": 38, "second": 42, "third": 24}


def test_exchange_zeroes_weights_and_slots_of_dropped_and_grown_positions():
    layer = ToyLayer("w", torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[1, 1], [0, 0]]))
    layer.slot.copy_(torch.tensor([[5.0, 6.0], [7.0, 8.0]]))
    method = Sparsifier("0.5", allocation="uniform")
    method.bind(ToyContext([layer]))
    method.counts = {"w": 2}
    method.explored = {"w": layer.mask.bool()}
    method.exchange(layer, torch.tensor([0]), torch.tensor([3]))
    assert layer.mask.tolist() == [[0, 1], [0, 1]]
    assert layer.weight.tolist() == [[0, 4], [0, 0]]
    assert layer.slot.tolist() == [[0, 6], [7, 0]]
    assert method.explored["w"].tolist() == [[True, True], [False, True]]
    assert method.counts == {"w": 2}


def test_exchange_reaches_transposed_views():
    stored = torch.arange(1.0, 7.0).view(3, 2)
    layer = ToyLayer("w", torch.zeros(2, 3))
    layer.weight = stored.T
    method = Sparsifier("1")
    method.bind(ToyContext([layer]))
    method.counts = {"w": 6}
    method.exchange(layer, torch.tensor([1]), torch.tensor([], dtype=torch.int64))
    assert stored.tolist() == [[1, 2], [0, 4], [5, 6]]


@pytest.mark.parametrize("name", ["set", "rigl"])
def test_state_is_loadable_as_plain_tensors(name, tmp_path):
    method = METHODS.get(name).target("0.3", update_every=2)
    method.prepare(ToyContext(make_layers(), total_steps=20))
    run_steps(method, 1, 5)
    torch.save(method.state_dict(), tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    other = METHODS.get(name).target("0.3", update_every=2)
    other.bind(ToyContext(make_layers(), total_steps=20))
    other.load_state_dict(loaded)
    assert other.counts == method.counts
    assert all(torch.equal(other.explored[key], method.explored[key]) for key in method.explored)


def test_the_state_of_another_model_is_refused():
    method = Static("0.3")
    method.prepare(ToyContext(make_layers()))
    with pytest.raises(ValueError, match="of another model; layers that differ: other, third"):
        method.load_state_dict({"counts": {"first": 1, "second": 1, "other": 1}, "explored": {}})
