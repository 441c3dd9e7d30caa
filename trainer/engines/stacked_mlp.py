"""A stack of multilayer perceptrons as one batched program, with its gradients written out.

Shapes use N cells, b examples, I inputs and O outputs of a layer, C classes. Every product is one
``bmm`` over cells, so gradients never mix; results are written into buffers that live as long as
the stack. With MKL's code path fixed (``MKL_CBWR=...,STRICT``) the bits of a cell do not depend on
how many cells share the program: ``tests/contract/test_exact_tier.py`` holds it to that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.engines.stacked_activations import StackedActivation


@dataclass(frozen=True, kw_only=True, slots=True)
class _Buffers:
    """Scratch of one batch size. ``hidden[l]`` is the input of layer l, (N, b, I).

    ``kept[l]`` is what the activation after layer l differentiates from: a tensor of its own for
    the layer's outputs, or ``hidden[l + 1]``.
    """

    hidden: list[Tensor]
    kept: list[Tensor]
    gradients: list[Tensor]
    target_weight: Tensor
    minus_one: Tensor


class StackedMLP:
    """N perceptrons of one shape.

    Args:
        weights: per layer (N, O, I), row n being cell n in the layout of ``nn.Linear``.
        biases: per layer (N, 1, O).
        activations: one per hidden layer.
        label_smoothing: share of the target spread evenly over the classes.
        gradients: where each pass leaves its gradients, of the weights and then of the biases;
            new tensors when not given.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        biases: Sequence[Tensor],
        activations: Sequence[StackedActivation],
        label_smoothing: float,
        gradients: Sequence[Tensor] | None = None,
    ) -> None:
        self.weights = list(weights)
        self.biases = list(biases)
        gradients = gradients or [torch.zeros_like(tensor) for tensor in (*weights, *biases)]
        self.weight_gradients = list(gradients[: len(self.weights)])
        self.bias_gradients = list(gradients[len(self.weights) :])
        self._activations = list(activations)
        self._smoothing = label_smoothing
        self._buffers: dict[int, _Buffers] = {}

    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (N, b, C) of inputs (N, b, I); the inputs may be expanded over N."""
        hidden = inputs
        for weight, bias, activation in zip(
            self.weights[:-1], self.biases[:-1], self._activations, strict=True
        ):
            hidden = activation.apply(torch.baddbmm(bias, hidden, weight.transpose(1, 2)))
        return torch.baddbmm(self.biases[-1], hidden, self.weights[-1].transpose(1, 2))

    def backward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """One forward and backward pass of the mean loss of each cell.

        Args:
            inputs: (N, b, I). targets: (N, b).

        Returns:
            Summed loss (N,) and which predictions were right (N, b), bool; the gradients are in
            ``weight_gradients`` and ``bias_gradients``.
        """
        buffers = self._buffers_of(inputs)
        logits = self._forward(buffers)
        losses, hits = self._loss_backward(logits, targets, buffers)
        self._backward(buffers)
        return losses, hits

    def input_gradients(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The gradient (N, b, I) of each cell's summed cross-entropy, without smoothing."""
        buffers = self._buffers_of(inputs)
        gradient = torch.softmax(self._forward(buffers), 2)
        gradient.scatter_add_(2, targets.unsqueeze(2), buffers.minus_one)
        for index in range(len(self.weights) - 1, -1, -1):
            gradient = torch.bmm(gradient, self.weights[index])
            if index:
                self._activations[index - 1].backward(gradient, buffers.kept[index - 1])
        return gradient

    def _forward(self, buffers: _Buffers) -> Tensor:
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            outputs = buffers.hidden[index + 1]
            torch.baddbmm(bias, buffers.hidden[index], weight.transpose(1, 2), out=outputs)
            if index < len(self._activations):
                self._activate(index, outputs, buffers)
        return buffers.hidden[-1]

    def _activate(self, index: int, outputs: Tensor, buffers: _Buffers) -> None:
        activation = self._activations[index]
        if activation.keeps_inputs:
            buffers.kept[index].copy_(outputs)
        activation.apply(outputs)

    def _loss_backward(
        self, logits: Tensor, targets: Tensor, buffers: _Buffers
    ) -> tuple[Tensor, Tensor]:
        # Softmax cross-entropy: d loss / d logits = (p - q) / b with the smoothed target q.
        labels = targets.unsqueeze(2)
        hits = logits.argmax(2) == targets
        log_p = torch.log_softmax(logits, 2)
        losses = log_p.gather(2, labels).sum((1, 2)).neg_()
        gradient = torch.exp(log_p, out=buffers.gradients[-1])
        if self._smoothing:
            even = log_p.mean(2).sum(1).neg_()
            losses = losses.mul_(1.0 - self._smoothing).add_(even, alpha=self._smoothing)
            gradient.sub_(self._smoothing / logits.shape[2])
        gradient.scatter_add_(2, labels, buffers.target_weight)
        gradient.mul_(1.0 / logits.shape[1])
        return losses, hits

    def _backward(self, buffers: _Buffers) -> None:
        for index in range(len(self.weights) - 1, -1, -1):
            gradient = buffers.gradients[index]
            hidden = buffers.hidden[index]
            torch.bmm(gradient.transpose(1, 2), hidden, out=self.weight_gradients[index])
            torch.sum(gradient, 1, keepdim=True, out=self.bias_gradients[index])
            if index:
                below = buffers.gradients[index - 1]
                torch.bmm(gradient, self.weights[index], out=below)
                self._activations[index - 1].backward(below, buffers.kept[index - 1])

    def _buffers_of(self, inputs: Tensor) -> _Buffers:
        n, batch, _ = inputs.shape
        if batch not in self._buffers:
            like = self.weights[0]
            widths = [weight.shape[1] for weight in self.weights]
            outputs = [like.new_empty(n, batch, width) for width in widths]
            self._buffers[batch] = _Buffers(
                hidden=[inputs, *outputs],
                kept=[
                    torch.empty_like(own) if activation.keeps_inputs else own
                    for own, activation in zip(outputs, self._activations, strict=False)
                ],
                gradients=[like.new_empty(n, batch, width) for width in widths],
                target_weight=like.new_full((n, batch, 1), self._smoothing - 1.0),
                minus_one=like.new_full((n, batch, 1), -1.0),
            )
        buffers = self._buffers[batch]
        buffers.hidden[0] = inputs
        return buffers
