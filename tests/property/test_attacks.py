"""Attacks stay in the ball and in the box whatever they are told, and get where they can."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.attacks import Attack, perturb

ROUNDING = 1e-7
NORMS = ("linf", "l2")
FLOATS = {"allow_nan": False, "allow_infinity": False}


@st.composite
def situations(draw):
    """Inputs (2, b, 1, 3, 3), an attack, draws for its start, gradients of wild sizes."""
    norm = draw(st.sampled_from(NORMS))
    epsilon = draw(st.floats(0.01, 0.5 if norm == "linf" else 3.0))
    attack = Attack(
        norm=norm,
        epsilon=epsilon,
        step_size=draw(st.floats(0.001, 2.0)),
        steps=draw(st.integers(0, 7)),
    )
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    shape = (2, draw(st.integers(1, 4)), 1, 3, 3)
    inputs = torch.rand(shape, generator=generator)
    extremes = torch.rand(shape, generator=generator)
    inputs[extremes < 0.2] = 0.0
    inputs[extremes > 0.8] = 1.0
    draws = torch.rand(shape, generator=generator) if draw(st.booleans()) else None
    size = draw(st.sampled_from([0.0, 1e-42, 1e-30, 1.0, 1e30]))

    def gradient(points):
        wild = torch.randn(shape, generator=generator) * size
        wild[0, 0] = 0.0
        return wild

    return inputs, gradient, attack, draws


def norms(changes, norm):
    flat = changes.double().flatten(2)
    return flat.abs().amax(2) if norm == "linf" else torch.linalg.vector_norm(flat, dim=2)


@settings(deadline=None)
@given(situations())
def test_the_ball_and_the_box_hold(situation):
    inputs, gradient, attack, draws = situation
    before = inputs.clone()
    found = perturb(inputs, gradient, attack, rank=3, draws=draws)
    assert torch.equal(inputs, before)
    assert float(found.min()) >= 0.0
    assert float(found.max()) <= 1.0
    sizes = norms(found.double() - inputs.double(), attack.norm)
    assert float(sizes.max()) <= attack.epsilon * (1 + 1e-6) + ROUNDING
    if draws is None:
        assert torch.equal(found[0, 0], inputs[0, 0])


@settings(deadline=None)
@given(st.sampled_from(NORMS), st.floats(0.01, 1.0), st.integers(0, 100))
def test_no_step_from_no_random_start_is_no_change(norm, epsilon, seed):
    inputs = torch.rand(3, 1, 2, 2, generator=torch.Generator().manual_seed(seed))
    attack = Attack(norm=norm, epsilon=epsilon, step_size=0.1, steps=0)
    assert torch.equal(perturb(inputs, pytest.fail, attack, rank=3), inputs)


@settings(deadline=None)
@given(st.floats(0.02, 0.2), st.floats(0.15, 3.0), st.integers(0, 1000))
def test_a_linear_model_is_pushed_to_the_corner_of_the_ball(epsilon, share, seed):
    """From the middle in epsilon / step steps, rounded up; from anywhere in twice as many."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(1, 2, 2, generator=generator)
    inputs = torch.full((3, 1, 2, 2), 0.5)
    step = share * epsilon
    corner = inputs + epsilon * weights.sign()

    def reached(distance, draws=None):
        steps = math.ceil(distance / step - 1e-6)
        attack = Attack(norm="linf", epsilon=epsilon, step_size=step, steps=steps)
        found = perturb(inputs, lambda points: weights.expand_as(points), attack, rank=3,
                        draws=draws)  # fmt: skip
        torch.testing.assert_close(found, corner, rtol=0, atol=1e-6)

    reached(epsilon)
    reached(2 * epsilon, torch.rand(inputs.shape, generator=generator))


def test_four_steps_of_two_reach_eight_and_three_do_not():
    inputs = torch.full((1, 1, 1, 2), 0.5)
    slopes = torch.tensor([[[[3.0, -0.1]]]])
    expected = {3: [6, -6], 4: [8, -8], 5: [8, -8]}
    for steps, moved in expected.items():
        attack = Attack(norm="linf", epsilon=8 / 255, step_size=2 / 255, steps=steps)
        found = (perturb(inputs, lambda points: slopes, attack, rank=3) - inputs) * 255
        torch.testing.assert_close(found, torch.tensor([[[moved]]]).float(), rtol=0, atol=1e-4)


def test_a_step_in_l2_is_along_the_gradient_of_each_example_alone():
    inputs = torch.full((2, 1, 1, 2), 0.5)
    slopes = torch.tensor([[[[3.0, -4.0]]], [[[0.0, 1e-30]]]])
    attack = Attack(norm="l2", epsilon=0.3, step_size=0.1, steps=1)
    moved = perturb(inputs, lambda points: slopes, attack, rank=3) - inputs
    expected = torch.tensor([[[[0.06, -0.08]]], [[[0.0, 0.1]]]])
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-6)


def test_in_l2_the_box_comes_first_and_the_ball_then():
    """A change that the box has cut leaves the other pixels the more of the ball."""
    inputs = torch.tensor([[[[0.9, 0.5]]]])
    attack = Attack(norm="l2", epsilon=0.2, step_size=0.5, steps=1)
    slopes = torch.tensor([[[[3.0, 4.0]]]])
    moved = perturb(inputs, lambda points: slopes, attack, rank=3) - inputs
    # (0.3, 0.4) is cut to (0.1, 0.4), of length sqrt(0.17), and that to length 0.2.
    expected = torch.tensor([[[[0.1, 0.4]]]]) * 0.2 / math.sqrt(0.17)
    torch.testing.assert_close(moved, expected, rtol=0, atol=1e-6)


def test_a_random_start_is_uniform_in_linf_and_a_point_of_the_box_drawn_near_in_l2():
    inputs = torch.tensor([[[[0.5, 0.1]]]])
    draws = torch.tensor([[[[0.75, 0.0]]]])
    start = Attack(norm="linf", epsilon=0.2, step_size=1.0, steps=0)
    found = perturb(inputs, pytest.fail, start, rank=3, draws=draws)
    torch.testing.assert_close(found, torch.tensor([[[[0.6, 0.0]]]]))
    start = Attack(norm="l2", epsilon=0.1, step_size=1.0, steps=0)
    found = perturb(inputs, pytest.fail, start, rank=3, draws=draws)
    way = torch.tensor([[[[0.25, -0.1]]]])
    torch.testing.assert_close(found, inputs + 0.1 * way / way.norm())
