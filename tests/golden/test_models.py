"""Sizes of the networks: counts that the sheets print, and the rest from the architecture."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from sparse.flops import forward_cost
from sparse.targets import find_targets
from trainer.building import build_model
from trainer.models import MODELS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "models.md"
CIFAR, TINY, MNIST = (3, 32, 32), (3, 64, 64), (1, 28, 28)
BASIC = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)


def on_meta(name, shape, classes, **options):
    with torch.device("meta"):
        return build_model(name, options, shape, classes)


def sizes(name, shape, classes, **options):
    """Maskable tensors, maskable weights and parameters."""
    model = on_meta(name, shape, classes, **options)
    targets = find_targets(model).targets
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return len(targets), sum(target.size for target in targets), parameters


def of_basic_blocks(blocks, stem, classes):
    """A stem kernel, per stage two 3x3 kernels a block, a 1x1 kernel into each but the first."""
    kernels, norms = [stem], [64]
    for stage, (number, width) in enumerate(zip(blocks, WIDTHS, strict=True)):
        before = width // 2 if stage else width
        kernels += [9 * before * width] + [9 * width * width] * (2 * number - 1)
        norms += [width] * 2 * number
        if stage:
            kernels.append(before * width)
            norms.append(width)
    kernels.append(512 * classes)
    return len(kernels), sum(kernels), sum(kernels) + 2 * sum(norms)


def of_bottlenecks(stem, classes):
    kernels, norms, before = [stem], [64], 64
    for number, width in zip((3, 4, 6, 3), WIDTHS, strict=True):
        for block in range(number):
            kernels += [before * width, 9 * width * width, 4 * width * width]
            norms += [width, width, 4 * width]
            if block == 0:
                kernels.append(before * 4 * width)
                norms.append(4 * width)
            before = 4 * width
    kernels.append(2048 * classes)
    return len(kernels), sum(kernels), sum(kernels) + 2 * sum(norms)


def of_wide_blocks(depth, factor, classes):
    """Blocks that normalise first: each has a norm of what comes in and one between."""
    kernels, norms, before = [3 * 9 * 16], [], 16
    for width in (16 * factor, 32 * factor, 64 * factor):
        for block in range((depth - 4) // 6):
            kernels += [9 * before * width, 9 * width * width]
            kernels += [before * width] if block == 0 else []
            norms += [before, width]
            before = width
    kernels.append(before * classes)
    return len(kernels), sum(kernels), sum(kernels) + 2 * sum([*norms, before]) + classes


def of_vgg(depths, hidden, classes, *, bias):
    """Convolutions with a norm each, linear layers with bias, a norm between these."""
    channels = [3]
    for depth, width in zip(depths, (*WIDTHS, 512), strict=True):
        channels += [width] * depth
    kernels = [9 * before * after for before, after in pairwise(channels)]
    heads = [before * after for before, after in pairwise([512, *hidden, classes])]
    outputs = sum(channels[1:])
    others = (3 if bias else 2) * outputs + 3 * sum(hidden) + classes
    weights = sum(kernels) + sum(heads)
    return len(kernels) + len(heads), weights, weights + others


def of_perceptron(units):
    weights = [before * after for before, after in pairwise(units)]
    return len(weights), sum(weights), sum(weights) + sum(units[1:])


def of_transformer(classes, *, tokens, width=192, inner=192, hidden=768, depth=6):
    block = [width * inner] * 4 + [width * hidden] * 2
    weights = [3 * 4 * 4 * width] + depth * block + [width * classes]
    biases = width + depth * (3 * inner + width + hidden + width) + classes
    norms = 2 * width * (2 * depth + 1)
    return len(weights), sum(weights), sum(weights) + biases + norms + tokens * width


@pytest.mark.parametrize(
    ("name", "classes", "shape", "options", "tensors", "weights"),
    [
        ("resnet18", 10, CIFAR, {}, 21, 11_164_352),
        ("resnet18", 100, CIFAR, {}, 21, 11_210_432),
        ("resnet34", 200, CIFAR, {}, 37, 21_362_368),
        ("vgg16", 10, CIFAR, {}, 16, 15_239_872),
        ("vgg19_bn", 100, CIFAR, {}, 17, 20_070_080),
    ],
)
def test_the_sheet_prints_these_counts(name, classes, shape, options, tensors, weights):
    assert sizes(name, shape, classes, **options)[:2] == (tensors, weights)


def test_beside_its_weights_resnet18_has_9600_parameters_of_batch_norm_and_no_others():
    _, weights, parameters = sizes("resnet18", CIFAR, 10)
    assert parameters - weights == 9_600
    # The 11,173,962 parameters in 62 tensors that are printed elsewhere are of a head with bias.
    assert parameters == 11_173_952 == 11_173_962 - 10
    assert len(list(on_meta("resnet18", CIFAR, 10).parameters())) == 61


@pytest.mark.parametrize("classes", [10, 100, 200])
def test_counts_follow_from_the_architecture(classes):
    cifar, tiny = 3 * 9 * 64, 3 * 49 * 64
    for name, blocks in BASIC.items():
        assert sizes(name, CIFAR, classes) == of_basic_blocks(blocks, cifar, classes)
        found = sizes(name, TINY, classes, stem="tiny")
        assert found == of_basic_blocks(blocks, tiny, classes)
    assert sizes("resnet50", CIFAR, classes) == of_bottlenecks(cifar, classes)
    assert sizes("resnet50", TINY, classes, stem="tiny") == of_bottlenecks(tiny, classes)
    for name, depth, factor in (
        ("wrn_22_2", 22, 2),
        ("wrn_28_10", 28, 10),
        ("wrn_34_10", 34, 10),
    ):
        assert sizes(name, CIFAR, classes) == of_wide_blocks(depth, factor, classes)
    d, e = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
    assert sizes("vgg16", CIFAR, classes) == of_vgg(d, (512, 512), classes, bias=True)
    assert sizes("vgg16_bn", TINY, classes) == of_vgg(d, (), classes, bias=False)
    assert sizes("vgg19_bn", TINY, classes) == of_vgg(e, (), classes, bias=False)
    assert sizes("lenet_300_100", CIFAR, classes) == of_perceptron([3072, 300, 100, classes])
    assert sizes("vit", CIFAR, classes) == of_transformer(classes, tokens=64)
    assert sizes("vit", TINY, classes) == of_transformer(classes, tokens=256)


def test_the_head_of_preact_resnet18_has_a_bias_and_its_shortcuts_no_batch_norm():
    tensors, weights, parameters = sizes("preact_resnet18", CIFAR, 10)
    assert (tensors, weights) == sizes("resnet18", CIFAR, 10)[:2]
    inputs = 64 * 4 + (64 + 128 * 3) + (128 + 256 * 3) + (256 + 512 * 3)
    assert parameters - weights == 2 * (inputs + 512) + 10 == 7_818


@pytest.mark.parametrize(
    ("name", "shape", "options", "weights", "parameters"),
    [
        ("lenet_300_100", MNIST, {}, 266_200, 266_610),
        ("lenet5", MNIST, {}, 44_190, 44_426),
        # Printed for the dense control of rigl's study at density 0.05, and for "LeNet-5-Caffe".
        ("lenet5", MNIST, {"widths": (3, 3, 27, 20)}, 2_336, 2_399),
        ("lenet5", MNIST, {"widths": (20, 50, 500)}, 430_500, 431_080),
        ("wrn_22_2", CIFAR, {}, 1_076_912, 1_079_642),
        ("wrn_28_10", CIFAR, {}, 36_461_232, 36_479_194),
        ("wrn_34_10", CIFAR, {}, 46_138_032, 46_160_474),
        ("resnet50", CIFAR, {}, 23_467_712, 23_520_832),
        ("vit", CIFAR, {}, 2_665_344, 2_693_194),
    ],
)
def test_counts_for_ten_classes(name, shape, options, weights, parameters):
    assert sizes(name, shape, 10, **options)[1:] == (weights, parameters)


@pytest.mark.parametrize(
    ("widths", "percent"),
    [((14, 29, 57, 114), 4.98), ((20, 40, 81, 162), 10.01), ((29, 57, 115, 229), 20.06)],
)
def test_published_widths_of_small_dense_controls(widths, percent):
    for name in ("resnet18", "preact_resnet18"):
        small, full = sizes(name, CIFAR, 10, widths=widths)[1], sizes(name, CIFAR, 10)[1]
        assert round(100 * small / full, 2) == percent


def test_a_step_of_resnet18_costs_3_329_gflop_an_image():
    images = torch.empty(1, *CIFAR, device="meta")
    cost = forward_cost(on_meta("resnet18", CIFAR, 10), images)
    assert cost.flops({}) == 1_110_845_440
    # A counter of what is executed sees no gradient of the images.
    stem = 2 * 1_728 * 32 * 32
    assert 3 * cost.flops({}) - stem == 3_328_997_376
    dense = on_meta("resnet18", TINY, 10, stem="tiny")
    small = forward_cost(dense, torch.empty(1, *TINY, device="meta"))
    assert small.macs["conv1.weight"] == 9_408 * 32 * 32
    assert math.isclose(small.flops({}) - cost.flops({}), 2 * (9_408 - 1_728) * 32 * 32)


def rows():
    """The rows of the table of sizes in the documentation: a name and its counts by column."""
    lines = (DOCUMENT.read_text().split("## Sizes")[1].split("\n## ")[0]).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "| `" in line]
    return {row[0].strip("`"): row[2:] for row in cells}


@pytest.mark.parametrize("name", rows())
def test_the_documented_sizes_are_true(name):
    stem = {"stem": "tiny"} if name in (*BASIC, "resnet50") else {}
    for written, classes in zip(rows()[name], (10, 100, 200), strict=True):
        shape = MNIST if name.startswith("lenet") else CIFAR if classes < 200 else TINY
        if written == "does not fit":
            with pytest.raises(ValueError, match="given are 64 x 64"):
                on_meta(name, shape, classes)
            continue
        options = stem if shape == TINY else {}
        _, weights, parameters = sizes(name, shape, classes, **options)
        assert written == f"{parameters:,}<br>{weights:,}"


def test_every_model_but_those_without_a_size_is_documented():
    assert rows().keys() == set(MODELS.names()) - {"mlp", "convnet"}
