"""Compaction: a trained chain without the hidden units through which nothing passes.

A unit is dead when no active weight leads to it or none leads on from it. One that nothing leads to
still puts out a constant, act(bias), which is folded into the bias of the next layer before the
unit goes. What is left is an ordinary dense module, smaller and with the same outputs.
"""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sparse.cutting.chain_modules import POOLS, Chain, Link, chain_of
from sparse.options import nearest


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Compacted:
    """A smaller network with the same outputs.

    module: in evaluation mode, its parameters apart from those of the network it was made from.
    kept: positions (int64, rising) of the units that stayed, by the weight's name, for every layer
    but the last, all of whose units stay.
    """

    module: nn.Sequential
    kept: Mapping[str, Tensor]


@torch.no_grad()
def compact(
    model: nn.Module,
    masks: Mapping[str, Tensor] | None = None,
    *,
    fold: bool = True,
    per_unit: tuple[type[nn.Module], ...] = (),
) -> Compacted:
    """Drop the dead hidden units of a chain: an MLP, or convolutions and linear layers in a row.

    masks: the active weights by the weight's name, such as "layers.0.weight", as an artifact holds
    them; layers without one are dense. None: weights other than 0 are active.
    fold: drop units that put out a constant other than 0, too.
    per_unit: kinds of modules between layers that treat each unit on its own; see `chain_of`.

    Outputs in evaluation mode are equal up to the order of additions, 1e-6 for outputs around 1.
    Dropping a unit may leave others dead, which then go as well; one stays in every layer. A
    constant stays, and its unit with it, where it would not be one at every place: before a
    convolution that pads with zeros, or behind a mean that counts padding or has a divisor of its
    own (`divisor_override`).

    Raises a ValueError for what is no chain, for layers that do not fit each other, for hidden
    units normalised by the statistics of a batch, and for masks of other names or shapes.
    """
    chain = chain_of(model, per_unit)
    draft = [_Draft(link, masks) for link in chain.links]
    if masks is not None:
        _refuse_strangers(masks, [layer.name for layer in draft])
    for layer, following in pairwise(draft):
        following.read(layer)
        layer.silence(following, fold=fold)
    for layer, following in reversed(list(pairwise(draft))):
        layer.keep_heard(following)
    kept = {layer.name: layer.kept.nonzero().flatten() for layer in draft[:-1]}
    return Compacted(module=_assembled(chain, draft), kept=kept)


class _Draft:
    """A layer while it is decided what of it stays.

    weight: with zeros where inactive. active: bool, of its shape. kept: which units stay, bool.
    places: how many inputs of this layer a unit of the one before it has.
    """

    def __init__(self, link: Link, masks: Mapping[str, Tensor] | None) -> None:
        self.name = f"{link.name}.weight"
        self.link = link
        own = link.layer.weight.detach()
        self.active = _active(self.name, own, masks)
        self.weight = own * self.active
        self.bias = None if link.layer.bias is None else link.layer.bias.detach().clone()
        self.kept = torch.ones(len(own), dtype=torch.bool, device=own.device)
        self.places = 1
        for module in link.after:
            _refuse_unfit(module, len(own))

    def read(self, before: "_Draft") -> None:
        """Find how many inputs a unit of the layer before has here."""
        units, inputs = len(before.weight), self.weight.shape[1]
        flattened = before.weight.ndim > 2 and self.weight.ndim == 2
        if inputs != units and not (flattened and inputs % units == 0):
            raise ValueError(
                f"{before.name} has {units} units and {self.name} after it reads {inputs} inputs"
            )
        self.places = inputs // units

    def silence(self, following: "_Draft", *, fold: bool) -> None:
        """Cut the units that nothing leads to from the next layer, which takes up what they say."""
        constants = self._constants()
        cut = ~self.active.flatten(1).any(1)
        if not (fold and self._says_it_everywhere(following.link.layer)):
            cut &= constants == 0
        following.take_up(cut, constants)

    def take_up(self, cut: Tensor, constants: Tensor) -> None:
        """Read units (bool) of the layer before no more, but add what they say to the bias."""
        columns = cut.repeat_interleave(self.places)
        said = constants.double().repeat_interleave(self.places) * columns
        heard = torch.einsum("ui...,i->u...", self.weight.double(), said)
        amount = heard.flatten(1).sum(1) if heard.ndim > 1 else heard
        if amount.count_nonzero():
            bias = torch.zeros_like(amount) if self.bias is None else self.bias.double()
            self.bias = (bias + amount).to(self.weight.dtype)
        self.active[:, columns] = False
        self.weight[:, columns] = 0

    def keep_heard(self, following: "_Draft") -> None:
        """Keep the units that a living unit of the next layer reads; one at least."""
        read = following.active[following.kept].transpose(0, 1).flatten(1).any(1)
        self.kept = read.view(-1, following.places).any(1)
        if not self.kept.any():
            self.kept[0] = True

    def module(self, inputs: Tensor | None) -> nn.Module:
        """Return the layer with the units kept, reading those (bool) of the layer before."""
        own = copy.deepcopy(self.link.layer)
        weight = self.weight[self.kept]
        if inputs is not None:
            weight = weight[:, inputs.repeat_interleave(self.places)]
        own.weight = nn.Parameter(weight.contiguous())
        own.bias = None if self.bias is None else nn.Parameter(self.bias[self.kept])
        outward, inward = ("out_features", "in_features")
        if weight.ndim > 2:
            outward, inward = ("out_channels", "in_channels")
        setattr(own, outward, weight.shape[0])
        setattr(own, inward, weight.shape[1])
        return own

    def _constants(self) -> Tensor:
        """What each unit puts out when nothing comes in, (units,)."""
        bias = self.weight.new_zeros(len(self.weight)) if self.bias is None else self.bias
        said = bias.view(1, -1, *[1] * (self.weight.ndim - 2))
        for module in self.link.after:
            _refuse_batch_statistics(self.name, module)
            if not isinstance(module, (*POOLS, nn.Flatten)):
                said = copy.deepcopy(module).eval()(said)
        return said.flatten()

    def _says_it_everywhere(self, following: Any) -> bool:
        """Whether the next layer reads the same constant at every place."""
        if any(_moves_constants(module) for module in self.link.after):
            return False
        if following.weight.ndim == 2 or following.padding_mode != "zeros":
            return True
        padding = following.padding
        return padding == "valid" or (padding != "same" and not any(padding))


