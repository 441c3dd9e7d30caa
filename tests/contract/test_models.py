"""What every model must be: forward, backward, named initialisation, maskable weights."""

import pytest
import torch

from sparse.targets import find_targets
from tests.support.cells import make_cell
from trainer.building import build_model
from trainer.models import MODELS
from trainer.models.mlp import MLP
from trainer.workload import load_workload

SHAPE, CLASSES = (1, 8, 8), 4


@pytest.fixture(params=MODELS.names())
def name(request):
    return request.param


def test_it_takes_images_to_logits_and_every_parameter_gets_a_gradient(name):
    model = build_model(name, {}, SHAPE, CLASSES)
    logits = model(torch.randn(6, *SHAPE))
    assert logits.shape == (6, CLASSES)
    logits.square().sum().backward()
    assert all(parameter.grad.any() for parameter in model.parameters())


def test_it_has_maskable_weights(name):
    assert find_targets(build_model(name, {}, SHAPE, CLASSES)).targets


def test_its_initial_weights_are_named_by_the_seed_alone(name):
    task = {"features": 64, "image_size": 8}
    workload = load_workload(
        make_cell(model=name, model_options={}, dataset_options=task), None, "cpu"
    )
    torch.rand(7)
    one, same, other = (workload.build_model(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_what_is_called_stackable_is_a_perceptron(name):
    stackable = MODELS.get(name).traits["stackable"]
    assert isinstance(build_model(name, {}, SHAPE, CLASSES), MLP) == stackable


def test_parameter_counts_of_the_digits_perceptron():
    model = build_model("mlp", {"hidden": (256, 256)}, (1, 8, 8), 10)
    assert sum(target.size for target in find_targets(model).targets) == 84_480
    assert sum(parameter.numel() for parameter in model.parameters()) == 85_002


@pytest.mark.parametrize(
    ("name", "options", "shape", "message"),
    [
        ("convnet", {}, (30,), r"takes images \(c, h, w\), not inputs of shape \(30,\)"),
        ("convnet", {"channels": (4,) * 4}, (1, 8, 8), "8 x 8 is too small"),
        ("mpl", {}, (30,), "mlp"),
        ("mlp", {"hiden": (3,)}, (30,), "hidden"),
        ("mlp", {"hidden": (0,)}, (30,), "hidden"),
    ],
)
def test_what_cannot_be_built_is_said(name, options, shape, message):
    with pytest.raises(ValueError, match=message):
        build_model(name, options, shape, CLASSES)
