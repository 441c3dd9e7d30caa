"""Scores of grasp and synflow, and rounds of snip and force, in numbers worked out by hand."""

import pytest
import torch
from torch import nn

from sparse import Dense, attach
from sparse.schedule import exponential_counts
from sparse.scoring.criteria import force_masks, grasp_masks, iter_snip_masks, synflow_masks
from sparse.scoring.flow import flow
from sparse.scoring.saliency import grasp_scores, sensitivities, synflow_scores
from tests.support.toy import ToyContext, ToyLayer


class LeastSquares(ToyContext):
    """|X w - t|^2 / 2, the outputs X w divided by the temperature."""

    def __init__(self, weight, inputs, target):
        super().__init__([ToyLayer("w", torch.tensor(weight))])
        self.inputs, self.target = torch.tensor(inputs), torch.tensor(target)

    def loss(self, batch, weights=None, *, temperature=1.0, twice=False):
        outputs = self.inputs @ weights["w"] / temperature
        return 0.5 * ((outputs - self.target) ** 2).sum()


def regression():
    return LeastSquares([1.0, -2.0, 0.25], [[1.0, 1.0, 2.0]], [0.5])


def kept(masks):
    """The flat positions that a criterion keeps in the one layer of a model."""
    (mask,) = masks.values()
    return mask.flatten().nonzero().flatten().tolist()


def test_grasp_scores_of_a_linear_model():
    # The residual is -1 and H g = r |x|^2 x = (-6, -6, -12). What is kept is the largest -S.
    (scores,) = grasp_scores(regression(), 1, 1.0).values()
    assert (-scores).tolist() == [6, -12, 3]


def test_grasp_sums_gradients_and_hessians_over_batches():
    # Both are doubled by a second batch of the same kind, so that H g has four times its size.
    (scores,) = grasp_scores(regression(), 2, 1.0).values()
    assert (-scores).tolist() == [24, -48, 12]


class Quadratic(ToyContext):
    """w' H w / 2."""

    def loss(self, batch, weights=None, *, temperature=1.0, twice=False):
        hessian = torch.tensor([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]])
        return 0.5 * weights["w"] @ hessian @ weights["w"]


def test_grasp_scores_of_a_quadratic():
    # g = H 1 = (3, 4, 3) and H g = (10, 14, 10): the second weight is the one to keep.
    (scores,) = grasp_scores(Quadratic([ToyLayer("w", torch.ones(3))]), 1, 1.0).values()
    assert (-scores).tolist() == [-10, -14, -10]


@pytest.mark.parametrize(("left", "positions"), [(3, [0, 1, 2]), (2, [1, 2]), (1, [1])])
def test_guard_grasp_removes_exactly_as_many_as_asked(left, positions):
    # Published code removes what lies above the k-th score, one too few: of three, none for one.
    assert kept(grasp_masks(regression(), left, batches=1, temperature=1.0)) == positions


def test_grasp_divides_the_logits_by_its_temperature():
    # X / 2 instead of X: r = -0.75, |x|^2 = 1.5, H g = -1.125 x with x = (.5, .5, 1).
    (scores,) = grasp_scores(regression(), 1, 2.0).values()
    assert (-scores).tolist() == [0.5625, -1.125, 0.28125]


