"""Methods that prune an untrained network: what they keep, on a module as in both engines."""

import functools

import pytest
import torch
from torch import nn

import sparse.scoring.criteria
from sparse import FORCE, SNIP, Dense, GraSP, IterSNIP, Magnitude, Static, attach
from sparse.methods import METHODS
from sparse.scoring.criteria import synflow_masks
from sparse.scoring.saliency import synflow_scores
from sparse.select import largest_global
from tests.support.cells import make_cell
from tests.support.toy import ToyContext, ToyLayer, make_layers
from trainer.context import CellContext
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

# Those that prune an untrained network let their positions be drawn again.
NAMES = [name for name in METHODS.names() if hasattr(METHODS.get(name).target.Options, "positions")]
every = pytest.mark.parametrize("name", NAMES)


def prepared(method, layers):
    method.prepare(ToyContext(layers))
    return method


def masks_of(layers):
    return {layer.name: layer.mask.bool() for layer in layers}


def equal(first, second):
    return list(first) == list(second) and all(
        torch.equal(first[name], second[name]) for name in first
    )


def context_of(model, **given):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return attach(model, optimizer, Dense(), **given).sparsifier.context


@every
def test_the_network_keeps_its_weights_signs_and_statistics(name):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.0), nn.Linear(16, 3)
    )
    model(torch.randn(32, 5))
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    handle = attach(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        METHODS.get(name).target("0.25"),
        batches=[(torch.randn(8, 5), torch.randint(3, (8,))) for _ in range(60)],
        loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
    )
    for key, mask in handle.masks().items():
        before[key][~mask] = 0
    assert sum(int(mask.sum()) for mask in handle.masks().values()) == 32
    assert equal(before, model.state_dict())
    assert [module.training for module in model.modules()] == modes
    assert all(parameter.grad is None for parameter in model.parameters())


@every
@pytest.mark.parametrize("positions", ["scored", "redrawn"])
def test_a_cell_has_the_same_masks_alone_and_on_a_row_of_a_stack(name, positions):
    cells = [make_cell(name, "0.1", seed) for seed in (7, 2)]
    workload = load_workload(cells[0], None, "cpu")
    found = []
    for engine, n in ((SoloEngine(workload, cells[1:]), 0), (StackEngine(workload, cells), 1)):
        METHODS.get(name).target("0.1", positions=positions).prepare(CellContext(engine, n))
        found.append(masks_of(engine.layers(n)))
    assert equal(*found)
    assert sum(int(mask.sum()) for mask in found[0].values()) == 88  # 88.1 of 881


@every
def test_a_module_of_the_same_weights_and_batches_has_the_masks_of_the_cell(name):
    cell = make_cell(name, "0.1")
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    model = engine.workload.build_model(cell.seed)
    handle = attach(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        METHODS.get(name).target("0.1"),
        batches=CellContext(engine, 0).scoring_batches(60),
        loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
    )
    METHODS.get(name).target("0.1").prepare(CellContext(engine, 0))
    assert equal(handle.masks(), masks_of(engine.layers(0)))


# The function that should do this in the authors' code of SynFlow shuffles a copy.
@every
def test_guard_redrawn_positions_move_and_keep_the_counts_of_the_scores(name):
    kind = METHODS.get(name).target
    scored, redrawn = prepared(kind("0.3"), make_layers()), make_layers()
    method = prepared(kind("0.3", positions="redrawn"), redrawn)
    assert method.counts == scored.counts
    for before, after in zip(scored.layers, redrawn, strict=True):
        assert not torch.equal(before.mask, after.mask)


def test_redrawn_positions_are_those_of_static_masks():
    redrawn = prepared(Magnitude("0.3", scope="layer", positions="redrawn"), make_layers())
    static = prepared(Static("0.3"), make_layers())
    assert equal(masks_of(redrawn.layers), masks_of(static.layers))


# Thresholds in published code keep all scores that equal the last one, or drop them all.
@every
def test_guard_tied_scores_are_counted_out_from_the_front(name):
    layers = [ToyLayer("a", torch.ones(2, 3)), ToyLayer("b", torch.ones(4))]
    method = prepared(METHODS.get(name).target("0.7"), layers)
    assert method.counts == {"a": 6, "b": 1}
    assert layers[1].mask.tolist() == [1, 0, 0, 0]


@every
def test_a_layer_that_would_be_cut_off_keeps_its_best_weight(name):
    layers = make_layers()
    layers[1].weight.mul_(1e-4)
    method = prepared(METHODS.get(name).target("0.1"), layers)
    assert method.counts["second"] == 1
    assert int(layers[1].mask.flatten().argmax()) == int(layers[1].weight.abs().argmax())
    assert sum(method.counts.values()) == 22  # 21.9 of 219


def test_magnitude_ranks_over_all_layers_or_within_each():
    layers = [
        ToyLayer("a", torch.tensor([[3.0, -1.0]])),
        ToyLayer("b", torch.tensor([[0.1, -2.0, 0.2, 0.3]])),
    ]
    assert prepared(Magnitude("0.5"), layers).counts == {"a": 2, "b": 1}
    layers = [
        ToyLayer("a", torch.tensor([[3.0, -4.0]])),
        ToyLayer("b", torch.tensor([[0.1, -2.0, 0.2, 0.3]])),
    ]
    prepared(Magnitude("0.5", scope="layer", allocation="uniform"), layers)
    assert [layer.mask.tolist() for layer in layers] == [[[0, 1]], [[0, 1, 0, 1]]]


