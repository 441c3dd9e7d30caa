"""Networks in detail: initial weights, blocks, stems and heads."""

import pytest
import torch
from torch import nn

from sparse import attach
from sparse.targets import find_targets
from tests.support.toy import make_method
from trainer.building import build_model
from trainer.models.preact_resnet import PreActBlock
from trainer.models.resnet import BasicBlock, Bottleneck

CIFAR = (3, 32, 32)


def built(name, shape=CIFAR, classes=10, **options):
    torch.manual_seed(0)
    return build_model(name, options, shape, classes)


def kernels(model):
    return [module for module in model.modules() if isinstance(module, nn.Conv2d)]


def fan(kernel, mode):
    places = kernel.kernel_size[0] * kernel.kernel_size[1]
    return places * (kernel.in_channels if mode == "fan_in" else kernel.out_channels)


@pytest.mark.parametrize(
    ("name", "options", "mode"),
    [
        ("resnet18", {"widths": (16, 32, 64, 96)}, "fan_in"),
        ("resnet50", {"widths": (16, 24, 32, 40)}, "fan_in"),
        ("vgg19_bn", {"widths": (16, 32, 64, 64, 96)}, "fan_out"),
        ("wrn_22_2", {"widths": (16, 24, 48, 96)}, "fan_out"),
    ],
)
def test_kernels_are_kaiming_normal(name, options, mode):
    found = [kernel for kernel in kernels(built(name, **options)) if kernel.weight.numel() > 2000]
    assert len(found) > 5
    for kernel in found:
        weights = kernel.weight.detach() * (fan(kernel, mode) / 2) ** 0.5
        error = weights.numel() ** -0.5
        assert abs(float(weights.mean())) < 4 * error
        assert float(weights.std()) == pytest.approx(1, abs=4 * error)
        # Of a normal distribution 4.55 % lie beyond two deviations; of a uniform one, none.
        assert float((weights.abs() > 2).double().mean()) == pytest.approx(0.0455, abs=error)


@pytest.mark.parametrize("name", ["preact_resnet18", "vgg16", "lenet5"])
def test_other_networks_keep_the_initial_weights_of_torch(name):
    options = {"widths": (16, 32, 64, 96)} if name == "preact_resnet18" else {}
    for layer in built(name, **options).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.numel() > 2000:
            bound = layer.weight[0].numel() ** -0.5
            largest = float(layer.weight.detach().abs().max())
            assert 0.99 * bound < largest <= bound


def test_the_head_of_vgg19_begins_small():
    head = built("vgg19_bn", classes=100).head
    assert float(head.weight.detach().std()) == pytest.approx(0.01, rel=0.02)
    assert not head.bias.any()


def test_the_weights_of_vit_begin_small_and_its_biases_at_zero():
    model = built("vit")
    weights = dict(model.named_parameters())
    for name in ("patches.weight", "positions.weight", "blocks.0.attention.key.weight"):
        assert float(weights[name].detach().std()) == pytest.approx(0.02, rel=0.05)
    biases = [p for n, p in weights.items() if n.endswith("bias")]
    assert len(biases) == 51
    assert not any(bool(bias.any()) for bias in biases)


@pytest.mark.parametrize(
    ("name", "bias"),
    [
        ("resnet18", False),
        ("resnet34", False),
        ("resnet50", False),
        ("preact_resnet18", True),
        ("wrn_22_2", True),
        ("vgg19_bn", True),
    ],
)
def test_which_heads_have_a_bias(name, bias):
    with torch.device("meta"):
        model = built(name)
    assert (model.head.bias is not None) == bias
    assert all(kernel.bias is None for kernel in kernels(model))


def test_of_vgg16_kernels_have_a_bias_and_batch_norm_follows_relu_in_the_head_alone():
    model = built("vgg16", widths=(4, 4, 4, 4, 4, 5, 6))
    assert all(kernel.bias is not None for kernel in kernels(model))
    assert [type(layer) for layer in model.head] == [
        *(nn.Linear, nn.ReLU, nn.BatchNorm1d) * 2,
        nn.Linear,
    ]
    assert [type(layer) for layer in model.features[:3]] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    pools = [layer for layer in model.features if isinstance(layer, nn.MaxPool2d)]
    assert len(pools) == 5
    assert model.features(torch.zeros(2, *CIFAR)).shape == (2, 4, 1, 1)


