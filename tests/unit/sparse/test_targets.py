"""Targets: which parameters are maskable by default, and what globs change."""

import pytest
import torch
from torch import nn

from sparse.targets import bias_of, find_targets


def names(report):
    return [target.name for target in report.targets]


def reasons(report):
    return {item.name: item.reason for item in report.excluded}


def test_matrices_and_kernels_are_maskable_and_the_rest_is_not():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2), nn.LayerNorm((2, 2))
    )
    report = find_targets(model)
    assert names(report) == ["0.weight", "3.weight"]
    assert [target.shape for target in report.targets] == [(4, 3, 3, 3), (2, 4)]
    assert [target.size for target in report.targets] == [108, 8]
    assert reasons(report) == {
        "0.bias": "bias or vector",
        "1.weight": "bias or vector",
        "1.bias": "bias or vector",
        "3.bias": "bias or vector",
        "4.weight": "normalisation",  # two-dimensional, and still no matrix
        "4.bias": "normalisation",
    }


def test_recurrent_and_attention_matrices_are_maskable():
    model = nn.ModuleDict({"rnn": nn.GRU(3, 4), "attention": nn.MultiheadAttention(4, 2)})
    assert names(find_targets(model)) == [
        "rnn.weight_ih_l0",
        "rnn.weight_hh_l0",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
    ]


def test_the_bias_rows_of_attention_are_not_maskable():
    report = find_targets(nn.MultiheadAttention(4, 2, add_bias_kv=True))
    assert reasons(report)["bias_k"] == "bias or vector"


class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.Parameter(torch.ones(2, 3))
        self.out = nn.Linear(3, 2)


def test_a_matrix_of_an_unknown_module_is_left_out_with_advice_and_can_be_included():
    assert names(find_targets(Table())) == ["out.weight"]
    assert reasons(find_targets(Table()))["cells"] == (
        "Table is no known kind of layer; include it by name"
    )
    assert names(find_targets(Table(), include=["cel*"])) == ["cells", "out.weight"]


def test_exclude_wins_over_include():
    report = find_targets(Table(), include=["cells"], exclude=["*ell*"])
    assert reasons(report)["cells"] == "excluded by name"


def test_embeddings_stay_dense_and_so_does_what_is_tied_to_them():
    model = nn.ModuleDict({"embed": nn.Embedding(5, 3), "head": nn.Linear(3, 5, bias=False)})
    model["head"].weight = model["embed"].weight
    report = find_targets(model)
    assert names(report) == []
    assert reasons(report) == {"embed.weight": "embedding", "head.weight": "tied to embed.weight"}
    report = find_targets(nn.ModuleDict({"head": model["head"], "embed": model["embed"]}))
    assert reasons(report) == {"head.weight": "embedding", "embed.weight": "tied to head.weight"}


def test_a_shared_layer_counts_once():
    shared = nn.Linear(3, 3, bias=False)
    report = find_targets(nn.Sequential(shared, nn.ReLU(), shared))
    assert names(report) == ["0.weight"]
    assert reasons(report) == {"2.weight": "tied to 0.weight"}


def test_the_bias_of_a_weight_is_found_beside_it_under_torchs_names():
    model = nn.ModuleDict(
        {
            "linear": nn.Linear(3, 2),
            "bare": nn.Conv2d(3, 2, 1, bias=False),
            "rnn": nn.GRU(3, 2, bidirectional=True),
            "attention": nn.MultiheadAttention(4, 2),
        }
    )
    parameters = dict(model.named_parameters())
    parameters["own.kernel"] = nn.Parameter(torch.ones(2, 2))
    for weight, bias in (
        ("linear.weight", "linear.bias"),
        ("rnn.weight_hh_l0_reverse", "rnn.bias_hh_l0_reverse"),
        ("attention.in_proj_weight", "attention.in_proj_bias"),
        ("attention.out_proj.weight", "attention.out_proj.bias"),
    ):
        assert bias_of(weight, parameters) is parameters[bias]
    assert bias_of("bare.weight", parameters) is None
    assert bias_of("own.kernel", parameters) is None


def test_a_glob_that_matches_nothing_is_refused():
    with pytest.raises(ValueError, match=r"'out.wieght' \(did you mean 'out.weight'\?\)"):
        find_targets(Table(), exclude=["out.wieght"])


def test_a_model_that_has_no_shapes_yet_is_refused():
    with pytest.raises(ValueError, match="weight has no shape yet: run one batch"):
        find_targets(nn.LazyLinear(3))


def test_the_report_is_a_table():
    lines = str(find_targets(nn.Linear(3, 2))).splitlines()
    assert lines == [
        "weight  2x3  maskable",
        "bias      2  bias or vector",
        "6 maskable weights in 1 layers",
    ]
