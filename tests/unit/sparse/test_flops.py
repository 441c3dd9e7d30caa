"""MACs counted by hand, layer by layer; and what is left as it was."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sparse import Dense, attach
from sparse.flops import ONCE, TWICE, ForwardCost, Passes, forward_cost
from sparse.scoring.saliency import grasp_scores, snip_scores


def macs_of(model, *inputs):
    return dict(forward_cost(model, *inputs).macs)


def test_a_linear_layer_counts_every_weight_at_every_position():
    assert macs_of(nn.Linear(4, 3), torch.zeros(1, 4)) == {"weight": 12}
    assert macs_of(nn.Linear(4, 3), torch.zeros(1, 5, 4)) == {"weight": 60}
    assert macs_of(nn.Bilinear(2, 3, 5), torch.zeros(1, 2), torch.zeros(1, 3)) == {"weight": 30}


@pytest.mark.parametrize(
    ("layer", "sides", "macs"),
    [
        (nn.Conv1d(2, 4, 3), (1, 2, 10), 8 * 24),
        (nn.Conv2d(4, 8, 3, padding=1), (1, 4, 6, 6), 36 * 288),
        (nn.Conv2d(4, 8, 3, stride=2, dilation=2, groups=2), (1, 4, 9, 9), 9 * 144),
        (nn.Conv2d(6, 6, 5, groups=6), (1, 6, 5, 5), 150),
        (nn.Conv3d(1, 2, 2), (1, 1, 3, 3, 3), 8 * 16),
        (nn.ConvTranspose2d(3, 5, 2, stride=2), (1, 3, 4, 4), 16 * 60),
    ],
    ids=["1d", "2d", "stride, dilation, groups", "depthwise", "3d", "transposed"],
)
def test_a_kernel_counts_at_every_position_of_its_map(layer, sides, macs):
    assert macs_of(layer, torch.zeros(sides)) == {"weight": macs}


def test_recurrent_weights_count_at_every_time_step_however_the_input_lies():
    expected = {"weight_ih_l0": 7 * 72, "weight_hh_l0": 7 * 108}
    assert macs_of(nn.GRU(4, 6), torch.zeros(7, 1, 4)) == expected
    assert macs_of(nn.GRU(4, 6, batch_first=True), torch.zeros(1, 7, 4)) == expected
    packed = nn.utils.rnn.pack_sequence([torch.zeros(7, 4)])
    assert macs_of(nn.GRU(4, 6), packed) == expected
    assert macs_of(nn.LSTMCell(4, 6), torch.zeros(1, 4)) == {"weight_ih": 96, "weight_hh": 144}


def test_attention_counts_its_projections_at_the_positions_that_they_see():
    query, memory = torch.zeros(1, 5, 8), torch.zeros(1, 3, 8)
    together = nn.MultiheadAttention(8, 2, batch_first=True)
    assert macs_of(together, query, memory, memory) == {
        "in_proj_weight": 64 * (5 + 3 + 3),
        "out_proj.weight": 64 * 5,
    }
    apart = nn.MultiheadAttention(8, 2, batch_first=True, kdim=6, vdim=4)
    keys, values = torch.zeros(1, 3, 6), torch.zeros(1, 3, 4)
    assert macs_of(apart, query, keys, values) == {
        "q_proj_weight": 64 * 5,
        "k_proj_weight": 48 * 3,
        "v_proj_weight": 32 * 3,
        "out_proj.weight": 64 * 5,
    }


def test_an_encoder_layer_is_counted_though_torch_has_a_shortcut_for_it():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert macs_of(layer, torch.zeros(1, 5, 8)) == {
        "self_attn.in_proj_weight": 3 * 64 * 5,
        "self_attn.out_proj.weight": 64 * 5,
        "linear1.weight": 128 * 5,
        "linear2.weight": 128 * 5,
    }


class Twice(nn.Module):
    """An embedding, a layer applied twice, and the embedding again as the head."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4)
        self.norm = nn.LayerNorm(4)
        self.layer = nn.Linear(4, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.layer(self.layer(self.norm(self.embedding(tokens)))))


def test_what_is_applied_twice_counts_twice_and_what_is_tied_once_per_product():
    assert macs_of(Twice(), torch.tensor([[1, 2, 3]])) == {
        "layer.weight": 2 * 3 * 16,
        "embedding.weight": 3 * 40,
    }


def test_the_model_stays_as_it_is():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    model[1].eval()
    before, state = torch.get_rng_state(), {k: v.clone() for k, v in model.state_dict().items()}
    forward_cost(model, torch.randn(1, 1, 5, 5, generator=torch.Generator()))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in state.items())
    assert torch.equal(before, torch.get_rng_state())
    assert (model.training, model[1].training, model[2].training) == (True, False, True)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_model_without_memory_will_do():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)).to("meta")
    image = torch.zeros(1, 3, 4, 4, device="meta")
    assert macs_of(model, image) == {"0.weight": 432, "2.weight": 32}


def test_flops_are_twice_the_share_of_the_macs_that_is_active():
    cost = ForwardCost(macs={"a": 60, "b": 10}, sizes={"a": 20, "b": 10})
    assert cost.flops({}) == 140
    assert cost.flops({"a": 5}) == 2 * (15 + 10)
    assert cost.flops({"a": 5, "b": 1}) == 2 * (15 + 1)
    passes = Passes(forward={"a": 5}, input_gradients={"a": 10}, weight_gradients={})
    assert cost.training_flops(passes) == 2 * (25 + 40 + 70)


def test_what_scoring_costs_is_what_torch_computes_in_a_deep_network():
    torch.manual_seed(0)
    model = nn.Sequential(*[layer for _ in range(30) for layer in (nn.Linear(20, 20), nn.ReLU())])
    batch = torch.randn(4, 20)
    context = attach(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        Dense(),
        batches=[batch],
        loss=lambda network, inputs: network(inputs).square().mean(),
    ).sparsifier.context
    spent = {}
    for name, work in {
        "forward": lambda: model(batch),
        "snip": lambda: snip_scores(context, 1),
        "grasp": lambda: grasp_scores(context, 1, 1.0),
    }.items():
        with FlopCounterMode(display=False) as counter:
            work()
        spent[name] = counter.get_total_flops()
    assert spent["forward"] == 4 * forward_cost(model, batch[:1]).flops({})
    assert spent["snip"] == pytest.approx(ONCE * spent["forward"], rel=0.02)
    assert spent["grasp"] == pytest.approx((ONCE + TWICE) * spent["forward"], rel=0.02)
