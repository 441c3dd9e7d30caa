"""acdc: phases of short and odd runs, scopes, and what is refused."""

import pytest
import torch

from sparse import ACDC
from sparse.methods.acdc import phase_starts
from tests.support.toy import ToyContext, ToyLayer, make_layers, run_steps


@pytest.mark.parametrize(
    ("shares", "total", "starts"),
    [
        ((0.1, 0.05, 0.85), 1, {0: True}),
        ((0.1, 0.05, 0.85), 7, {0: False, 1: True, 2: False, 4: True, 5: False, 6: True}),
        ((0.5, 0.5, 1.0), 10, {0: False, 9: True}),
        ((0.0, 0.2, 0.6), 10, {0: True, 2: False, 6: True}),
        ((0.0, 0.1, 0.0), 10, {0: True}),
        ((0.3, 0.1, 0.3), 10, {0: False, 3: True}),
    ],
)
def test_phases_begin_where_the_shares_say_and_the_last_is_compressed(shares, total, starts):
    assert phase_starts(*shares, total) == starts


def test_an_update_reports_what_it_dropped_or_grew():
    method = ACDC("0.25")
    method.prepare(ToyContext(make_layers(), total_steps=20))
    assert [step for step in range(25) if method.wants_update(step)][:3] == [2, 3, 4]
    run_steps(method, 1, 1)
    first, second = method.after_step(2), method.after_step(3)
    assert (first.dropped, first.grown) == (164, 0)  # 55 of 219 stay
    assert (second.dropped, second.grown) == (0, 164)


def test_within_layers_the_allocated_counts_stay():
    method = ACDC("0.25", scope="layer", allocation="uniform", warm_up=0.0)
    method.prepare(ToyContext(make_layers(), total_steps=20))
    assert method.counts == {"first": 21, "second": 27, "third": 7}


def test_over_the_network_the_largest_stay():
    weights = {"large": [[5.0, -4.0, 3.0]], "small": [[0.3, 0.2, -0.1]]}
    layers = [ToyLayer(name, torch.tensor(w)) for name, w in weights.items()]
    method = ACDC("0.5", warm_up=0.0)
    method.prepare(ToyContext(layers, total_steps=20))
    assert [layer.mask.tolist() for layer in layers] == [[[1, 1, 0]], [[1, 0, 0]]]


@pytest.mark.parametrize(
    ("options", "total", "message"),
    [
        ({}, None, "acdc needs to know the length of the run: give total_steps"),
        ({"warm_up": 0.9}, 20, "warm_up is 0.9; it must be at most final_start, 0.85"),
        ({"allocation": "uniform"}, 20, "ACDC ignores allocation with these options"),
    ],
)
def test_what_cannot_be_is_refused(options, total, message):
    with pytest.raises(ValueError, match=message):
        ACDC("0.5", **options).prepare(ToyContext(make_layers(), total_steps=total))