def test_magnitude_refuses_an_allocation_that_it_would_ignore():
    with pytest.raises(ValueError, match="ignores allocation"):
        Magnitude("0.5", allocation="uniform")


@pytest.mark.parametrize("kind", [IterSNIP, FORCE])
def test_one_round_is_snip(kind):
    once = prepared(kind("0.3", rounds=1, batches=3), make_layers())
    assert equal(masks_of(once.layers), masks_of(prepared(SNIP("0.3"), make_layers()).layers))


@pytest.mark.parametrize("kind", [IterSNIP, FORCE])
def test_guard_every_round_has_batches_of_its_own(kind):
    # Published code takes the first batch of the loader in every round.
    class Counting(ToyContext):
        def scoring_batches(self, count):
            return iter([float(number) for number in range(1, count + 1)])

        def loss(self, batch, weights=None, *, temperature=1.0):
            used.append(batch)
            return super().loss(batch, weights)

    used = []
    kind("0.3", rounds=3, batches=2).prepare(Counting(make_layers()))
    assert used == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("classes", [2, 12])
def test_guard_grasp_scores_with_any_number_of_classes(classes):
    # Ports collect examples of ten classes, and wait for ever where there are fewer.
    task = {"examples": 123, "features": 13, "classes": classes}
    cell = make_cell("grasp", "0.1", dataset_options=task)
    engine = StackEngine(load_workload(cell, None, "cpu"), [cell])
    method = GraSP("0.1")
    method.prepare(CellContext(engine, 0))
    assert sum(method.counts.values()) == method.target()


def without_floors(monkeypatch):
    """Let criteria cut layers off, as their scores alone would."""
    bare = functools.partial(largest_global, minimum=0)
    monkeypatch.setattr(sparse.scoring.criteria, "largest_global", bare)


def counts(masks):
    return {name: int(mask.sum()) for name, mask in masks.items()}


def test_synflow_cuts_no_layer_off_before_each_has_a_single_weight(monkeypatch):
    without_floors(monkeypatch)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(20, 40, bias=False), nn.ReLU(), nn.Linear(40, 30, bias=False), nn.ReLU(),
        nn.Linear(30, 5, bias=False),
    )  # fmt: skip
    context = context_of(model, batches=[torch.zeros(1, 20)])
    masks = synflow_masks(context, 3, rounds=100)
    assert counts(masks) == {"0.weight": 1, "2.weight": 1, "4.weight": 1}
    path = {layer.name: layer.weight.abs() * masks[layer.name] for layer in context.layers}
    assert float(context.flow(path)) > 0
    assert 0 in counts(sparse.scoring.criteria.magnitude_masks(context, 3)).values()


class Block(nn.Module):
    """Two 3x3 convolutions with a 1x1 shortcut."""

    def __init__(self, before, width):
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(before, width, 1, stride=2, bias=False)

    def forward(self, inputs):
        return (self.second(self.first(inputs).relu()) + self.shortcut(inputs)).relu()


def test_guard_rounds_keep_the_shortcuts_that_a_single_one_cuts_off(monkeypatch):
    without_floors(monkeypatch)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), Block(8, 16), Block(16, 32),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10, bias=False),
    )  # fmt: skip
    for parameter in model.parameters():
        nn.init.kaiming_normal_(parameter)
    context = context_of(model, batches=[(torch.zeros(4, 3, 8, 8), None)])
    shortcuts = ["2.shortcut.weight", "3.shortcut.weight"]
    once = counts(synflow_masks(context, 554, rounds=1))  # 3 % of 18,456
    assert [once[name] for name in shortcuts] == [0, 0]
    often = counts(synflow_masks(context, 554, rounds=100))
    assert all(often[name] > 5 for name in shortcuts), often


def test_synflow_looks_at_no_data():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 4))
    found = []
    for inputs in (torch.randn(7, 6), torch.full((1, 6), 1e9)):
        context = context_of(model, batches=[(inputs, None)])
        found.append(synflow_masks(context, 20, rounds=100))
    assert equal(*found)


def test_synflow_ignores_signs():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 4))
    batches = [torch.zeros(1, 6)]
    before = synflow_masks(context_of(model, batches=batches), 20, rounds=100)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.neg_()
    assert equal(before, synflow_masks(context_of(model, batches=batches), 20, rounds=100))


def test_synflow_scores_may_outgrow_float32():
    # 40 layers that multiply by 10 each; float32 ends at 3.4e38.
    model = nn.Sequential(*[nn.Linear(2, 2, bias=False) for _ in range(40)])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(5.0)
    scores = synflow_scores(context_of(model, batches=[torch.zeros(1, 2)]))
    assert len(scores) == 40
    assert all(own.flatten().tolist() == pytest.approx([5e39] * 4) for own in scores.values())
