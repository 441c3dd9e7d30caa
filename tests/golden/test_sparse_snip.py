"""Scores of snip in numbers, on toy models and through both engines."""

import pytest
import torch
from torch import nn

from sparse.methods.snip import SNIP
from sparse.scoring.saliency import snip_scores
from tests.support.cells import make_cell
from tests.support.toy import ToyContext, ToyLayer
from trainer.context import CellContext
from trainer.engines.solo import SoloEngine
from trainer.engines.stack import StackEngine
from trainer.workload import load_workload

WEIGHT = torch.tensor([[0.5, -0.5], [0.25, 0.75]])
INPUTS = torch.tensor([[1.0, 2.0]])
TARGETS = torch.tensor([0])


class Regression(ToyContext):
    """A squared error (w . x - t)^2 / 2, or that of a chain of single weights."""

    def __init__(self, layers, inputs, target):
        super().__init__(layers)
        self.inputs, self.target = inputs, target

    def loss(self, batch, weights=None):
        result = self.inputs
        for weight in weights.values():
            result = weight @ result
        return 0.5 * ((result - self.target) ** 2).sum()


def scores_of(layers, inputs, target):
    scores = snip_scores(Regression(layers, torch.tensor(inputs), target), 1)
    return [score.flatten().tolist() for score in scores.values()]


def test_scores_of_a_linear_model():
    layers = [ToyLayer("w", torch.tensor([[1.0, -2.0, 0.5]]))]
    assert scores_of(layers, [1.0, 1.0, 2.0], 1.0) == [[1, 2, 1]]  # |g| is 1, 1, 2


def test_guard_ranks_by_weight_times_gradient():
    # By |g| alone the third weight would come first.
    layers = [ToyLayer("w", torch.tensor([[1.0, -2.0, 0.5]]))]
    SNIP("0.34").prepare(Regression(layers, torch.tensor([1.0, 1.0, 2.0]), 1.0))
    assert layers[0].mask.tolist() == [[0, 1, 0]]


def test_scores_of_a_chain_are_equal():
    layers = [ToyLayer("w1", torch.tensor([[2.0]])), ToyLayer("w2", torch.tensor([[-1.0]]))]
    assert scores_of(layers, [1.0], 0.0) == [[4], [4]]


class Classification(ToyContext):
    """Cross entropy of W x for one example."""

    def loss(self, batch, weights=None):
        return nn.functional.cross_entropy(INPUTS @ weights["w"].T, TARGETS)


class LikelihoodOfLogits(ToyContext):
    """What a published program computes instead: the logits taken for log-probabilities."""

    def loss(self, batch, weights=None):
        return nn.functional.nll_loss(INPUTS @ weights["w"].T, TARGETS)


def classified(kind, density):
    """The scores of `WEIGHT` under a loss, and the mask that a density leaves."""
    layer = ToyLayer("w", WEIGHT)
    method = SNIP(density)
    method.bind(kind([layer]))
    (scores,) = snip_scores(method.context, 1).values()
    method.prepare(method.context)
    return scores.flatten(), layer.mask.tolist()


def test_scores_on_a_cross_entropy_keep_the_second_column():
    assert float(Classification([]).loss(None, {"w": WEIGHT})) == pytest.approx(2.3502, abs=5e-5)
    scores, mask = classified(Classification, "0.5")
    assert mask == [[0, 1], [0, 1]]
    assert scores.tolist() == pytest.approx([0.4523, 0.9047, 0.2262, 1.3570], abs=5e-5)
    assert (13 * scores / scores.sum()).tolist() == pytest.approx([2, 4, 1, 6], abs=1e-5)


def test_the_likelihood_of_raw_logits_would_cut_off_the_other_class():
    scores, mask = classified(LikelihoodOfLogits, "0.5")
    assert scores.tolist() == [0.5, 1.0, 0.0, 0.0]
    assert mask == [[1, 1], [0, 0]]


@pytest.mark.parametrize("kind", [StackEngine, SoloEngine])
def test_guard_engines_score_with_the_cross_entropy(kind):
    cell = make_cell(
        "snip",
        "0.5",
        model_options={"hidden": ()},
        dataset_options={"examples": 123, "features": 2, "classes": 2},
    )
    engine = kind(load_workload(cell, None, "cpu"), [cell])
    state = engine.cell_state(0)
    state["model"] = {"layers.0.weight": WEIGHT, "layers.0.bias": torch.zeros(2)}
    engine.load_cell_state(0, state)
    context = CellContext(engine, 0)
    context.scoring_batches = lambda count: [(INPUTS, TARGETS)]
    SNIP("0.5").prepare(context)
    assert engine.layers(0)[0].mask.tolist() == [[0, 1], [0, 1]]


def test_the_scale_of_the_loss_does_not_matter():
    class Scaled(Classification):
        def loss(self, batch, weights=None):
            return 1000 * super().loss(batch, weights)

    masks = [classified(kind, "0.75")[1] for kind in (Classification, Scaled)]
    assert masks[0] == masks[1] == [[1, 1], [0, 1]]


def test_scores_are_the_gradient_of_a_multiplier():
    multiplier = torch.ones_like(WEIGHT).requires_grad_()
    loss = Classification([]).loss(None, {"w": WEIGHT * multiplier})
    (expected,) = torch.autograd.grad(loss, multiplier)
    scores, _ = classified(Classification, "1")
    assert scores.tolist() == pytest.approx(expected.abs().flatten().tolist(), rel=1e-6)
