"""GraNd on networks of several kinds, against a loop over the examples."""

import logging

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grids.artifacts import SCORES
from tests.support.cells import batch_at, make_cell
from trainer import scores
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.leaving import FORGETTING, SCORED, BlockScores
from trainer.workload import load_workload


def by_hand(module: nn.Module, inputs: Tensor, targets: Tensor) -> list[float]:
    norms = []
    for n in range(len(inputs)):
        loss = F.cross_entropy(module(inputs[n : n + 1]), targets[n : n + 1])
        gradients = torch.autograd.grad(loss, list(module.parameters()))
        norms.append(sum(float(value.double().square().sum()) for value in gradients) ** 0.5)
    return norms


class Branching(nn.Module):
    """Looks at its values on the host, which cannot be vectorised."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs) if float(inputs.sum()) > 0 else 2 * self.layer(inputs)


def drawn(count: int, *shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, *shape, generator=generator)
    return inputs, torch.randint(0, 3, (count,), generator=generator)


NORMALISED = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(),
    nn.Linear(4 * 36, 3),
)  # fmt: skip


@pytest.mark.parametrize(
    ("module", "shape"), [(nn.Linear(5, 3), (5,)), (NORMALISED, (1, 8, 8)), (Branching(), (5,))]
)
def test_the_norms_are_those_of_one_example_at_a_time(module, shape):
    inputs, targets = drawn(7, *shape)
    module.eval()
    found = scores.grand(module, inputs, targets)
    assert found.tolist() == pytest.approx(by_hand(module, inputs, targets), rel=1e-5)


def test_taking_examples_one_by_one_is_told(caplog):
    inputs, targets = drawn(3, 5)
    with caplog.at_level(logging.WARNING):
        scores.grand(Branching(), inputs, targets)
    assert "one by one" in caplog.text


def test_the_chunks_are_no_larger_than_their_gradients_may_be(monkeypatch):
    inputs, targets = drawn(7, 5)
    module = nn.Linear(5, 3)
    whole = scores.grand(module, inputs, targets)
    monkeypatch.setattr(scores, "GRADIENT_ELEMENTS", 40)  # two examples of 18 parameters
    assert scores.grand(module, inputs, targets).tolist() == pytest.approx(whole.tolist())


IMAGES = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}


@pytest.mark.parametrize("kind", ["el2n", "margin", "grand"])
def test_a_score_changes_nothing_of_the_network_and_draws_nothing(kind):
    cell = make_cell("dense", model="convnet", dataset_options=IMAGES)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    engine.backward(batch_at(engine, torch.arange(16).unsqueeze(0)), 1)
    before, state = engine.weights(0), torch.get_rng_state()
    first = BlockScores(engine).of(0, kind)
    assert torch.equal(BlockScores(engine).of(0, kind), first)
    assert all(torch.equal(value, before[name]) for name, value in engine.weights(0).items())
    assert torch.equal(torch.get_rng_state(), state)


def test_every_kind_that_a_grid_may_ask_for_has_its_function_and_no_other_is_computed():
    assert sorted(SCORED) == sorted(SCORES)
    cell = make_cell("dense")
    engine = StackEngine(load_workload(cell, None, "cpu"), [cell])
    for kind in ("gradnorm", FORGETTING):
        with pytest.raises(KeyError, match=kind):
            BlockScores(engine).of(0, kind)


def test_scores_are_taken_in_evaluation_mode():
    """A published code scores in training mode, where batch norm mixes the examples of a batch."""
    cell = make_cell("dense", model="convnet", dataset_options=IMAGES)
    engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
    train = engine.workload.bundle.train
    engine.backward(batch_at(engine, torch.arange(16).unsqueeze(0)), 1)
    logits = engine.module(0)(train.inputs)
    expected = scores.el2n(logits, train.targets)
    assert BlockScores(engine).of(0, "el2n").tolist() == pytest.approx(expected.tolist(), abs=1e-5)
