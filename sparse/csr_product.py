"""The product of a truly sparse matrix with a dense one, and its exact gradients.

Y = W X + b with W (outputs, inputs) in CSR, X (inputs, batch) and Y (outputs, batch). In this
feature-major form every active weight multiplies one contiguous row. The gradient of W is taken at
its active weights only (a sampled dense-dense product): no dense weight or gradient is ever made.
"""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sparse.csr_pattern import Pattern

Transposed = Callable[[], tuple[Pattern, Tensor]]


def product(
    values: Tensor, x: Tensor, bias: Tensor | None, pattern: Pattern, transposed: Transposed
) -> Tensor:
    """Return W x + bias, (outputs, batch), differentiable in values, x and bias.

    values: (active weights,) in the pattern's order; x: (inputs, batch); bias: (outputs,) or None.
    transposed: gives the pattern of W^T and the order of its values; asked for only where the
    gradient of x is wanted. float32 and float64; gradients of gradients are refused.
    """
    made: Tensor = _Product.apply(values, x, bias, pattern, transposed)
    return made


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        x: Tensor,
        bias: Tensor | None,
        pattern: Pattern,
        transposed: Transposed,
    ) -> Tensor:
        x = x.contiguous()
        ctx.save_for_backward(values, x)
        ctx.pattern, ctx.transposed = pattern, transposed
        return _multiplied(pattern.matrix(values), x, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outward: Tensor) -> tuple[Tensor | None, ...]:
        values, x = ctx.saved_tensors
        for_values, for_x, for_bias = ctx.needs_input_grad[:3]
        outward = outward.contiguous()
        return (
            _sampled(outward, x, ctx.pattern) if for_values else None,
            _returned(values, outward, ctx.transposed) if for_x else None,
            outward.sum(1) if for_bias else None,
            None,
            None,
        )


def _returned(values: Tensor, outward: Tensor, transposed: Transposed) -> Tensor:
    """Return W^T dY, the gradient of the input."""
    pattern, order = transposed()
    return _multiplied(pattern.matrix(values.index_select(0, order)), outward, None)


def _multiplied(matrix: Tensor, x: Tensor, bias: Tensor | None) -> Tensor:
    """Return matrix x + bias, written once: the operator `@` fills and copies its result first."""
    made = x.new_empty(matrix.shape[0], x.shape[1])
    if bias is None:
        return torch.addmm(made, matrix, x, beta=0.0, out=made)
    return torch.addmm(made.copy_(bias.unsqueeze(1)), matrix, x, out=made)


def _sampled(outward: Tensor, x: Tensor, pattern: Pattern) -> Tensor:
    """Return the entries of dY X^T at the active weights, (active weights,)."""
    gradient = outward.new_zeros(len(pattern.columns))
    target = pattern.matrix(gradient)
    # Written into its own input, so that neither indices nor values are copied. They begin with
    # zeros because a NaN times beta stays one.
    torch.sparse.sampled_addmm(target, outward, x.t(), beta=0.0, out=target)
    return gradient


def _hear_the_notice() -> None:
    """Let torch say now, once and to nobody, that its CSR tensors are in beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 0], [], [], (1, 1), check_invariants=False)


_hear_the_notice()
