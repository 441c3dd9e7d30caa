"""Truly sparse cells: the masked cell's masks and curve, the exact tier, nothing dense anywhere."""

import math
import re
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sparse.methods import METHODS as REGISTERED
from tests.support.cells import make_cell, result, train, train_reported
from tests.support.methods import frequent
from trainer.artifacts import read_snapshot
from trainer.cell_run import CellRun
from trainer.engines.csr import CsrEngine
from trainer.engines.stack import StackEngine
from trainer.loop import BlockLoop
from trainer.probes import PROBES
from trainer.score_files import read_scores
from trainer.workload import load_workload

CSR_METHODS = [
    name
    for name in REGISTERED.names()
    if any(rule["storage"] == "csr" for rule in REGISTERED.get(name).traits["storages"])
]

CSR_PROBES = [name for name in PROBES.names() if "csr" in PROBES.get(name).traits["storages"]]

CHEAPER = {
    "robust": {"steps": 2},
    "corruptions": {"corruptions": ["gaussian_noise"], "severities": [1]},
}
"""Options of probes that would take long."""

IMAGES = {"examples": 123, "size": 16, "channels": 1, "classes": 3}

ROOT = Path(__file__).parents[2]

CLOSE = {"abs": 1e-4, "rel": 0.0}
"""How far apart losses of masked and truly sparse cells may be here.

Both compute in float32 and differ in the order of sums alone. That difference grows with the steps,
and once it decides between two weights of all but equal size, masks part too.
"""

METHODS = [
    ("static", {}),
    ("set", {"update_every": 4}),
    ("set", {"update_every": 4, "drop": "magnitude", "redistribution": "nonzeros"}),
    ("set_np", {"update_every": 4, "budget": "keep"}),
    ("set_np", {"update_every": 4, "budget": "shrink"}),
]


def twins(name, options, density="0.2", seed=3, **recipe):
    return [
        make_cell(name, density, seed, options=options, storage=storage, **recipe)
        for storage in ("masked", "csr")
    ]


def started(cell, engine):
    built = engine(load_workload(cell, None, "cpu"), [cell])
    run = CellRun(cell, 0)
    run.prepare(built, {})
    return run, BlockLoop(built, [run])


def positions_of(run):
    """The active positions of every layer, of either storage."""
    found = {}
    for layer in run.sparsifier.layers:
        module = getattr(layer, "module", None)
        mask = layer.mask.flatten().nonzero().flatten() if module is None else module.positions()
        found[layer.name] = mask.tolist()
    return found


@pytest.mark.parametrize("density", ["0.05", "0.2", "0.6"])
@pytest.mark.parametrize(("name", "options"), METHODS)
def test_masks_are_those_of_the_masked_cell_after_every_update(name, options, density):
    masked, csr = twins(name, options, density)
    one, first = started(masked, StackEngine)
    other, second = started(csr, CsrEngine)
    while first.step < first.engine.workload.total_steps:
        assert positions_of(one) == positions_of(other)
        first.advance()
        second.advance()
    assert positions_of(one) == positions_of(other)
    assert one.topology_updates == other.topology_updates
    assert one.sparsifier.metrics() == other.sparsifier.metrics()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adagrad", "rmsprop"])
@pytest.mark.parametrize(("name", "options"), METHODS[2:4])
def test_the_curve_is_that_of_the_masked_cell_up_to_rounding(name, options, optimizer):
    rate = {"lr": 0.05} if optimizer == "sgd" else {"lr": 0.005}
    masked, csr = twins(name, options, optimizer=optimizer, label_smoothing=0.1, **rate)
    outcomes = train(masked, csr)
    one, other = outcomes[masked.id], outcomes[csr.id]
    assert (one.engine, other.engine) == ("stack", "csr")
    assert (one.state, other.state) == ("COMPLETED", "COMPLETED")
    assert one.layers == other.layers
    for column in ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "density", "lr"):
        assert other.curve[column] == pytest.approx(one.curve[column], **CLOSE)
    for metric, value in one.metrics.items():
        assert other.metrics[metric] == pytest.approx(value, **CLOSE), metric


