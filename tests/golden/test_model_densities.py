"""Published layer-wise densities on the networks themselves, by the names of their layers."""

from fractions import Fraction
from math import prod

import pytest
import torch

from sparse.allocation import allocate, target_count
from sparse.allocations.er import factor
from sparse.allocations.igq import common_force
from sparse.budgets import share
from sparse.targets import find_targets
from trainer.building import build_model

DENSE_AT_A_TENTH = {"stem", "2.shortcut", "3.shortcut", "head"}
DENSE_AT_A_FIFTH = DENSE_AT_A_TENTH | {"1.first", "1.other", "4.shortcut"}


def shapes_of(name, classes):
    with torch.device("meta"):
        model = build_model(name, {}, (3, 32, 32), classes)
    return {target.name: target.shape for target in find_targets(model).targets}


def group_of(layer):
    """The stage and the kind of a layer of ResNet-18: "3.first" is its first 3x3 kernel."""
    if not layer.startswith("stages"):
        return {"conv1.weight": "stem", "head.weight": "head"}[layer]
    _, stage, block, part, *_ = layer.split(".")
    kind = "first" if (block, part) == ("0", "conv1") else "other"
    return f"{int(stage) + 1}.{'shortcut' if part == 'shortcut' else kind}"


def erk(shapes, density):
    """Return the real-valued density of every layer, and the common factor epsilon."""
    factors = {name: factor(shape) for name, shape in shapes.items()}
    sizes = {name: prod(shape) for name, shape in shapes.items()}
    budget = Fraction(density) * sum(sizes.values())
    budgets = share(list(factors.values()), list(sizes.values()), budget)
    found = {name: float(part / sizes[name]) for name, part in zip(shapes, budgets, strict=True)}
    sparse = next(name for name in shapes if found[name] < 1)
    return found, found[sparse] / float(factors[sparse])


@pytest.mark.parametrize(
    ("classes", "density", "epsilon", "dense", "others"),
    [
        (
            10,
            "0.1",
            131.961867,
            DENSE_AT_A_TENTH,
            {
                **{"1.first": 0.47968, "1.other": 0.47968, "2.first": 0.35439, "2.other": 0.23447},
                **{"3.first": 0.17451, "3.other": 0.11589, "4.first": 0.08658, "4.other": 0.05761},
                "4.shortcut": 0.77523,
            },
        ),
        (
            10,
            "0.2",
            280.702945,
            DENSE_AT_A_FIFTH,
            {
                **{"2.first": 0.75384, "2.other": 0.49875, "3.first": 0.37121, "3.other": 0.24652},
                **{"4.first": 0.18418, "4.other": 0.12255},
            },
        ),
        (
            100,
            "0.1",
            126.840603,
            DENSE_AT_A_TENTH,
            {
                **{"1.first": 0.46106, "1.other": 0.46106, "2.first": 0.34064, "2.other": 0.22537},
                **{"3.first": 0.16774, "3.other": 0.11139, "4.first": 0.08322, "4.other": 0.05537},
                "4.shortcut": 0.74514,
            },
        ),
        (
            100,
            "0.2",
            275.275383,
            DENSE_AT_A_FIFTH,
            {
                **{"2.first": 0.73926, "2.other": 0.48911, "3.first": 0.36403, "3.other": 0.24175},
                **{"4.first": 0.18062, "4.other": 0.12018},
            },
        ),
    ],
)
def test_erk_on_resnet18(classes, density, epsilon, dense, others):
    shapes = shapes_of("resnet18", classes)
    found, common = erk(shapes, density)
    expected = {name: 1.0 if group_of(name) in dense else others[group_of(name)] for name in shapes}
    assert found == pytest.approx(expected, abs=5.1e-6)
    assert common == pytest.approx(epsilon, abs=1e-6)
    counts = allocate("erk", shapes, density)
    assert sum(counts.values()) == target_count(density, sum(map(prod, shapes.values())))


def test_erk_on_vgg16():
    shapes = shapes_of("vgg16", 10)
    found, common = erk(shapes, "0.1")
    assert list(found.values()) == pytest.approx(
        [1, 0.55192, 0.40776, 0.26978, 0.20079, 0.13335, 0.13335, 0.09962]
        + [0.06629] * 5
        + [0.59311, 0.59311, 1],
        abs=5.1e-6,
    )
    assert common == pytest.approx(151.835388, abs=1e-6)
    counts = allocate("erk", shapes, "1")
    assert counts == {name: prod(shape) for name, shape in shapes.items()}


def test_igq_on_resnet18():
    shapes = shapes_of("resnet18", 10)
    total = sum(map(prod, shapes.values()))
    force = common_force([prod(shape) for shape in shapes.values()], target_count("0.1", total))
    assert force == pytest.approx(1.02364e-5, rel=1e-5)
    printed = {
        **{"stem": 0.9826, "1.first": 0.7260, "1.other": 0.7260, "2.first": 0.5699},
        **{"2.other": 0.3985, "3.first": 0.2488, "3.other": 0.1421, "4.first": 0.0765},
        **{"4.other": 0.0398, "2.shortcut": 0.9226, "3.shortcut": 0.7488, "4.shortcut": 0.4270},
        "head": 0.9502,
    }
    found = {name: round(1 / (force * prod(shape) + 1), 4) for name, shape in shapes.items()}
    assert found == {name: printed[group_of(name)] for name in shapes}
    counts = allocate("igq", shapes, "0.1")
    assert sum(counts.values()) == target_count("0.1", total)
