"""Scores of examples against numbers worked out by hand, and the bugs of published codes."""

import pytest
import torch
from torch import nn

from trainer.scores import ForgettingCounter, el2n, grand, margin, mean_score


def logits_of(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows).log()


def test_the_norm_of_a_known_error():
    found = el2n(logits_of([0.7, 0.2, 0.1]), torch.tensor([0]))
    assert found.item() == pytest.approx(0.14**0.5, abs=1e-7)
    assert found.dtype == torch.float64


@pytest.mark.parametrize(("label", "expected"), [(0, 0.42434), (2, 1.15347)])
def test_the_norm_of_known_logits(label, expected):
    found = el2n(torch.tensor([[2.0, 1.0, 0.0]]), torch.tensor([label]))
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_the_norm_reaches_the_square_root_of_two_and_no_more():
    sure = torch.tensor([[100.0, 0.0], [100.0, 0.0]])
    assert el2n(sure, torch.tensor([0, 1])).tolist() == pytest.approx([0.0, 2**0.5])


def test_the_mean_is_of_norms_and_not_of_their_squares():
    """A published code leaves out the root: one network ranks the same, two rank otherwise."""
    labels = torch.tensor([0, 0])
    right, wrong, even = [1.0, 0.0], [1 - 0.5**0.5, 0.5**0.5], [1 - 0.7 * 0.5**0.5, 0.7 * 0.5**0.5]
    norms = [el2n(logits_of(first, even).clamp_min(-99.0), labels) for first in (right, wrong)]
    assert torch.stack(norms).tolist() == [
        pytest.approx([0.0, 0.7], abs=1e-6), pytest.approx([1.0, 0.7], abs=1e-6),
    ]  # fmt: skip
    assert mean_score(norms).tolist() == pytest.approx([0.5, 0.7], abs=1e-6)
    assert mean_score([norm.square() for norm in norms]).argmax() == 0


@pytest.mark.parametrize("classes", [2, 10, 200])
def test_any_number_of_classes_will_do(classes):
    """A published code knows 10 and 100 classes only."""
    even = torch.zeros(1, classes)
    error = ((1 - 1 / classes) ** 2 + (classes - 1) / classes**2) ** 0.5
    assert el2n(even, torch.tensor([classes - 1])).item() == pytest.approx(error, abs=1e-7)


def test_the_margin_is_of_logits_and_positive_where_the_example_is_wrong():
    logits = torch.tensor([[3.0, 1.0, 2.5], [3.0, 1.0, 2.5], [0.5, 1.0, 2.5]])
    assert margin(logits, torch.tensor([0, 1, 2])).tolist() == [-0.5, 2.0, -1.5]


def linear(weight: list[list[float]], bias: list[float]) -> nn.Linear:
    module = nn.Linear(2, 2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor(weight))
        module.bias.copy_(torch.tensor(bias))
    return module


def test_grand_of_a_linear_network_is_el2n_times_the_norm_of_the_input_with_a_one():
    module = linear([[0.5, -0.5], [0.25, 0.75]], [0.1, -0.2])
    inputs, labels = torch.tensor([[1.0, 2.0], [-3.0, 0.5]]), torch.tensor([0, 1])
    expected = el2n(module(inputs).detach(), labels) * (1 + inputs.double().square().sum(1)).sqrt()
    assert grand(module, inputs, labels).tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_forgetting_counts_what_was_right_and_then_is_wrong():
    counter = ForgettingCounter(4, "cpu")
    everyone = torch.arange(4)
    #  0: learned at once; 1: forgotten twice; 2: never learned; 3: forgotten once, and for good
    for hits in ([1, 1, 0, 1], [1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]):
        counter.add(everyone, torch.tensor(hits, dtype=torch.bool))
    assert counter.scores().tolist() == [0.0, 2.0, 3.0, 1.0]


def test_a_visit_is_one_of_the_example_wherever_it_stands_in_a_batch():
    counter = ForgettingCounter(3, "cpu")
    for positions, hits in (([2, 0], [1, 1]), ([1], [1]), ([0, 1], [0, 1]), ([2], [1])):
        counter.add(torch.tensor(positions), torch.tensor(hits, dtype=torch.bool))
    assert counter.scores().tolist() == [1.0, 0.0, 0.0]


def test_what_nobody_learned_is_hardest_even_where_nothing_was_forgotten():
    counter = ForgettingCounter(2, "cpu")
    counter.add(torch.arange(2), torch.tensor([True, False]))
    assert counter.scores().tolist() == [0.0, 1.0]
