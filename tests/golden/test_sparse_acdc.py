"""The published timelines of AC/DC (Peste et al. 2021)."""

import pytest
import torch

from sparse.methods.acdc import ACDC, phase_starts
from tests.support.toy import ToyContext, make_layers, run_steps


def compressed_epochs(method, epochs, each):
    """The epochs of a run that are trained with the target's number of weights throughout."""
    found = []
    for epoch in range(epochs):
        counts = set()
        for step in range(epoch * each + 1, (epoch + 1) * each + 1):
            counts.add(sum(method.counts.values()))
            run_steps(method, step, step)
        assert len(counts) == 1
        if counts == {22}:
            found.append(epoch)
        else:
            assert counts == {219}
    return found


@pytest.mark.parametrize("each", [1, 3])
def test_a_run_of_100_epochs_is_compressed_in_the_published_ones(each):
    method = ACDC("0.1")
    method.prepare(ToyContext(make_layers(), total_steps=100 * each))
    expected = [epoch for start in range(10, 75, 10) for epoch in range(start, start + 5)]
    assert len(expected) + 15 == 50
    assert compressed_epochs(method, 100, each) == expected + list(range(85, 100))


def test_the_published_runs_of_200_epochs_have_phases_of_20():
    starts = phase_starts(0.05, 0.1, 0.85, 200)
    assert [step for step, compressed in starts.items() if compressed] == [10, 50, 90, 130, 170]
    assert [step for step, compressed in starts.items() if not compressed] == [0, 30, 70, 110, 150]


def test_what_returns_starts_at_zero_with_empty_slots():
    layers = make_layers()
    method = ACDC("0.1")
    method.prepare(ToyContext(layers, total_steps=100))
    run_steps(method, 1, 14)
    kept = {layer.name: layer.mask.bool().clone() for layer in layers}
    run_steps(method, 15, 15)
    for layer in layers:
        assert bool(layer.mask.all())
        for tensor in (layer.weight, layer.slot):
            assert torch.equal(tensor != 0, kept[layer.name])