def perceptron():
    """A model in float64 whose loss is not quadratic, with two batches, as a context."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    batches = [(torch.randn(5, 3).double(), torch.tensor([0, 1, 2, 1, 0])) for _ in range(2)]
    handle = attach(
        model,
        torch.optim.SGD(model.parameters(), lr=0.1),
        Dense(),
        batches=batches,
        loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
    )
    return handle.sparsifier.context, batches


def test_grasp_agrees_with_finite_differences_of_the_gradient():
    context, batches = perceptron()
    weights = {layer.name: layer.weight.clone() for layer in context.layers}

    def gradient(shift, direction):
        moved = {
            name: (weight + shift * direction[name]).requires_grad_()
            for name, weight in weights.items()
        }
        total = sum(context.loss(batch, moved, temperature=3.0) for batch in batches)
        return dict(zip(moved, torch.autograd.grad(total, list(moved.values())), strict=True))

    own = gradient(0.0, weights)
    above, below = gradient(1e-5, own), gradient(-1e-5, own)
    scores = grasp_scores(context, 2, 3.0)
    for name, weight in weights.items():
        expected = weight * (above[name] - below[name]) / 2e-5
        torch.testing.assert_close(scores[name], expected, rtol=1e-6, atol=1e-10)
        assert expected.abs().max() > 1e-4


class Chain(ToyContext):
    """Linear layers without biases, one after the other."""

    def __init__(self, *weights):
        super().__init__(
            [
                ToyLayer(f"{index}.weight", torch.tensor(weight))
                for index, weight in enumerate(weights)
            ]
        )
        linear = [nn.Linear(*layer.weight.shape[::-1], bias=False) for layer in self.layers]
        self.model = nn.Sequential(*linear)

    def flow(self, weights):
        example = torch.zeros(1, self.layers[0].weight.shape[1])
        return flow(self.model, example, weights)


FIRST, SECOND = [[1.0, -2.0], [-3.0, 4.0]], [[-5.0, 6.0]]


def test_synflow_scores_of_two_layers():
    first, second = synflow_scores(Chain(FIRST, SECOND)).values()
    assert first.tolist() == [[5, 10], [18, 24]]
    assert second.tolist() == [[15, 42]]
    assert first.sum() == second.sum() == 57
    assert first.sum(1).tolist() == second.flatten().tolist()  # into and out of a hidden unit


def test_synflow_scores_of_two_layers_of_another_source():
    first, second = synflow_scores(Chain([[1.0, -2.0], [0.5, 1.0]], [[3.0, -1.0]])).values()
    assert first.tolist() == [[3, 6], [0.5, 1]]
    assert second.tolist() == [[9, 1.5]]
    assert first.sum() == second.sum() == 10.5


def test_synflow_of_a_masked_network_sums_what_its_paths_carry():
    context = Chain([[1.0, 0.0], [0.0, -1.0], [2.0, 1.0]], [[1.0, 2.0, -1.0]])
    masks = {
        "0.weight": torch.tensor([[1, 0], [1, 1], [0, 1]]),
        "1.weight": torch.tensor([[1, 0, 1]]),
    }
    first, second = synflow_scores(context, masks).values()
    assert first.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert first.sum() == second.sum() == 2


def test_synflow_keeps_a_path():
    context = Chain(FIRST, SECOND)
    masks = synflow_masks(context, 3, rounds=1)
    assert [mask.tolist() for mask in masks.values()] == [
        [[False, False], [True, True]], [[False, True]],
    ]  # fmt: skip
    assert [layer.weight.tolist() for layer in context.layers] == [FIRST, SECOND]


def test_the_counts_of_the_rounds_fall_exponentially_to_the_target():
    assert exponential_counts(10**5, 1000, 5) == [39811, 15849, 6310, 2512, 1000]
    assert exponential_counts(219, 219, 3) == [219, 219, 219]
    assert exponential_counts(219, 3, 1) == [3]
    assert all(exponential_counts(total, 3, 100)[-1] == 3 for total in range(3, 5000))


def in_two_rounds():
    """A model whose exponential schedule over two rounds would keep 2 of 3 in both."""
    return LeastSquares([1.0, 1.0, -1.0], [[2.0, -1.0, 1.0], [2.0, 1.0, 2.0]], [2.0, -2.0])


def test_scores_of_a_pruned_network_are_those_of_its_gradient_and_the_initial_weights():
    context = in_two_rounds()
    (dense,) = sensitivities(context, [None]).values()
    assert dense.tolist() == [2, 5, 4]
    masks = {"w": torch.tensor([False, True, True])}
    (masked,) = sensitivities(context, [None], masks).values()
    assert masked.tolist() == [6, 5, 2]


def test_force_brings_a_weight_back_and_iterative_snip_does_not(monkeypatch):
    counts = "sparse.scoring.criteria.exponential_counts"
    monkeypatch.setattr(counts, lambda total, target, rounds: [2, 2])
    assert kept(force_masks(in_two_rounds(), 2, rounds=2, batches=1)) == [0, 1]
    assert kept(iter_snip_masks(in_two_rounds(), 2, rounds=2, batches=1)) == [1, 2]