@pytest.mark.parametrize(("name", "kernels_of"), [("vgg16_bn", 13), ("vgg19_bn", 16)])
@pytest.mark.parametrize(("side", "places"), [(32, 2), (64, 4)])
def test_the_last_map_of_vgg_with_a_linear_head(name, kernels_of, side, places):
    model = built(name, (3, side, side), widths=(2, 2, 2, 2, 2))
    assert len(kernels(model)) == kernels_of
    assert sum(isinstance(layer, nn.MaxPool2d) for layer in model.features) == 4
    images = torch.randn(2, 3, side, side)
    maps = model.features(images)
    assert maps.shape[2:] == (places, places)
    mean = nn.functional.avg_pool2d(maps, places).flatten(1)
    assert torch.allclose(model(images), model.head(mean), atol=1e-6)


@pytest.mark.parametrize(("stem", "side", "kernel"), [("cifar", 32, 3), ("tiny", 64, 7)])
def test_both_stems_of_resnet_end_in_a_map_of_four_by_four(stem, side, kernel):
    model = built("resnet18", (3, side, side), stem=stem, widths=(2, 2, 2, 2)).eval()
    images = torch.randn(2, 3, side, side)
    maps = model.stages(model.conv1(images))
    assert maps.shape == (2, 2, 4, 4)
    assert model.conv1.kernel_size == (kernel, kernel)
    assert not any(isinstance(module, nn.MaxPool2d) for module in model.modules())


def test_shortcuts_of_resnet_are_convolutions_with_batch_norm_where_the_shape_changes():
    for block, after in ((BasicBlock, 8), (Bottleneck, 32)):
        assert [type(layer) for layer in block(4, 8, 2).shortcut] == [nn.Conv2d, nn.BatchNorm2d]
        assert len(block(after, 8, 1).shortcut) == 0


def test_the_shortcut_of_a_preactivated_block_reads_what_is_activated():
    block = PreActBlock(3, 4, 2)
    nn.init.zeros_(block.conv2.weight)
    images = torch.randn(5, 3, 8, 8)
    active = nn.functional.batch_norm(images, None, None, training=True).relu()
    assert torch.allclose(block(images), block.shortcut(active), atol=1e-6)
    same = PreActBlock(3, 3, 1)
    nn.init.zeros_(same.conv2.weight)
    assert torch.equal(same(images), images)


def test_blocks_of_a_wide_network_are_its_own():
    # In two published codes a second class of the same name takes their place.
    with torch.device("meta"):
        model = built("wrn_28_10")
    blocks = [block for stage in model.stages for block in stage]
    assert [type(block) for block in blocks] == [PreActBlock] * 12
    widths = [block.conv2.out_channels for block in blocks]
    assert widths == [160] * 4 + [320] * 4 + [640] * 4
    assert [block.shortcut is not None for block in blocks] == [True, False, False, False] * 3


def test_attention_is_what_torch_computes():
    attention = built("vit", widths=(12, 5, 8), heads=2).blocks[0].attention
    tokens = torch.randn(3, 7, 12)
    queries, keys, values = (
        layer(tokens).view(3, 7, 2, 5).transpose(1, 2)
        for layer in (attention.query, attention.key, attention.value)
    )
    mixed = nn.functional.scaled_dot_product_attention(queries, keys, values)
    expected = attention.output(mixed.transpose(1, 2).reshape(3, 7, 10))
    assert torch.allclose(attention(tokens), expected, atol=1e-6)


def test_every_projection_of_a_transformer_is_maskable_and_norms_and_positions_are_not():
    with torch.device("meta"):
        found = find_targets(built("vit", depth=1))
    assert {target.name for target in found.targets} == {
        "patches.weight",
        *(f"blocks.0.attention.{name}.weight" for name in ("query", "key", "value", "output")),
        "blocks.0.mlp.0.weight",
        "blocks.0.mlp.2.weight",
        "head.weight",
    }
    reasons = {item.name: item.reason for item in found.excluded}
    assert reasons["positions.weight"] == "embedding"
    assert reasons["norm.weight"] == "bias or vector"


def test_the_real_resnet18_trains_attached():
    model = built("resnet18")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    method = make_method("rigl", "0.1", update_every=1)
    handle = attach(model, optimizer, method, total_steps=8)
    before = handle.masks()
    images, targets = torch.randn(2, *CIFAR), torch.tensor([1, 7])
    nn.functional.cross_entropy(model(images), targets).backward()
    optimizer.step()
    masks = handle.masks()
    assert sum(int(mask.sum()) for mask in masks.values()) == 1_116_435
    assert len(masks) == 21
    assert sum(bool((masks[name] != before[name]).any()) for name in masks) == 17
    parameters = dict(model.named_parameters())
    assert not any(bool(parameters[name][~mask].any()) for name, mask in masks.items())
