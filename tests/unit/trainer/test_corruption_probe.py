"""The probe `corruptions`: what it measures on what, and at whose cost."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

from sparse.options import build_options
from tests.support.cells import component, make_cell, train
from trainer.corruptions import COMMON, corrupt
from trainer.data.bundle import Split
from trainer.loading import load_bundle
from trainer.probes import PROBES
from trainer.probes.corruptions import MEAN, Corruptions, CorruptionsOptions
from trainer.probes.subject import Subject
from trainer.shared import TemporaryFiles

TASK = {"examples": 120, "size": 9, "classes": 4, "noise": 0.05}


def cell_of(scenario="clean", **options):
    cell = make_cell("dense", "1", dataset="synthetic_images", lr=0.01)
    return replace(
        cell, dataset=component("synthetic_images", TASK), scenario=component(scenario, options)
    )


def probed(cell, **options):
    asked = {"name": "corruptions", **options}
    return train(cell, probes={cell.id: [asked]})[cell.id]


class Light(nn.Module):
    """Takes the mean light of an image, in twentieths, for its class; over again after four."""

    def forward(self, inputs):
        return one_hot((inputs.double().mean((1, 2, 3)) / 12.75).long() % 4, 4).float()


class LightSubject(Subject):
    cell = bundle = shared = None

    def __init__(self, cell, bundle):
        self.cell, self.bundle = cell, bundle
        self.shared = TemporaryFiles()

    def module(self):
        return Light()


def test_the_mean_of_severities_and_then_of_corruptions():
    cell = cell_of()
    bundle = load_bundle(cell, None, "cpu")
    subject = LightSubject(cell, bundle)
    options = build_options(
        CorruptionsOptions, {"corruptions": ["brightness", "contrast"], "severities": [2, 5]}, ""
    )
    found = Corruptions(options).measure(subject)
    expected = {}
    test = bundle.test
    for name in ("brightness", "contrast"):
        right = []
        for severity in (2, 5):
            images = corrupt(
                test.inputs.permute(0, 2, 3, 1).numpy(), test.ids.numpy(),
                corruption=name, severity=severity, seed=0, part="train",
            )  # fmt: skip
            seen = (images.mean((1, 2, 3)) / 12.75).astype(int) % 4
            right.append((seen == test.targets.numpy()).mean())
        expected[f"{name}_accuracy"] = np.mean(right)
    assert found == pytest.approx({MEAN: np.mean(list(expected.values())), **expected})
    assert expected["brightness_accuracy"] != expected["contrast_accuracy"]


def test_it_changes_no_bit_and_names_what_it_declares():
    cell = cell_of()
    plain, measured = train(cell)[cell.id], probed(cell, severities=[1])
    assert measured.state == "COMPLETED", measured.error
    assert plain.metrics.items() <= measured.metrics.items()
    added = measured.metrics.keys() - plain.metrics.keys()
    assert added == {MEAN, *(f"{name}_accuracy" for name in COMMON)}
    declared = {metric["name"] for metric in PROBES.get("corruptions").traits["metrics"]}
    assert added <= declared


def test_a_cell_of_corrupted_data_is_measured_on_the_clean_images_corrupted_once():
    # On its own corruption, severity and seed the probe sees the cell's very test images.
    cell = cell_of("corrupted", corruption="snow", severity=4)
    measured = probed(cell, corruptions=["snow"], severities=[4])
    assert measured.metrics["snow_accuracy"] == measured.metrics["test_accuracy"]
    assert measured.metrics[MEAN] == measured.metrics["test_accuracy"]


def test_inputs_that_are_no_pixels_are_refused_with_a_way_out():
    cell = replace(cell_of(), dataset=component("digits", {}))
    failed = probed(cell)
    assert (failed.state, failed.error["phase"]) == ("FAILED", "probe corruptions")
    assert "use a dataset of bytes" in failed.error["message"]


def test_a_corruption_that_the_images_do_not_fit_is_refused_before_training():
    grey = replace(cell_of(), dataset=component("synthetic_images", {**TASK, "channels": 1}))
    failed = probed(grey, corruptions=["brightness", "saturate"])
    assert (failed.state, failed.curve) == ("FAILED", {})
    assert failed.error["phase"] == "probe corruptions(corruptions=[brightness, saturate])"
    assert failed.error["message"] == (
        "probe corruptions: corruption saturate acts on colour; these images are grey"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"corruptions": ["snow", "rain"]}, "rain"),
        ({"corruptions": []}, "corruptions"),
        ({"corruptions": ["snow", "snow"]}, r"corruptions is .*; it must not list anything twice"),
        ({"severities": [1, 1]}, r"severities is \[1, 1\]; it must not list anything twice"),
        ({"severities": [0]}, "severities"),
    ],
)
def test_lists_that_cannot_be_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        build_options(CorruptionsOptions, options, "probe corruptions")


def test_accuracy_counts_over_all_chunks():
    inputs = torch.zeros(1500, 1, 4, 4, dtype=torch.uint8)
    inputs[:300] = 13  # one twentieth of white
    split = Split(inputs=inputs, targets=torch.ones(1500, dtype=torch.int64))
    subject = LightSubject(None, None)
    assert subject.accuracy(split) == 0.2
    sizes = []

    def light(seen, targets):
        sizes.append((len(seen), len(targets)))
        return torch.full_like(seen, 13)

    assert subject.accuracy(split, light, at_once=600) == 1.0
    assert sizes == [(600, 600), (600, 600), (300, 300)]
