"""The modules of a chain in the order in which they are applied, found by following its forward.

What is found can be cut apart unit by unit: between two layers stand only modules that treat each
unit, a neuron or a channel, on its own.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional as F

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Modules whose weight (out, in, ...) joins units."""

POOLS = (
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AvgPool3d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
    nn.AdaptiveMaxPool3d,
)
"""Modules that look at several places of one channel."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ACTIVATIONS = (
    nn.CELU, nn.ELU, nn.GELU, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh, nn.Identity, nn.LeakyReLU,
    nn.Mish, nn.PReLU, nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Softsign,
    nn.Tanh, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d,
)  # fmt: skip
"""Modules that act on every entry by itself."""

_FUNCTIONS: dict[Callable[..., Any], Callable[[], nn.Module]] = {
    F.relu: nn.ReLU,
    torch.relu: nn.ReLU,
    torch.sigmoid: nn.Sigmoid,
    torch.tanh: nn.Tanh,
}


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A layer of a chain and what is applied to its units before the next one.

    name: the module's name in the model. layer: a module of `LAYERS`. after: what follows it, in
    order; a flattening is an `nn.Flatten`.
    """

    name: str
    layer: Any
    after: tuple[nn.Module, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A model as a chain: what is done to its inputs, and its layers."""

    before: tuple[nn.Module, ...]
    links: tuple[Link, ...]


def chain_of(model: nn.Module, per_unit: tuple[type[nn.Module], ...] = ()) -> Chain:
    """Follow the forward of a model that is a chain.

    per_unit: further kinds of modules that treat each unit on its own; what they hold for each unit
    lies along the first side of their parameters and buffers.

    Raises a ValueError for a model that cannot be followed, that is no chain, or that has modules
    between its layers that mix units.
    """
    before: list[nn.Module] = []
    found: list[tuple[str, nn.Module, list[nn.Module]]] = []
    allowed = (*ACTIVATIONS, *_NORMS, *POOLS, nn.Flatten, *per_unit)
    for name, module in _steps(model, per_unit):
        if isinstance(module, LAYERS):
            _refuse_groups(name, module)
            found.append((name, module, []))
        elif isinstance(module, allowed):
            (found[-1][2] if found else before).append(module)
        else:
            raise ValueError(
                f"{name or 'the model'} is a {type(module).__name__}, which may mix units; name it"
                " in per_unit if it treats each on its own"
            )
    if not found:
        raise ValueError("the model has no layers, so there are no units between them")
    links = tuple(Link(name=n, layer=layer, after=tuple(after)) for n, layer, after in found)
    return Chain(before=tuple(before), links=links)


class _Tracer(fx.Tracer):
    def __init__(self, per_unit: tuple[type[nn.Module], ...]) -> None:
        super().__init__()
        self._per_unit = per_unit

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return isinstance(module, self._per_unit) or super().is_leaf_module(module, qualified_name)


def _steps(
    model: nn.Module, per_unit: tuple[type[nn.Module], ...]
) -> Iterator[tuple[str, nn.Module]]:
    """Yield name and module of all that is applied, in order."""
    try:
        nodes = list(_Tracer(per_unit).trace(model).nodes)
    except (fx.proxy.TraceError, TypeError) as problem:
        raise ValueError(f"the model's forward cannot be followed: {problem}") from problem
    modules = dict(model.named_modules())
    for before, node in pairwise(nodes):
        if node.all_input_nodes != [before] or len(before.users) != 1:
            raise ValueError(
                f"the model is no chain: {node} takes {_listed(node.all_input_nodes)}, and {before}"
                f" goes to {_listed(before.users)}; a module that treats each unit on its own may"
                " be named in per_unit"
            )
        if node.op == "call_module":
            yield str(node.target), modules[str(node.target)]
        elif node.op != "output":
            yield str(node), _as_module(node)


def _as_module(node: fx.Node) -> nn.Module:
    if node.target in ("flatten", torch.flatten):
        start, end = _bounds(*node.args[1:], **node.kwargs)
        return nn.Flatten(start, end)
    if node.op == "call_function" and node.target in _FUNCTIONS:
        return _FUNCTIONS[node.target]()
    raise ValueError(f"the model applies {node.target} between layers, which may mix units")


def _bounds(start_dim: Any = 0, end_dim: Any = -1) -> tuple[int, int]:
    return int(start_dim), int(end_dim)


def _refuse_groups(name: str, layer: Any) -> None:
    if getattr(layer, "groups", 1) != 1:
        raise ValueError(f"{name} is a convolution in {layer.groups} groups; allowed: 1")


def _listed(nodes: Iterable[fx.Node]) -> str:
    return ", ".join(map(str, nodes)) or "nothing"
