"""A network seen from its outputs: the SynFlow objective, and outputs divided by a temperature.

Both run a module with other tensors in place of its own and leave it bitwise as it was.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def flow(
    model: nn.Module,
    example: Tensor,
    weights: Mapping[str, Tensor],
    own: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """Return the sum (float64) of a module's outputs for one input of ones.

    example: (1, ...), an input; only its shape is used, and that whole numbers stay such.
    weights: stand in by name, as they are; the result is differentiable in them.
    own: replaces the module's own parameters by name, for a module that serves several networks.

    All other parameters and buffers are replaced by their absolute values, and the module is in
    evaluation mode, so that batch normalisation is a fixed factor. Sums over deep networks leave
    the range of float32. Source: SynFlow (Tanaka et al. 2020, algorithm 1).
    """
    state = {**dict(model.named_parameters()), **dict(model.named_buffers()), **(own or {})}
    stand_ins = {n: _positive(tensor) for n, tensor in state.items() if n not in weights}
    stand_ins |= {name: weight.double() for name, weight in weights.items()}
    device = next(iter(weights.values())).device
    dtype = torch.float64 if example.is_floating_point() else example.dtype
    ones = torch.ones(example.shape, dtype=dtype, device=device)
    with _evaluation(model):
        outputs = torch.func.functional_call(model, stand_ins, (ones,))
    return _tensor(outputs).sum()


@contextlib.contextmanager
def divided_outputs(model: nn.Module, temperature: float) -> Iterator[None]:
    """Divide by the temperature whatever the module returns in the meantime; 1 changes nothing."""

    def divided(module: nn.Module, inputs: Any, outputs: Any) -> Tensor:
        return _tensor(outputs) / temperature

    hook = model.register_forward_hook(divided) if temperature != 1 else None
    try:
        yield
    finally:
        if hook:
            hook.remove()


@contextlib.contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def _positive(tensor: Tensor) -> Tensor:
    copy = tensor.detach().clone()
    return copy.double().abs_() if copy.is_floating_point() else copy


def _tensor(outputs: Any) -> Tensor:
    if not isinstance(outputs, Tensor):
        raise ValueError(
            f"the model returned {type(outputs).__name__}; this method needs one that returns a"
            " tensor"
        )
    return outputs
