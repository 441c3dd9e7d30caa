"""Cutting pruned units out of a trained network: the example of the documents, and its outputs."""

import re
from pathlib import Path

import pytest
import torch

from sparse.cutting.compact import compact
from tests.support.cells import component, make_cell
from tests.support.console import sparsesweep
from tests.support.producers import left_by
from trainer.artifacts import read_snapshot
from trainer.building import build_model
from trainer.loading import load_bundle
from trainer.models.activations import FIXED, LEARNED, SReLU

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "methods" / "set_np.md").read_text()
GRID, CODE = re.findall(r"```(?:yaml|python)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize(
    ("model", "options", "recipe"),
    [
        ("mlp", {"hidden": (48, 48)}, {}),
        ("mlp", {"hidden": (48, 48), "activation": "tanh"}, {}),
        ("convnet", {"channels": (12, 16)}, {"epochs": 1}),
    ],
)
def test_outputs_stay_after_training_with_set_np_on_digits(model, options, recipe, fold):
    cell = make_cell(
        "set_np", "0.1", dataset="digits", model=model, model_options=options,
        options={"update_every": 10}, **{"epochs": 3, "batch": 32, **recipe},
    )  # fmt: skip
    snapshot = read_snapshot(left_by(cell, "final"))
    network = build_model(model, dict(component(model, options).options), (1, 8, 8), 10)
    network.load_state_dict(dict(snapshot.weights))
    done = compact(network, snapshot.masks, fold=fold)
    assert [len(units) for units in done.kept.values()] <= [width // 2 for width in widths(options)]
    inputs = load_bundle(cell, None, "cpu").test.inputs
    with torch.no_grad():
        found, expected = done.module(inputs), network.eval()(inputs)
    scale = max(1.0, float(expected.abs().max()))
    assert float((found - expected).abs().max()) <= 1e-6 * scale
    assert torch.equal(found.argmax(1), expected.argmax(1))


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", [*FIXED, *LEARNED])
def test_every_activation_of_a_perceptron_is_cut_with_its_units(activation, batch_norm):
    torch.manual_seed(0)
    options = {"hidden": (20, 20), "activation": activation, "batch_norm": batch_norm}
    network = build_model("mlp", options, (1, 3, 3), 4)
    masks = {
        name: torch.rand_like(weight) > 0.9
        for name, weight in network.named_parameters()
        if weight.ndim == 2
    }
    for name, mask in masks.items():
        network.get_parameter(name).data *= mask
    done = compact(network, masks, per_unit=(SReLU,))
    assert all(0 < len(units) < 20 for units in done.kept.values())
    inputs = torch.randn(30, 1, 3, 3)
    with torch.no_grad():
        torch.testing.assert_close(done.module(inputs), network.eval()(inputs), atol=1e-6, rtol=0)


def widths(options):
    return options.get("hidden") or options["channels"]


def test_the_example_of_the_documents(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pruned.yaml").write_text(GRID)
    said = sparsesweep("run", "pruned.yaml", "--backend", "inline")
    assert said.code == 0, said.err
    exec(compile(CODE, "docs/methods/set_np.md", "exec"), {})
    first, second, *module = capsys.readouterr().out.splitlines()
    assert first.startswith("layers.0.weight keeps 32 of 64 units, the first of them [")
    assert second.startswith("layers.1.weight keeps 32 of 64 units, the first of them [")
    assert module[2:5] == [
        "  (1): Linear(in_features=64, out_features=32, bias=True)",
        "  (2): ReLU()",
        "  (3): Linear(in_features=32, out_features=32, bias=True)",
    ]
