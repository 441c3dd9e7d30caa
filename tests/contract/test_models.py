"""What every model must be: forward, backward, named initialisation, maskable weights."""

from dataclasses import asdict

import pytest
import torch
from torch import nn

from grids.traits import applies
from sparse import attach
from sparse.targets import find_targets
from tests.support.cells import make_cell
from tests.support.models import image_side, image_task, small_options
from tests.support.toy import make_method
from trainer.building import build_model
from trainer.models import MODELS
from trainer.models.mlp import MLP
from trainer.workload import load_workload

CLASSES = 4


@pytest.fixture(params=MODELS.names())
def name(request):
    return request.param


@pytest.fixture
def shape(name):
    return (1, image_side(name), image_side(name))


def small(name, shape):
    torch.manual_seed(0)
    return build_model(name, small_options(name), shape, CLASSES)


def is_so(name, trait):
    """What a trait says of a model with the options that make it small."""
    entry = MODELS.get(name)
    return applies(entry.traits[trait], asdict(entry.chosen(small_options(name))))


def images(shape, number=6):
    return torch.randn(number, *shape, generator=torch.Generator().manual_seed(1))


def test_it_takes_images_to_logits_and_every_parameter_gets_a_gradient(name, shape):
    model = small(name, shape)
    logits = model(images(shape))
    assert logits.shape == (6, CLASSES)
    logits.square().sum().backward()
    assert all(parameter.grad.any() for parameter in model.parameters())


def test_it_has_maskable_weights_and_the_head_is_one(name, shape):
    model = small(name, shape)
    targets = find_targets(model).targets
    assert targets[-1].shape[0] == CLASSES
    known = (nn.Linear, nn.Conv2d)
    layers = [module.weight for module in model.modules() if isinstance(module, known)]
    assert [tuple(weight.shape) for weight in layers] == [target.shape for target in targets]


def test_its_first_layer_sees_the_inputs_as_they_are(name, shape):
    # Published models that normalise their inputs do so twice where the data are standardised.
    model = small(name, shape)
    first = find_targets(model).targets[0].name.removesuffix(".weight")
    seen = []
    model.get_submodule(first).register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    given = images(shape)
    model(given)
    assert [torch.equal(tensor.flatten(1), given.flatten(1)) for tensor in seen] == [True]
    kinds = {key.rpartition(".")[2] for key, _ in model.named_buffers()}
    assert kinds <= {"running_mean", "running_var", "num_batches_tracked"}


def test_in_evaluation_an_image_is_judged_alone(name, shape):
    model = small(name, shape)
    model(images(shape))
    model.eval()
    together = model(images(shape))
    alone = torch.cat([model(image[None]) for image in images(shape)])
    assert torch.allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_channels_last_gives_the_same_logits(name, shape):
    model = small(name, shape).eval()
    plain = model(images(shape))
    other = model.to(memory_format=torch.channels_last)(
        images(shape).contiguous(memory_format=torch.channels_last)
    )
    assert torch.allclose(plain, other, rtol=1e-4, atol=1e-5)


def test_it_trains_in_bfloat16(name, shape):
    model = small(name, shape)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(images(shape))
    logits.float().square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_it_is_a_function_of_given_parameters(name, shape):
    model = small(name, shape).eval()
    doubled = {key: 2 * parameter.detach() for key, parameter in model.named_parameters()}
    by_call = torch.func.functional_call(model, doubled, (images(shape),))
    assert not torch.equal(by_call, model(images(shape)))
    model.load_state_dict({**model.state_dict(), **doubled})
    assert torch.equal(by_call, model(images(shape)))


def test_its_gradient_can_be_differentiated(name, shape):
    model = small(name, shape)
    weights = list(model.parameters())
    loss = model(images(shape)).square().mean()
    slopes = torch.autograd.grad(loss, weights, create_graph=True)
    sum(slope.square().sum() for slope in slopes).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("method", ["static", "rigl"])
def test_attached_it_trains_with_masked_weights(name, shape, method):
    model = small(name, shape)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    options = {"update_every": 1} if method == "rigl" else {}
    handle = attach(model, optimizer, make_method(method, "0.3", **options), total_steps=4)
    start = handle.masks()
    for _ in range(2):
        optimizer.zero_grad()
        model(images(shape)).square().mean().backward()
        optimizer.step()
    parameters = dict(model.named_parameters())
    masks = handle.masks()
    assert masks.keys() == {target.name for target in find_targets(model).targets}
    assert not any(bool(parameters[key][~mask].any()) for key, mask in masks.items())
    moved = any(not torch.equal(mask, start[key]) for key, mask in masks.items())
    assert moved == (method == "rigl")


