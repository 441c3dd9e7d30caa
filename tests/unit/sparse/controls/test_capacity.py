"""Equal capacity: what makes a pair, how first weights are scaled, and what is refused."""

from decimal import Decimal

import pytest
import torch
from torch import nn

from sparse.attach import attach
from sparse.controls.capacity import first_weights, layer_pairs, pair_report, unit_fan_in
from sparse.controls.narrow import scaled_widths
from sparse.methods.same_capacity import SameCapacity

WIDE = {"first": (400, 500), "last": (10, 400)}
DENSE = {"first": (100, 500), "last": (10, 100)}


def network(width):
    return nn.Sequential(nn.Linear(7, width), nn.PReLU(width), nn.Linear(width, 3))


def attached(partner, **options):
    model = network(20)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return model, attach(model, optimizer, SameCapacity(**options), partner=partner)


def variance(init, *, mask=None, wide_fan_in=False, layer=0):
    pair = layer_pairs(WIDE, DENSE)[layer]
    draws = torch.Generator().manual_seed(0)
    weight = first_weights(pair, draws, mask=mask, init=init, wide_fan_in=wide_fan_in)
    return float((weight**2).mean())


def test_variances_are_two_over_the_chosen_fan_in_and_the_same_for_both():
    ones = torch.ones(WIDE["last"])
    for mask in (None, ones):
        assert variance("matched", mask=mask, layer=1) == pytest.approx(2 / 100, rel=0.1)
        assert variance("matched", mask=mask, layer=1, wide_fan_in=True) == pytest.approx(
            2 / 400, rel=0.1
        )
        # 10 x 100 weights among 10 units.
        assert variance("layer_scaled", mask=mask, layer=1) == pytest.approx(2 / 100, rel=0.1)
        # 100 x 500 weights among 400 units of S.
        assert variance("layer_scaled", mask=None if mask is None else torch.ones(WIDE["first"]))\
            == pytest.approx(2 / 125, rel=0.1)  # fmt: skip


def test_unit_scaled_weights_follow_the_inputs_of_each_unit_of_the_sparse_network():
    mask = torch.zeros(WIDE["first"])
    mask[:200, :50] = 1
    mask[200:399] = 1
    pair = layer_pairs(WIDE, DENSE)[0]
    weight = first_weights(pair, torch.Generator().manual_seed(0), mask=mask, init="unit_scaled")
    assert float((weight[:200] ** 2).mean()) == pytest.approx(2 / 50, rel=0.05)
    assert float((weight[200:399] ** 2).mean()) == pytest.approx(2 / 500, rel=0.05)
    assert bool(weight.isfinite().all())  # a unit without an input, too
    assert variance("unit_scaled") == pytest.approx(2 / 500, rel=0.05)


def test_units_lie_along_the_second_side_of_a_transposed_convolution():
    mask = torch.zeros(5, 4, 3, 3)
    mask[:, 1] = 1
    assert unit_fan_in(mask, transposed=True).tolist() == [0, 45, 0, 0]
    assert unit_fan_in(mask).tolist() == [9, 9, 9, 9, 9]


def test_other_layers_and_wider_ones_are_no_pair():
    with pytest.raises(ValueError, match="have the same layers; these differ: last"):
        layer_pairs(WIDE, {"first": (100, 500)})
    message = "first of the dense network is 401 x 500, which is not within 400 x 500"
    with pytest.raises(ValueError, match=message):
        layer_pairs(WIDE, {"first": (401, 500), "last": (10, 401)})
    with pytest.raises(ValueError, match=r"init is 'he'; allowed: matched, layer_scaled"):
        first_weights(layer_pairs(WIDE, DENSE)[0], torch.Generator(), init="he")


@pytest.mark.parametrize("width", ["0", "1.01", "-0.5"])
def test_a_share_of_the_widths_is_above_0_and_at_most_1(width):
    with pytest.raises(ValueError, match=f"width is {width}; it must be above 0 and at most 1"):
        scaled_widths([10], Decimal(width))


