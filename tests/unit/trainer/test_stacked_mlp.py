"""The written-out gradients of a stack, against autograd in double precision."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from trainer.engines.stacked_mlp import StackedMLP

WIDTHS = (5, 8, 6, 3)
CELLS, EXAMPLES, BATCH = 4, 20, 7


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
    hidden = inputs[n]
    for index, (w, b) in enumerate(zip(own, bias, strict=True)):
        hidden = F.linear(hidden, w, b)
        if index < len(own) - 1:
            hidden = {"relu": torch.relu, "tanh": torch.tanh}[activation](hidden)
    targets = labels[n]
    loss = F.cross_entropy(hidden, targets, label_smoothing=smoothing)
    loss.backward()
    gradients = [w.grad for w in own], [b.grad for b in bias]
    return loss.detach() * BATCH, hidden.argmax(1) == targets, gradients


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_losses_hits_and_gradients_are_those_of_autograd(activation, smoothing, task, parameters):
    weights, biases = parameters
    program = StackedMLP(weights, biases, activation, smoothing)
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
    program = StackedMLP(*parameters, "relu", 0.0)
    first = program.backward(inputs, labels)[0].clone()
    program.backward(inputs[:, :3], labels[:, :3])
    assert torch.equal(program.backward(inputs, labels)[0], first)


def test_gradients_never_mix(task, parameters):
    inputs, labels = task
    weights, biases = parameters
    program = StackedMLP(weights, biases, "relu", 0.0)
    program.backward(inputs, labels)
    kept = [gradient[0].clone() for gradient in program.weight_gradients]
    weights[1][2] = float("nan")
    program.backward(inputs, labels)
    for before, now in zip(kept, program.weight_gradients, strict=True):
        assert torch.equal(before, now[0])
    assert program.weight_gradients[0][2].isnan().any()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_input_gradients_are_those_of_autograd_and_leave_the_others_alone(
    activation, task, parameters
):
    weights, biases = parameters
    program = StackedMLP(weights, biases, activation, 0.1)
    program.backward(*task)
    kept = [gradient.clone() for gradient in program.weight_gradients]
    inputs, labels = task
    found = program.input_gradients(inputs, labels)
    for n in range(CELLS):
        hidden = leaf = inputs[n].clone().requires_grad_()
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            hidden = F.linear(hidden, weight[n], bias[n, 0])
            if index < len(weights) - 1:
                hidden = {"relu": torch.relu, "tanh": torch.tanh}[activation](hidden)
        (expected,) = torch.autograd.grad(F.cross_entropy(hidden, labels[n], reduction="sum"), leaf)
        torch.testing.assert_close(found[n], expected)
    assert all(map(torch.equal, kept, program.weight_gradients))