def test_the_first_weights_and_biases_are_those_of_the_dense_network():
    cell = make_cell(
        "static", "0.3", 5, storage="csr", model_options={"hidden": (600, 300)},
        dataset_options={"examples": 50, "features": 400, "classes": 3},
    )  # fmt: skip
    run, loop = started(cell, CsrEngine)
    dense = loop.engine.workload.build_model(cell.seed).state_dict()
    for layer in run.sparsifier.layers:
        at = layer.module.positions()
        assert torch.equal(dense[layer.name].flatten()[at], layer.module.values.detach())
        bias = dense[layer.name.replace("weight", "bias")]
        assert torch.equal(bias, layer.module.bias.detach())


# ------------------------------------------------------------------ the exact tier


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_it_reports_the_same_alone_in_a_pack_and_again(name, options):
    cell = make_cell(name, "0.2", 5, options=options, storage="csr")
    others = [
        make_cell("set", "0.3", seed, options={"update_every": 3}, storage=storage)
        for seed in (1, 5) for storage in ("csr", "masked")
    ]  # fmt: skip
    alone = result(train(cell)[cell.id])
    assert result(train(*others, cell)[cell.id]) == alone
    assert result(train(cell)[cell.id]) == alone


class StopAfter:
    """Asks a pack to stop after so many polls at steps."""

    def __init__(self, steps):
        self.left = steps

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("stop", range(1, 18))
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_stopped_at_any_step_it_goes_on_to_the_same_bits(stop, optimizer, tmp_path):
    name, options = METHODS[stop % len(METHODS)]
    cell = make_cell(name, "0.2", 1, options=options, storage="csr", optimizer=optimizer, lr=0.01)
    asked = {"artifacts": {cell.id: ["final", "rewind@3"]}}
    whole = train(cell, **asked)[cell.id]
    _, report = train_reported(
        cell, checkpoint_folder=tmp_path, should_stop=StopAfter(stop), **asked
    )
    assert report.stopped
    resumed = train(cell, resume_from=sorted(tmp_path.glob("*.pt"), reverse=True), **asked)
    assert resumed[cell.id].resumed_step == stop
    assert result(resumed[cell.id]) == result(whole)
    assert resumed[cell.id].artifacts == whole.artifacts


# ------------------------------------------------------------------ nothing dense


class NoTensorOf(TorchDispatchMode):
    """Fails when an operation returns a tensor with so many entries."""

    def __init__(self, entries):
        super().__init__()
        self.entries = entries

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "meta":
                stored = tensor.values() if tensor.layout == torch.sparse_csr else tensor
                assert stored.numel() < self.entries, f"{func} made {tuple(tensor.shape)}"
        return made


WIDE = {"hidden": (700, 600)}
LARGE_TASK = {"examples": 60, "features": 500, "classes": 3, "noise": 0.5}


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_no_tensor_of_the_size_of_a_weight_matrix_is_ever_made(name, options, tmp_path):
    cell = make_cell(
        name, "0.01", options=options, storage="csr", model_options=WIDE,
        dataset_options=LARGE_TASK, epochs=6,
    )  # fmt: skip
    asked = {"artifacts": {cell.id: ["final"]}, "checkpoint_folder": tmp_path}
    with NoTensorOf(500 * 600):
        outcome = train(cell, checkpoint_steps=5, **asked)[cell.id]
        resumed = train(cell, resume_from=sorted(tmp_path.glob("*.pt"), reverse=True), **asked)
    assert outcome.state == "COMPLETED", outcome.error
    assert result(resumed[cell.id]) == result(outcome)


def test_the_guard_notices_a_masked_cell():
    cell = make_cell("static", "0.01", model_options=WIDE, dataset_options=LARGE_TASK)
    with NoTensorOf(500 * 600):
        outcome = train(cell)[cell.id]
    assert outcome.error["type"] == "AssertionError"