def test_a_share_that_leaves_no_unit_is_refused():
    assert scaled_widths([10, 200], Decimal("0.05")) == (1, 10)
    with pytest.raises(ValueError, match=r"width 0\.04 leaves a layer of 10 units with none"):
        scaled_widths([10, 200], Decimal("0.04"))


def test_rounding_may_not_join_layers_that_are_not_joined():
    assert scaled_widths([20, 20, 19], Decimal("0.1")) == (2, 2, 2)
    assert scaled_widths([20, 20, 14], Decimal("0.1"), joined=True) == (2, 2, 1)
    with pytest.raises(ValueError, match=r"0\.1 makes \[20, 20, 19\] units into \[2, 2, 2\]"):
        scaled_widths([20, 20, 19], Decimal("0.1"), joined=True)


@pytest.mark.parametrize("options", [{"width": 1.5}, {"width": 0}, {"role": "both"}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SameCapacity(**options)


def test_whose_fan_in_means_nothing_where_the_init_says_it_already():
    with pytest.raises(ValueError, match="fan_in has no effect with init: unit_scaled"):
        SameCapacity(init="unit_scaled", fan_in="wide")


def test_a_module_of_ones_own_keeps_what_its_partner_has():
    partner = network(5)
    model, handle = attached(partner, width=0.25)
    assert {name: int(mask.sum()) for name, mask in handle.masks().items()} == {
        "0.weight": 35,
        "2.weight": 15,
    }
    report = pair_report(model, partner, handle.masks())
    assert (report.active, report.density) == (50, 0.25)
    assert report.extra_sparse == {"Linear": 23, "PReLU": 20}
    assert report.extra_dense == {"Linear": 8, "PReLU": 5}
    assert handle.sparsifier.metrics() == {"extra_params": 43.0}
    assert all(not layer.bias.any() for layer in handle.sparsifier.layers)
    assert all(0 <= least <= 7 for least in report.min_fan_in.values())


def test_a_report_on_networks_of_unequal_counts_is_refused():
    partner = network(5)
    model, handle = attached(partner, width=0.25)
    masks = handle.masks()
    masks["2.weight"][:] = True
    with pytest.raises(ValueError, match=r"2\.weight has 60 active weights, but the dense one 15"):
        pair_report(model, partner, masks)


def test_a_report_without_the_mask_of_a_layer_is_refused():
    model, handle = attached(network(5), width=0.25)
    masks = {"0.weight": handle.masks()["0.weight"]}
    with pytest.raises(ValueError, match=r"masks has none for 2\.weight; give that of every"):
        pair_report(model, network(5), masks)


@pytest.mark.parametrize(
    ("units", "width", "wanted"), [(10, 0.1, "2"), (20, 0.5, "10"), (5, 0.35, "7"), (30, 0.5, "10")]
)
def test_a_partner_of_another_width_than_the_one_given_is_refused(units, width, wanted):
    message = f"width {width} of 20 units is {wanted}, but partner= has {units} in 0\\.weight"
    with pytest.raises(ValueError, match=message):
        attached(network(units), width=width)


@pytest.mark.parametrize(("units", "width"), [(7, 0.33), (6, 0.33), (19, 0.99), (20, 0.99)])
def test_a_partner_may_be_rounded_either_way(units, width):
    _, handle = attached(network(units), width=width)
    assert int(handle.masks()["0.weight"].sum()) == 7 * units


def test_in_a_loop_of_ones_own_the_partner_must_be_given():
    with pytest.raises(ValueError, match=r"at width 0\.25 .* give partner= that network"):
        attached(None, width=0.25)
    with pytest.raises(ValueError, match=r"trains another network, .* sparse\.dense_widths"):
        attached(network(5), width=0.25, role="dense")


def test_at_width_1_nothing_is_masked_and_both_are_one_network():
    draws = []
    for role in ("sparse", "dense"):
        model, handle = attached(None, width=1, role=role)
        assert all(bool(mask.all()) for mask in handle.masks().values())
        draws.append(model[0].weight)
    assert torch.equal(*draws)
