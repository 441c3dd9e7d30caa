"""Loss, accuracy and calibration, against values worked out by hand."""

import math
from types import SimpleNamespace

import pytest
import torch

from trainer.data.bundle import Split
from trainer.evaluate import CHUNK, calibration_errors, chunks, evaluate


def engine_of(*logits):
    """An engine whose cells answer every input, a row number, with a row of these logits."""
    table = torch.stack([torch.tensor(own) for own in logits])
    return SimpleNamespace(
        cells=[None] * len(logits), logits=lambda inputs: table[:, inputs[:, 0].long()]
    )


def split_of(targets):
    rows = torch.arange(len(targets)).float().unsqueeze(1)
    return Split(inputs=rows, targets=torch.tensor(targets))


def confident(probability):
    return [math.log(probability), math.log(1 - probability)]


def test_loss_and_accuracy_are_means_for_each_cell():
    score = evaluate(
        engine_of([confident(0.8), confident(0.8)], [confident(0.5), confident(0.1)]),
        split_of([0, 1]),
    )
    assert score.accuracy == [0.5, 1.0]
    losses = [-(math.log(0.8) + math.log(0.2)) / 2, -(math.log(0.5) + math.log(0.9)) / 2]
    assert score.loss == pytest.approx(losses)


def test_calibration_is_the_weighted_gap_between_confidence_and_accuracy_in_each_bin():
    # 0.9 and 0.92 share the bin (13/15, 14/15]: confidence 0.91, accuracy 1/2. 0.6 is alone.
    logits = [confident(0.9), confident(0.92), confident(0.6)]
    (error,) = calibration_errors(engine_of(logits), split_of([0, 1, 0]))
    assert error == pytest.approx((2 * abs(0.91 - 0.5) + abs(0.6 - 1.0)) / 3, abs=1e-6)


def test_surplus_and_deficit_cancel_within_a_bin_only():
    logits = [confident(0.75), confident(0.75), confident(0.75), confident(0.75)]
    (error,) = calibration_errors(engine_of(logits), split_of([0, 0, 0, 1]))
    assert error == pytest.approx(0.0, abs=1e-6)


def test_a_sure_network_that_is_right_is_calibrated_and_one_that_is_wrong_is_not():
    sure = [[50.0, -50.0]] * 4
    assert calibration_errors(engine_of(sure), split_of([0] * 4)) == [0.0]
    assert calibration_errors(engine_of(sure), split_of([1] * 4)) == [1.0]


def test_chunks_are_the_split_in_order():
    split = split_of([0, 1, 1, 0, 1])
    found = [(inputs[:, 0].tolist(), targets.tolist()) for inputs, targets in chunks(split, 2)]
    assert found == [([0.0, 1.0], [0, 1]), ([2.0, 3.0], [1, 0]), ([4.0], [1])]
    assert CHUNK == 1024


def test_more_examples_than_a_pass_takes_are_all_counted():
    count = CHUNK + 3
    logits, targets = [confident(0.9)] * count, [0] * (count - 1) + [1]
    assert evaluate(engine_of(logits), split_of(targets)).accuracy == [(count - 1) / count]