def test_layers_whose_dense_weights_would_not_fit_are_counted_and_planned():
    cell = make_cell(
        "static", "0.0000001", storage="csr", model_options={"hidden": (200_000, 200_000)},
    )  # fmt: skip
    workload = load_workload(cell, None, "cpu")
    assert workload.parameter_count() > 4 * 10**10
    assert workload.forward_cost().flops({}) > 8 * 10**10
    engine = CsrEngine(workload, [cell])
    assert [layer.module.shape for layer in engine.layers(0)][1] == (200_000, 200_000)
    held = sum(parameter.numel() for parameter in engine.model.parameters())
    assert held == 200_000 + 200_000 + 3  # biases


# ------------------------------------------------------------------ what it leaves, and refuses


def test_what_it_leaves_is_read_as_dense_weights_with_masks(tmp_path):
    masked, csr = twins("set", {"update_every": 4})
    asked = {cell.id: ["final"] for cell in (masked, csr)}
    outcomes = train(masked, csr, artifacts=asked)
    read = []
    for cell in (masked, csr):
        path = tmp_path / cell.id
        path.write_bytes(outcomes[cell.id].artifacts["final"])
        read.append(read_snapshot(path))
    one, other = read
    assert one.weights.keys() == other.weights.keys()
    assert one.masks.keys() == other.masks.keys()
    for name, mask in one.masks.items():
        assert torch.equal(mask, other.masks[name])
        assert torch.allclose(one.weights[name], other.weights[name], atol=1e-5)
        assert not other.weights[name][~mask].any()


def test_the_best_epoch_is_evaluated_with_its_own_places():
    cell = make_cell("set", "0.1", 2, options={"update_every": 2}, storage="csr", lr=0.2, epochs=5)
    outcome = train(cell)[cell.id]
    best = int(outcome.metrics["best_val_epoch"])
    assert best < 5  # else there is nothing to put back
    shorter = make_cell("set", "0.1", 2, options={"update_every": 2}, storage="csr")
    run, loop = started(cell, CsrEngine)
    while loop.step < best * loop.engine.workload.steps_per_epoch:
        loop.advance()
    test = loop.engine.workload.bundle.test
    right = loop.engine.logits(test.inputs)[0].argmax(1) == test.targets
    assert shorter.id != cell.id
    assert outcome.metrics["test_accuracy_at_best_val"] == right.double().mean().item()
    assert run.alive


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"method": "rigl"}, "method rigl needs dense tensors; allowed: masked"),
        (
            {"method": "dense", "density": "1"},
            "method dense needs dense tensors; allowed: masked",
        ),
        (
            {"method": "set", "options": {"growth": "gradient"}},
            "method set needs dense tensors with these options; allowed: convention: exact,"
            " drop: magnitude or signed or threshold, growth: random, redistribution: none or"
            " magnitude or nonzeros",
        ),
        ({"allocation": "snip"}, "allocation snip ranks dense weights; allowed: an allocation by"),
        (
            {"model_options": {"hidden": (9, 9), "batch_norm": True}},
            "model mlp needs dense tensors with these options; allowed: activation:",
        ),
    ],
)
def test_what_cannot_be_truly_sparse_is_told(change, told):
    cell = make_cell(**{"method": "static", "density": "0.3", "storage": "csr", **change})
    outcome = train(cell)[cell.id]
    assert outcome.state == "FAILED"
    assert told in outcome.error["message"]


def test_one_that_cannot_be_is_refused_alone():
    wrong = make_cell("rigl", "0.3", storage="csr")
    right = make_cell("static", "0.3", storage="csr")
    outcomes = train(wrong, right)
    assert [outcomes[cell.id].state for cell in (wrong, right)] == ["FAILED", "COMPLETED"]
    assert outcomes[wrong.id].error["phase"] == "prepare"


def test_a_model_without_linear_layers_alone_is_refused():
    task = {"examples": 60, "features": 64, "image_size": 8, "classes": 3}
    cell = make_cell("static", "0.3", storage="csr", model="convnet", dataset_options=task)
    outcome = train(cell)[cell.id]
    assert outcome.error["message"] == (
        "recipe.storage is csr, but model convnet needs dense tensors; allowed: masked"
    )