def _active(name: str, weight: Tensor, masks: Mapping[str, Tensor] | None) -> Tensor:
    if masks is None:
        return weight != 0
    if name not in masks:
        return torch.ones_like(weight, dtype=torch.bool)
    if masks[name].shape != weight.shape:
        given, needed = tuple(masks[name].shape), tuple(weight.shape)
        raise ValueError(f"the mask of {name} has the shape {given}; it must be {needed}")
    return masks[name].to(weight.device).bool().clone()


def _refuse_strangers(masks: Mapping[str, Tensor], names: Sequence[str]) -> None:
    for name in masks:
        if name not in names:
            listed = ", ".join(names)
            raise ValueError(f"there is no layer {name}; allowed: {listed}{nearest(name, names)}")


def _moves_constants(module: nn.Module) -> bool:
    """Whether a mean of one and the same number may be another."""
    if not isinstance(module, nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d):
        return False
    if getattr(module, "divisor_override", None) is not None:
        return True
    padding = module.padding if isinstance(module.padding, tuple) else (module.padding,)
    return any(padding) and bool(module.count_include_pad)


def _own_of_units(module: nn.Module) -> dict[str, Tensor]:
    """What a module holds for each unit; a single number is for all of them."""
    held = (*module.named_parameters(), *module.named_buffers())
    return {name: tensor for name, tensor in held if tensor.numel() > 1}


def _refuse_unfit(module: nn.Module, units: int) -> None:
    for name, tensor in _own_of_units(module).items():
        if len(tensor) != units:
            raise ValueError(
                f"{name} of a {type(module).__name__} has {len(tensor)} entries for {units} units;"
                " it must have one for each"
            )


def _refuse_batch_statistics(name: str, module: nn.Module) -> None:
    if not getattr(module, "track_running_stats", True):
        raise ValueError(
            f"after {name} stands a {type(module).__name__} with track_running_stats=False; what a"
            " unit puts out then depends on the batch, and it must not"
        )


def _assembled(chain: Chain, draft: Sequence[_Draft]) -> nn.Sequential:
    modules = [copy.deepcopy(module) for module in chain.before]
    inputs = None
    for layer in draft:
        modules.append(layer.module(inputs))
        modules += [_narrowed(module, layer.kept) for module in layer.link.after]
        inputs = layer.kept
    return nn.Sequential(*modules).eval()


def _narrowed(module: nn.Module, kept: Tensor) -> nn.Module:
    """A copy of a module for the units kept (bool): what it holds for each of them is cut."""
    own = copy.deepcopy(module)
    for tensor in _own_of_units(own).values():
        tensor.data = tensor.data[kept]
    for name in ("num_features", "num_parameters"):
        if getattr(own, name, 1) != 1:
            setattr(own, name, int(kept.count_nonzero()))
    return own
