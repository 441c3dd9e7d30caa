"""attach: networks of other kinds than perceptrons, trained sparse in a plain loop."""

import itertools

import pytest
import torch
from torch import nn

from sparse import METHODS, attach
from tests.support.methods import frequent, maskable_names
from tests.support.toy import make_method

STEPS = 14
NAMES = maskable_names()
OF_CHAINS = [name for name in NAMES if METHODS.get(name).traits.get("models") == {"trait": "chain"}]


class Encoder(nn.Module):
    """Tokens (b, 5) of 11 kinds to logits; the head is tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens)).mean(1))


class Recurrent(nn.Module):
    """Sequences (b, 5, 4) to logits, through both kinds of gated layers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(12, 5, batch_first=True)
        self.head = nn.Linear(5, 11)

    def forward(self, sequences):
        return self.head(self.gru(self.lstm(sequences)[0])[0][:, -1])


def separable():
    """Images (b, 3, 6, 6) to logits, the kernels split into depthwise and pointwise ones."""
    return nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1, groups=12, bias=False),
        nn.Conv2d(12, 24, 1, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 11),
    )


MODELS = {"encoder": Encoder, "recurrent": Recurrent, "separable": separable}


def batch_of(kind, step):
    draws = torch.Generator().manual_seed(step)
    inputs = {
        "encoder": torch.randint(11, (8, 5), generator=draws),
        "recurrent": torch.randn(8, 5, 4, generator=draws),
        "separable": torch.randn(8, 3, 6, 6, generator=draws),
    }[kind]
    return inputs, torch.randint(11, (8,), generator=draws)


def mean_loss(model, batch):
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def trained(kind, method):
    """A model trained for some steps, its optimizer and the handle."""
    torch.manual_seed(0)
    model = MODELS[kind]()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    batches = (batch_of(kind, 1000 + step) for step in itertools.count())
    handle = attach(
        model,
        optimizer,
        method,
        total_steps=STEPS,
        batches=batches,
        loss=mean_loss,
        artifacts={"final": MODELS[kind]().state_dict()},
    )
    for step in range(STEPS):
        optimizer.zero_grad()
        mean_loss(model, batch_of(kind, step)).backward()
        optimizer.step()
    return model, optimizer, handle


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", OF_CHAINS)
def test_a_method_for_chains_of_layers_refuses_what_is_none(name, kind):
    with pytest.raises(ValueError, match=f"{name} needs layers that feed each other in a chain"):
        trained(kind, make_method(name, "0.3"))


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OF_CHAINS])
def test_every_method_trains_it_and_masks_what_it_says(name, kind):
    model, optimizer, handle = trained(kind, make_method(name, "0.3", **frequent(name)))
    masks, parameters = handle.masks(), dict(model.named_parameters())
    assert handle.step == STEPS
    assert 0 < handle.density < 1
    for key, mask in masks.items():
        assert not bool(parameters[key][~mask].any())
        moments = [slot for slot in optimizer.state[parameters[key]].values() if slot.ndim]
        assert len(moments) == 2
    dense = {item.name for item in handle.excluded}
    assert dense | masks.keys() >= set(parameters)
    assert all(
        bool(parameters[key].all()) for key in dense & parameters.keys() if "bias" not in key
    )


def test_of_a_transformer_norms_embeddings_and_what_is_tied_to_them_stay_dense():
    _, _, handle = trained("encoder", make_method("static"))
    assert handle.masks().keys() == {
        f"encoder.layers.{number}.{name}.weight"
        for number in (0, 1)
        for name in ("self_attn.out_proj", "linear1", "linear2")
    } | {f"encoder.layers.{number}.self_attn.in_proj_weight" for number in (0, 1)}
    reasons = {item.name: item.reason for item in handle.excluded}
    assert reasons["embedding.weight"] == "embedding"
    assert reasons["head.weight"] == "tied to embedding.weight"
    assert reasons["encoder.layers.0.norm1.weight"] == "bias or vector"


def test_recurrent_weights_are_masked_and_stay_so_when_they_are_flattened():
    model, _, handle = trained("recurrent", make_method("set", **frequent("set")))
    assert {f"lstm.weight_hh_l0{side}" for side in ("", "_reverse")} < handle.masks().keys()
    inputs, _ = batch_of("recurrent", 99)
    before = model(inputs)
    model.lstm.flatten_parameters()
    model.gru.flatten_parameters()
    assert torch.equal(model(inputs), before)
    zeroed = MODELS["recurrent"]()
    masks = handle.masks()
    zeroed.load_state_dict(
        {
            name: tensor * masks[name] if name in masks else tensor
            for name, tensor in model.state_dict().items()
        }
    )
    assert torch.equal(zeroed(inputs), before)


def test_a_depthwise_kernel_is_a_layer_of_its_own_shape():
    _, _, handle = trained("separable", make_method("static"))
    assert handle.masks()["3.weight"].shape == (12, 1, 3, 3)
    assert int(sum(mask.sum() for mask in handle.masks().values())) == 295  # of 984, at 0.3
