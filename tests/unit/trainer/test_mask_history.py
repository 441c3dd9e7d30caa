"""Masks over time: packed, put back, compared, and kept through a checkpoint."""

import pytest
import torch

from trainer.mask_history import MaskHistory, active, new_share, packed


def masks(first, second):
    return {
        "a": torch.tensor([int(c) for c in first]).view(2, -1),
        "b": torch.tensor([int(c) for c in second]),
    }


START = masks("1100110000", "101")
LATER = masks("1010101000", "011")


def test_every_layer_begins_with_a_byte_of_its_own():
    bits = packed(list(START.values()))
    assert bits.tolist() == [0b11001100, 0b00000000, 0b10100000]
    assert active(bits) == 6


def test_masks_come_back_in_their_shapes():
    history = MaskHistory()
    for time, now in enumerate((START, LATER, START)):
        history.keep(float(time), history.look(now))
    found = [history.masks(bits) for _, bits in history]
    for (first, second), now in zip(found, (START, LATER, START), strict=True):
        assert torch.equal(first, now["a"].bool())
        assert torch.equal(second, now["b"].bool())
    assert history.masks(history.first)[1].tolist() == [True, False, True]
    assert (history.first == history.last).all()


def test_layers_are_compared_one_by_one():
    history = MaskHistory()
    first, second = history.look(START), history.look(LATER)
    found = [(p.both, p.first, p.second, p.total) for p in history.agreements(first, second)]
    assert found == [(2, 4, 4, 10), (1, 2, 2, 3)]
    assert new_share(first, second) == 3 / 6


def test_what_was_ever_active_and_what_updates_replace():
    history = MaskHistory()
    history.look(START)
    assert (history.explored_rate, history.take_churn()) == (6 / 13, None)
    history.look(LATER, updated=True)
    history.look(LATER, updated=True)
    assert history.explored_rate == 9 / 13
    assert history.take_churn() == (3 / 6 + 0) / 2
    assert history.take_churn() is None


def test_a_history_goes_on_after_a_checkpoint(tmp_path):
    whole, first = MaskHistory(), MaskHistory()
    for history in (whole, first):
        history.keep(0.0, history.look(START))
        history.look(LATER, updated=True)
    torch.save(first.state(), tmp_path / "state.pt")
    second = MaskHistory()
    second.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    for history in (whole, second):
        history.keep(1.0, history.look(START, updated=True))
    assert second.times == whole.times == [0.0, 1.0]
    assert second.explored_rate == whole.explored_rate
    assert second.take_churn() == whole.take_churn() == 0.5
    for (_, one), (_, other) in zip(second, whole, strict=True):
        assert (one == other).all()


def test_a_change_of_few_masks_takes_few_bytes():
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(400, 500, generator=generator) < 0.1
    other = mask.clone()
    other[0, :50] ^= True
    history = MaskHistory()
    for time, now in enumerate((mask, other)):
        history.keep(float(time), history.look({"w": now}))
    sizes = [len(change) for change in history.state()["changes"]]
    assert sizes[1] < 300 < sizes[0] < 25_000


def test_an_empty_history_can_be_saved():
    history = MaskHistory()
    history.load_state(MaskHistory().state())
    assert list(history) == []
    with pytest.raises(StopIteration):
        _ = history.first