def test_another_device_than_the_cpu_is_refused():
    outcome = train(make_cell("static", "0.3", storage="csr"), device="cuda:0")
    (only,) = outcome.values()
    assert only.error["message"] == (
        "recipe.storage csr is trained on the cpu, and the device is cuda:0"
    )


def test_gradients_of_single_examples_are_refused_when_it_starts():
    cell = make_cell("static", "0.3", storage="csr")
    outcome = train(cell, artifacts={cell.id: ["grand@1e"]})[cell.id]
    assert outcome.error["message"] == (
        "it shall leave grand@1e, but gradients of single examples cannot be taken with"
        " recipe.storage csr"
    )


def test_other_engines_are_refused():
    cell = make_cell("static", "0.3", storage="csr")
    outcome = train(cell, engine="solo")[cell.id]
    assert outcome.error["message"].endswith("in the exact tier on cpu; legal: csr")


def test_scores_by_outputs_are_those_of_the_masked_cell(tmp_path):
    masked, csr = twins("set", {"update_every": 4})
    names = ["el2n@2e", "forgetting@3e"]
    outcomes = train(masked, csr, artifacts={cell.id: names for cell in (masked, csr)})
    for name in names:
        one, other = (scores_of(outcomes[cell.id], name, tmp_path) for cell in (masked, csr))
        assert torch.equal(one.ids, other.ids)
        assert len(set(one.values.tolist())) > 1
        assert other.values.tolist() == pytest.approx(one.values.tolist(), **CLOSE)


def scores_of(outcome, name, folder):
    path = folder / f"{outcome.cell.id}.{name}"
    path.write_bytes(outcome.artifacts[name])
    return read_scores(path)


@pytest.mark.parametrize("name", CSR_PROBES)
def test_every_probe_that_claims_it_measures_what_it_does_in_the_masked_cell(name):
    task = {"dataset": "synthetic_images", "dataset_options": IMAGES}
    masked, csr = twins("set_np", {"update_every": 4}, **task)
    asked = {"name": name, **CHEAPER.get(name, {})}
    outcomes = train(masked, csr, probes={cell.id: [asked] for cell in (masked, csr)})
    one, other = outcomes[masked.id], outcomes[csr.id]
    assert (one.state, other.state) == ("COMPLETED", "COMPLETED"), other.error
    declared = {metric["name"] for metric in PROBES.get(name).traits["metrics"]}
    assert declared & one.metrics.keys()
    assert other.metrics == pytest.approx(one.metrics, **CLOSE)
    assert measured(other) == pytest.approx(measured(one), **CLOSE)


def measured(outcome):
    """What stands in a curve, by column and row."""
    rows = {column: enumerate(values) for column, values in outcome.curve.items()}
    return {(c, n): value for c, pairs in rows.items() for n, value in pairs if value is not None}


def test_the_probes_that_claim_it_are_those_of_the_reference():
    page = (ROOT / "docs" / "grids.md").read_text()
    (row,) = [line for line in page.splitlines() if line.startswith("| the probes `")]
    assert sorted(re.findall("`(.+?)`", row)) == CSR_PROBES


@pytest.mark.parametrize("name", CSR_METHODS)
def test_every_method_that_claims_it_trains_so(name):
    cell = make_cell(name, "0.3", options=frequent(name), storage="csr")
    assert train(cell)[cell.id].state == "COMPLETED"


def test_attacks_differentiate_by_the_inputs_through_sparse_layers():
    cell = make_cell("set", "0.3", options={"update_every": 4}, storage="csr")
    run, loop = started(cell, CsrEngine)
    loop.advance()
    engine, train_split = loop.engine, loop.engine.workload.bundle.train
    batch = train_split.inputs[None, :5], train_split.targets[None, :5]
    found = engine.input_gradients(batch, step=1)[0]
    before = math.inf
    for size in (0.0, 1e-3, 2e-3):
        moved = train_split.inputs[:5] - size * found
        logits = engine.logits(moved)[0]
        loss = torch.nn.functional.cross_entropy(logits, batch[1][0], reduction="sum").item()
        assert loss < before
        before = loss
    assert all(layer.module.values.grad is not None for layer in run.sparsifier.layers)
