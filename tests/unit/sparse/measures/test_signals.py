"""Norms of gradients: the values that the sheet works out by hand, and their algebra."""

import math

import pytest
import torch
from torch import nn

from sparse.measures.signals import (
    effective_gradient_flow,
    gradient_flow,
    gradient_norms,
    per_active_flow,
)

FIRST = torch.tensor([[1.0, 0.0], [0.0, -1.0], [2.0, 1.0]])
FIRST_MASK = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
SECOND = torch.tensor([[1.0, 2.0, -1.0]])
SECOND_MASK = torch.tensor([[1.0, 0.0, 1.0]])
MASKS = {"first": FIRST_MASK, "second": SECOND_MASK}


def toy_gradients(under_mask=0.0, scale=1.0):
    """Gradients of 0.5 (o - 3)^2 with o = (w2 m2) relu((w1 m1) x), x = (1, 2)."""
    first = (FIRST * FIRST_MASK + under_mask * (1 - FIRST_MASK)).requires_grad_()
    second = (SECOND * SECOND_MASK + under_mask * (1 - SECOND_MASK)).requires_grad_()
    # The forward pass masks, so that what is stored under a mask is of no account.
    used = [first, second] if under_mask == 0 else [first * FIRST_MASK, second * SECOND_MASK]
    hidden = torch.relu(used[0] @ torch.tensor([1.0, 2.0]))
    loss = scale * 0.5 * ((used[1] @ hidden) - 3.0).square().sum()
    assert loss.item() == 8.0 * scale
    gradients = torch.autograd.grad(loss, [first, second])
    return dict(zip(MASKS, gradients, strict=True))


def test_the_hand_checked_network():
    gradients = toy_gradients()
    assert gradients["first"].tolist() == [[-4.0, -8.0], [0.0, 0.0], [4.0, 8.0]]
    assert gradients["second"].tolist() == [[-4.0, 0.0, -8.0]]
    assert gradient_norms(gradients, MASKS) == pytest.approx(
        {
            "egf1": 12.0, "egf2": 8.944272, "gf1": 24.0, "gf2": 12.649111, "gf1_raw": 36.0,
            "gf2_raw": 15.491933, "egf_pa1": 4.5, "egf_pa2": 5.398346,
        },
        abs=1e-6,
    )  # fmt: skip
    assert effective_gradient_flow(gradients, 1) == 18.0
    assert effective_gradient_flow(gradients, 2) == pytest.approx(10.796691, abs=1e-6)


def random_gradients(seed, density):
    draws = torch.Generator().manual_seed(seed)
    shapes = {"a": (4, 3), "b": (5, 4), "c": (2, 5)}
    masks = {n: (torch.rand(s, generator=draws) < density).float() for n, s in shapes.items()}
    return {n: torch.randn(s, generator=draws) for n, s in shapes.items()}, masks


@pytest.mark.parametrize("seed", range(5))
def test_the_algebra_of_the_norms(seed):
    gradients, masks = random_gradients(seed, 0.5)
    norms = gradient_norms(gradients, masks)
    dense = gradient_norms(gradients, {name: torch.ones_like(m) for name, m in masks.items()})
    assert dense["egf1"] == pytest.approx(dense["gf1"] / 3)
    assert math.sqrt(3) * norms["egf2"] <= norms["gf2"] * (1 + 1e-12)
    assert norms["gf2"] <= 3 * norms["egf2"] * (1 + 1e-12)
    assert all(norms[f"gf{p}"] <= norms[f"gf{p}_raw"] for p in (1, 2))
    turned = {name: gradients[name] for name in ("c", "a", "b")}
    assert gradient_norms(turned, masks) == pytest.approx(norms)
    order = torch.tensor([2, 0, 3, 1])
    permuted = {**gradients, "a": gradients["a"][order], "b": gradients["b"][:, order]}
    moved = {**masks, "a": masks["a"][order], "b": masks["b"][:, order]}
    assert gradient_norms(permuted, moved) == pytest.approx(norms)


def test_equal_layer_norms_and_a_single_layer_are_the_two_ends_of_egf2():
    gradients = toy_gradients()
    norms = gradient_norms(gradients, MASKS)
    assert norms["gf2"] == pytest.approx(math.sqrt(2) * norms["egf2"])
    alone = {**MASKS, "second": torch.zeros_like(SECOND_MASK)}
    norms = gradient_norms(gradients, alone)
    assert norms["gf2"] == pytest.approx(2 * norms["egf2"])
    assert norms["egf1"] == 12.0 / 2  # a layer without an active weight counts as a layer
    assert norms["egf_pa1"] == 3.0 / 2


def test_the_loss_scales_it_and_what_lies_under_a_mask_does_not():
    norms = gradient_norms(toy_gradients(), MASKS)
    assert gradient_norms(toy_gradients(scale=-3.0), MASKS) == pytest.approx(
        {name: 3 * value for name, value in norms.items()}
    )
    inside = gradient_norms(toy_gradients(under_mask=0.7), MASKS)
    names = ("egf1", "egf2", "gf1", "gf2", "egf_pa1", "egf_pa2")
    assert [inside[name] for name in names] == pytest.approx([norms[name] for name in names])
    # Only the norm of all weights tells whether masking was in the graph: hence its name.
    assert inside["gf1_raw"] == 24.0 != norms["gf1_raw"]


def test_a_quadratic_loss_has_the_gradient_norm_that_is_worked_out():
    hessian = torch.tensor([[2.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0]])
    at = nn.Parameter(torch.ones(3))
    loss = 0.5 * at @ hessian @ at
    (gradient,) = torch.autograd.grad(loss, [at])
    assert (loss.item(), gradient.tolist()) == (5.0, [3.0, 4.0, 3.0])
    assert gradient_flow({"at": gradient}, 2) ** 2 == pytest.approx(34.0)
    after = at.detach() - 0.01 * gradient
    assert float(0.5 * after @ hessian @ after) == pytest.approx(4.6658)


def test_an_empty_layer_divides_nothing_by_zero():
    gradients = {"a": torch.ones(2, 2)}
    assert per_active_flow({"a": torch.zeros(2, 2)}, {"a": torch.zeros(2, 2)}, 2) == 0.0
    assert gradient_norms(gradients, {"a": torch.zeros(2, 2)})["gf1_raw"] == 4.0
