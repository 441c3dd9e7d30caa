"""Activations of a stack: in place, with their backward pass in terms of one kept tensor.

Kept are the outputs, which need no memory of their own, or the inputs where outputs do not tell the
slope. torch's own kernels of sigmoid, SiLU and ELU are not used: they round differently in the tail
of a buffer, where a cell's place in the stack shows. Those of exp, expm1 and tanh do not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from trainer.models.activations import LEAKY_SLOPE, all_relu_slopes


@dataclass(frozen=True, kw_only=True, slots=True)
class StackedActivation:
    """One activation, elementwise on tensors of any shape.

    Attributes:
        apply: takes inputs to outputs, in place.
        backward: takes the gradient after the activation and the kept tensor to the gradient before
            it, in the place of the former.
        keeps_inputs: whether the kept tensor is the inputs, and not the outputs.
    """

    apply: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]
    keeps_inputs: bool = False


def stacked_activations(name: str, layers: int, alpha: float) -> list[StackedActivation]:
    """One activation per hidden layer, by a name in ``trainer.models.activations.FIXED``.

    Args:
        alpha: size of the slope of all_relu, which no other reads.
    """
    if name == "all_relu":
        return [_leaky(slope) for slope in all_relu_slopes(alpha, layers)]
    return [_BY_NAME[name]] * layers


def _relu(outputs: Tensor) -> Tensor:
    return outputs.clamp_min_(0.0)


def _relu_backward(gradient: Tensor, outputs: Tensor) -> Tensor:
    # The sign of what a ReLU returns is 0 or 1; a comparison would be bool, and multiplying by
    # bool is ten times slower.
    return gradient.mul_(outputs.sign())


def _tanh_backward(gradient: Tensor, outputs: Tensor) -> Tensor:
    return gradient.mul_(1.0 - outputs * outputs)


def _sigmoid(outputs: Tensor) -> Tensor:
    return outputs.neg_().exp_().add_(1.0).reciprocal_()


def _sigmoid_backward(gradient: Tensor, outputs: Tensor) -> Tensor:
    return gradient.mul_(outputs * (1.0 - outputs))


def _elu(outputs: Tensor) -> Tensor:
    below = outputs.clamp_max(0.0).expm1_()
    return outputs.clamp_min_(0.0).add_(below)


def _elu_backward(gradient: Tensor, outputs: Tensor) -> Tensor:
    # Below 0 the slope is exp(x), which is 1 more than the output.
    return gradient.mul_(outputs.clamp_max(0.0).add_(1.0))


def _swish(outputs: Tensor) -> Tensor:
    return outputs.div_(outputs.neg().exp_().add_(1.0))


def _swish_backward(gradient: Tensor, inputs: Tensor) -> Tensor:
    gate = _sigmoid(inputs.clone())
    return gradient.mul_(gate.mul_((1.0 - gate).mul_(inputs).add_(1.0)))


def _leaky_relu(outputs: Tensor, slope: float) -> Tensor:
    return torch.where(outputs > 0, outputs, outputs * slope, out=outputs)


def _leaky_relu_backward(gradient: Tensor, kept: Tensor, slope: float) -> Tensor:
    return torch.where(kept > 0, gradient, gradient * slope, out=gradient)


def _leaky(slope: float) -> StackedActivation:
    """A negative slope makes everything positive: the outputs then hide where the inputs lay."""
    return StackedActivation(
        apply=partial(_leaky_relu, slope=slope),
        backward=partial(_leaky_relu_backward, slope=slope),
        keeps_inputs=slope < 0,
    )


_BY_NAME = {
    "relu": StackedActivation(apply=_relu, backward=_relu_backward),
    "tanh": StackedActivation(apply=torch.Tensor.tanh_, backward=_tanh_backward),
    "sigmoid": StackedActivation(apply=_sigmoid, backward=_sigmoid_backward),
    "elu": StackedActivation(apply=_elu, backward=_elu_backward),
    "swish": StackedActivation(apply=_swish, backward=_swish_backward, keeps_inputs=True),
    "leaky_relu": _leaky(LEAKY_SLOPE),
}
