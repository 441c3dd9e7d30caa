"""The product of a truly sparse matrix with a dense one, and its exact gradients.

Y = W X + b with W (outputs, inputs) in CSR, X (inputs, batch) and Y (outputs, batch). In this
feature-major form every active weight multiplies one contiguous row. The gradient of W is taken at
its active weights only (a sampled dense-dense product): no dense weight or gradient is ever made.

X and Y may also be cut along the batch, (parts, inputs, width) and (parts, outputs, width): a part
of few columns stays in the processor's cache while the rows of W pick from it.
"""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.amp import custom_bwd, custom_fwd
from torch.autograd.function import once_differentiable

from sparse.csr.pattern import Pattern

Transposed = Callable[[], tuple[Pattern, Tensor]]


def product(
    values: Tensor, x: Tensor, bias: Tensor | None, pattern: Pattern, transposed: Transposed
) -> Tensor:
    """Return W x + bias, differentiable in values, x and bias.

    values: (active weights,) in the pattern's order; bias: (outputs,) or None.
    x: (inputs, batch), or (parts, inputs, width), and so is the result.
    transposed: gives the pattern of W^T and the order of its values; asked for only where the
    gradient of x is wanted. Gradients of gradients are refused.

    float32 or float64, or a ValueError; under autocast on the CPU it computes in float32.
    """
    made: Tensor = _Product.apply(values, x, bias, pattern, transposed)
    return made


class _Product(torch.autograd.Function):
    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any,
        values: Tensor,
        x: Tensor,
        bias: Tensor | None,
        pattern: Pattern,
        transposed: Transposed,
    ) -> Tensor:
        _refuse_other_types(values, x)
        x = x.contiguous()
        ctx.save_for_backward(values, x)
        ctx.pattern, ctx.transposed = pattern, transposed
        return _multiplied(pattern.matrix(values), x, bias)

    @staticmethod
    @custom_bwd(device_type="cpu")
    @once_differentiable
    def backward(ctx: Any, outward: Tensor) -> tuple[Tensor | None, ...]:
        values, x = ctx.saved_tensors
        for_values, for_x, for_bias = ctx.needs_input_grad[:3]
        outward = outward.contiguous()
        return (
            _sampled(outward, x, ctx.pattern) if for_values else None,
            _returned(values, outward, ctx.transposed) if for_x else None,
            _summed(outward) if for_bias else None,
            None,
            None,
        )


def _refuse_other_types(values: Tensor, x: Tensor) -> None:
    if values.dtype != x.dtype or values.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"a truly sparse layer with {values.dtype} weights has {x.dtype} inputs; both must be"
            " torch.float32 or both torch.float64"
        )


def _returned(values: Tensor, outward: Tensor, transposed: Transposed) -> Tensor:
    """Return W^T dY, the gradient of the input."""
    pattern, order = transposed()
    return _multiplied(pattern.matrix(values.index_select(0, order)), outward, None)


def _multiplied(matrix: Tensor, x: Tensor, bias: Tensor | None) -> Tensor:
    """Return matrix x + bias, written once: the operator `@` fills and copies its result first."""
    made = x.new_empty(*x.shape[:-2], matrix.shape[0], x.shape[-1])
    if bias is not None:
        made.copy_(bias.unsqueeze(1))
    for outward, inward in zip(_parts(made), _parts(x), strict=True):
        torch.addmm(outward, matrix, inward, beta=0.0 if bias is None else 1.0, out=outward)
    return made


def _sampled(outward: Tensor, x: Tensor, pattern: Pattern) -> Tensor:
    """Return the entries of dY X^T at the active weights, (active weights,)."""
    gradient = outward.new_zeros(len(pattern.columns))
    target = pattern.matrix(gradient)
    for given, inward in zip(_parts(outward), _parts(x), strict=True):
        # Written into its own input, so that neither indices nor values are copied.
        torch.sparse.sampled_addmm(target, given, inward.t(), out=target)
    return gradient


def _summed(outward: Tensor) -> Tensor:
    """Return the gradient of the bias, (outputs,)."""
    sums = outward.sum(-1)
    return sums if sums.ndim == 1 else sums.sum(0)


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    return (tensor,) if tensor.ndim == 2 else tensor.unbind()


def _hear_the_notice() -> None:
    """Let torch say now, once and to nobody, that its CSR tensors are in beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 0], [], [], (1, 1), check_invariants=False)


_hear_the_notice()
