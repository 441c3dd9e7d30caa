"""The written-out gradients of a stack, against autograd in double precision."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from trainer.engines.stacked_activations import stacked_activations
from trainer.engines.stacked_mlp import StackedMLP
from trainer.models.activations import FIXED, make_activations

WIDTHS = (5, 8, 6, 3)
CELLS, EXAMPLES, BATCH = 4, 20, 7
ALPHA = 0.75


def program_of(weights, biases, activation="relu", smoothing=0.0):
    activations = stacked_activations(activation, len(weights) - 1, ALPHA)
    return StackedMLP(weights, biases, activations, smoothing)


def outputs_of(inputs, weights, biases, activation):
    """Logits of one cell by ordinary functions."""
    hidden = inputs
    for weight, bias, function in zip(
        weights, biases, [*make_activations(activation, WIDTHS[1:-1], ALPHA), None], strict=True
    ):
        hidden = F.linear(hidden, weight, bias)
        hidden = hidden if function is None else function(hidden)
    return hidden


@pytest.fixture
def task():
    draws = torch.Generator().manual_seed(0)
    data = torch.randn(EXAMPLES, WIDTHS[0], generator=draws).double()
    labels = torch.randint(0, WIDTHS[-1], (EXAMPLES,), generator=draws)
    indices = torch.stack([torch.randperm(EXAMPLES, generator=draws)[:BATCH] for _ in range(CELLS)])
    return data[indices], labels[indices]


@pytest.fixture
def parameters():
    draws = torch.Generator().manual_seed(1)
    pairs = list(itertools.pairwise(WIDTHS))
    weights = [torch.randn(CELLS, o, i, generator=draws).double() for i, o in pairs]
    biases = [torch.randn(CELLS, 1, o, generator=draws).double() for _, o in pairs]
    return weights, biases


def reference(weights, biases, activation, smoothing, task, n):
    """Cell n by autograd: summed loss, hits and gradients."""
    inputs, labels = task
    own = [weight[n].clone().requires_grad_() for weight in weights]
    bias = [tensor[n, 0].clone().requires_grad_() for tensor in biases]
    logits = outputs_of(inputs[n], own, bias, activation)
    targets = labels[n]
    loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    loss.backward()
    gradients = [w.grad for w in own], [b.grad for b in bias]
    return loss.detach() * BATCH, logits.argmax(1) == targets, gradients


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("activation", FIXED)
def test_losses_hits_and_gradients_are_those_of_autograd(activation, smoothing, task, parameters):
    weights, biases = parameters
    program = program_of(weights, biases, activation, smoothing)
    losses, right = program.backward(*task)
    for n in range(CELLS):
        loss, hits, (weight_grads, bias_grads) = reference(
            weights, biases, activation, smoothing, task, n
        )
        torch.testing.assert_close(losses[n], loss)
        assert torch.equal(right[n], hits)
        for got, expected in zip(program.weight_gradients, weight_grads, strict=True):
            torch.testing.assert_close(got[n], expected)
        for got, expected in zip(program.bias_gradients, bias_grads, strict=True):
            torch.testing.assert_close(got[n, 0], expected)


def test_an_odd_tail_batch_has_buffers_of_its_own(task, parameters):
    inputs, labels = task
    program = program_of(*parameters)
    first = program.backward(inputs, labels)[0].clone()
    program.backward(inputs[:, :3], labels[:, :3])
    assert torch.equal(program.backward(inputs, labels)[0], first)


def test_gradients_never_mix(task, parameters):
    inputs, labels = task
    weights, biases = parameters
    program = program_of(weights, biases)
    program.backward(inputs, labels)
    kept = [gradient[0].clone() for gradient in program.weight_gradients]
    weights[1][2] = float("nan")
    program.backward(inputs, labels)
    for before, now in zip(kept, program.weight_gradients, strict=True):
        assert torch.equal(before, now[0])
    assert program.weight_gradients[0][2].isnan().any()


@pytest.mark.parametrize("activation", FIXED)
def test_input_gradients_are_those_of_autograd_and_leave_the_others_alone(
    activation, task, parameters
):
    weights, biases = parameters
    program = program_of(weights, biases, activation, 0.1)
    program.backward(*task)
    kept = [gradient.clone() for gradient in program.weight_gradients]
    inputs, labels = task
    found = program.input_gradients(inputs, labels)
    for n in range(CELLS):
        leaf = inputs[n].clone().requires_grad_()
        own, bias = [weight[n] for weight in weights], [tensor[n, 0] for tensor in biases]
        logits = outputs_of(leaf, own, bias, activation)
        (expected,) = torch.autograd.grad(F.cross_entropy(logits, labels[n], reduction="sum"), leaf)
        torch.testing.assert_close(found[n], expected)
    assert all(map(torch.equal, kept, program.weight_gradients))


def test_what_an_activation_keeps_survives_the_evaluation_of_others(task, parameters):
    inputs, labels = task
    program = program_of(*parameters, "swish")
    program.backward(inputs, labels)
    kept = [gradient.clone() for gradient in program.weight_gradients]
    program.logits(3 * inputs)
    program.input_gradients(3 * inputs, labels)
    program.backward(inputs, labels)
    assert all(map(torch.equal, kept, program.weight_gradients))


@pytest.mark.parametrize("activation", FIXED)
def test_logits_are_those_of_the_pass_that_is_differentiated(activation, task, parameters):
    weights, biases = parameters
    found = program_of(weights, biases, activation).logits(task[0])
    for n in range(CELLS):
        own, bias = [weight[n] for weight in weights], [tensor[n, 0] for tensor in biases]
        torch.testing.assert_close(found[n], outputs_of(task[0][n], own, bias, activation))


@pytest.mark.parametrize("activation", FIXED)
def test_at_zero_and_far_from_it_slopes_are_torch_s(activation):
    (function,) = make_activations(activation, [1], ALPHA)
    (stacked,) = stacked_activations(activation, 1, ALPHA)
    points = torch.tensor([-200.0, -30.0, -1e-3, 0.0, 1e-3, 30.0, 200.0])
    leaf = points.clone().requires_grad_()
    expected = function(leaf)
    expected.backward(torch.full_like(points, 2.0))
    outputs = stacked.apply(points.clone())
    slopes = stacked.backward(
        torch.full_like(points, 2.0), points if stacked.keeps_inputs else outputs
    )
    torch.testing.assert_close(outputs, expected.detach())
    torch.testing.assert_close(slopes, leaf.grad)