def test_its_initial_weights_are_named_by_the_seed_alone(name):
    cell = make_cell(
        model=name, model_options=small_options(name), dataset_options=image_task(name)
    )
    workload = load_workload(cell, None, "cpu")
    torch.rand(7)
    one, same, other = (workload.build_model(seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not all(torch.equal(one[key], other[key]) for key in one)


def test_what_is_called_stackable_is_a_perceptron(name, shape):
    assert isinstance(small(name, shape), MLP) == is_so(name, "stackable")


def silenced(layer, inputs, outputs):
    return 0 * outputs


def test_of_a_chain_alone_every_layer_is_the_only_way_to_the_next(name, shape):
    model = small(name, shape).eval()
    layers = [target.name.removesuffix(".weight") for target in find_targets(model).targets]
    constant = []
    for layer in layers:
        silence = model.get_submodule(layer).register_forward_hook(silenced)
        logits = model(images(shape))
        silence.remove()
        constant.append(torch.allclose(logits, logits[:1].expand_as(logits), atol=1e-6))
    assert all(constant) == is_so(name, "chain")


def test_parameter_counts_of_the_digits_perceptron():
    model = build_model("mlp", {"hidden": (256, 256)}, (1, 8, 8), 10)
    assert sum(target.size for target in find_targets(model).targets) == 84_480
    assert sum(parameter.numel() for parameter in model.parameters()) == 85_002


IMAGES = [name for name in MODELS.names() if not is_so(name, "stackable")]


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_no_image_is_refused(name):
    message = rf"model {name}.* takes images \(c, h, w\), not inputs of shape \(30,\)"
    with pytest.raises(ValueError, match=message):
        build_model(name, {}, (30,), CLASSES)


SMALL_IMAGES = r"takes images of at least {} pixels a side; given are {}$"


@pytest.mark.parametrize(
    ("name", "options", "shape", "message"),
    [
        ("convnet", {"channels": (4,) * 4}, (1, 8, 8), "8 x 8 is too small"),
        ("mpl", {}, (30,), "mlp"),
        ("mlp", {"hiden": (3,)}, (30,), "hidden"),
        ("mlp", {"hidden": (0,)}, (30,), "hidden"),
        (
            "resnet18",
            {},
            (3, 64, 64),
            "model resnet18 with stem: cifar takes images of 8 to 63 pixels a side; "
            "given are 64 x 64; stem: tiny takes 16 to 127$",
        ),
        ("resnet34", {"stem": "tiny"}, (3, 8, 64), "given are 8 x 64; stem: cifar takes 8 to 63$"),
        ("resnet50", {"stem": "tine"}, (3, 64, 64), "allowed: cifar, tiny .did you mean 'tiny'"),
        ("resnet18", {"widths": (4, 4)}, (3, 32, 32), "it must be a list of 4 values"),
        ("preact_resnet18", {}, (3, 4, 4), SMALL_IMAGES.format(8, "4 x 4")),
        ("wrn_28_10", {}, (3, 7, 32), SMALL_IMAGES.format(8, "7 x 32")),
        ("vgg19_bn", {}, (3, 8, 8), SMALL_IMAGES.format(16, "8 x 8")),
        ("lenet5", {}, (1, 8, 8), SMALL_IMAGES.format(16, "8 x 8")),
        ("lenet5", {"widths": (6, 16)}, (1, 28, 28), "a list of at least 3 values"),
        ("vgg16", {}, (1, 28, 28), "of 32 to 63 pixels a side; given are 28 x 28"),
        ("vgg16", {}, (3, 64, 64), "given are 64 x 64; vgg16_bn takes larger ones$"),
        ("vit", {}, (1, 30, 32), "patches of 4 x 4 pixels; 30 x 32 is no multiple of that"),
    ],
)
def test_what_cannot_be_built_is_said(name, options, shape, message):
    with pytest.raises(ValueError, match=message):
        build_model(name, options, shape, CLASSES)
