"""Equal capacity: a wide sparse network and a narrow dense one with as many weights in every layer.

The comparison is SC-SDC (Tessera et al. 2021, "Keep the gradients flowing"): S is the wide network
with a random mask, D its dense partner of the same depth, and ||a_S||_0 = ||a_D||_0 in each layer,
not just in total. Both draw a layer's active weights from one distribution.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import torch
from torch import Tensor, nn

from sparse.budgets import Shape
from sparse.controls.narrow import scaled_widths
from sparse.targets import find_targets

INITS = ("matched", "layer_scaled", "unit_scaled")
"""How first weights are scaled, see `first_weights`."""

GAIN = 2.0
"""Variance of a first weight times its fan-in. Source: He et al. 2015, equation 10."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class LayerPair:
    """One layer of both networks of a pair.

    wide, dense: its shapes in S and in D, with the sides in the module's order.
    transposed: whether it is the kernel of a transposed convolution, (in, out, ...).
    """

    name: str
    wide: Shape
    dense: Shape
    transposed: bool = False

    @property
    def active(self) -> int:
        """The number of active weights, of S as of D."""
        return math.prod(self.dense)

    @property
    def density(self) -> float:
        """The active share of the weights of S."""
        return self.active / math.prod(self.wide)

    @property
    def wide_fan_in(self) -> int:
        """Weights of a unit of S, inactive ones included."""
        return _fan_in(self.wide, self.transposed)

    @property
    def dense_fan_in(self) -> int:
        """Weights of a unit of D."""
        return _fan_in(self.dense, self.transposed)

    @property
    def mean_fan_in(self) -> float:
        """Active weights of a unit of S, on average."""
        return self.active * self.wide_fan_in / math.prod(self.wide)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PairReport:
    """What is equal in a pair, and what is not.

    layers: the layers of both.
    min_fan_in: the fewest active weights of a unit of S, by layer name.
    extra_sparse, extra_dense: parameters of S and of D that no mask covers, as `extra_params` has
        them. They are not matched, and S has more of those that belong to a unit.
    """

    layers: tuple[LayerPair, ...]
    min_fan_in: Mapping[str, int]
    extra_sparse: Mapping[str, int]
    extra_dense: Mapping[str, int]

    @property
    def active(self) -> int:
        """The active weights of each of the two networks."""
        return sum(layer.active for layer in self.layers)

    @property
    def density(self) -> float:
        """The active share of the maskable weights of S."""
        return self.active / sum(math.prod(layer.wide) for layer in self.layers)


def dense_widths(
    inputs: int, shares: Sequence[Decimal | str | float], plus: int = 4
) -> tuple[int, tuple[int, ...]]:
    """Return the width of the wide perceptron, inputs + plus, and those of its dense partners.

    Each is a share, in (0, 1], of the wide one, rounded half up. The five dense widths that the
    talk on Tessera et al. 2021 plots for images of 3072 values are those of 3076 and .1 to .9.
    """
    wide = inputs + plus
    return wide, tuple(scaled_widths([wide], Decimal(str(share)))[0] for share in shares)


def layer_pairs(
    wide: Mapping[str, Shape], dense: Mapping[str, Shape], transposed: Collection[str] = ()
) -> tuple[LayerPair, ...]:
    """Return the layers of a pair from the shapes of both networks, by layer name.

    Networks with other layers, and a dense one that is the wider somewhere, are a ValueError.
    """
    if list(wide) != list(dense):
        differing = ", ".join(sorted(wide.keys() ^ dense.keys())) or "their order"
        raise ValueError(f"the networks of a pair have the same layers; these differ: {differing}")
    for name in wide:
        fits = len(wide[name]) == len(dense[name]) and all(
            own >= other for own, other in zip(wide[name], dense[name], strict=True)
        )
        if not fits:
            raise ValueError(
                f"{name} of the dense network is {_sides(dense[name])}, which is not within"
                f" {_sides(wide[name])} of the sparse one: its width must be at most that one's"
            )
    return tuple(
        LayerPair(name=name, wide=wide[name], dense=dense[name], transposed=name in transposed)
        for name in wide
    )


def first_weights(
    layer: LayerPair,
    generator: torch.Generator,
    *,
    mask: Tensor | None = None,
    init: str = "matched",
    wide_fan_in: bool = False,
) -> Tensor:
    """Return normal first weights of a layer: of S where a mask is given, else of D.

    mask: (wide shape), 0 and 1; what it excludes is drawn, too, and is for the caller to zero.
    init: "matched", variance 2 / the fan-in of D, or with `wide_fan_in` of S with all its weights;
        "layer_scaled", 2 / the mean active fan-in of S, for both; "unit_scaled", for every unit of
        S 2 / its own active fan-in, and for D 2 / its fan-in, so that signals have equal size.

    Sources: He et al. 2015; "layer_scaled" and "unit_scaled" are the inits of Liu et al. 2018 and
    of Evci et al. 2022 ("Gradient flow in sparse neural networks", equation 1).
    """
    if init not in INITS:
        raise ValueError(f"init is {init!r}; allowed: {', '.join(INITS)}")
    shape = layer.dense if mask is None else layer.wide
    draws = torch.randn(shape, generator=generator, device=generator.device)
    if init == "unit_scaled" and mask is not None:
        own = unit_fan_in(mask, layer.transposed).clamp_min(1).to(draws)
        return draws * _along_units((GAIN / own).sqrt(), draws.ndim, layer.transposed)
    fan_in = layer.mean_fan_in if init == "layer_scaled" else layer.dense_fan_in
    if init == "matched" and wide_fan_in:
        fan_in = layer.wide_fan_in
    return draws * math.sqrt(GAIN / fan_in)


def unit_fan_in(mask: Tensor, transposed: bool = False) -> Tensor:
    """Return the active weights of every unit (units,) of a mask, the places of a kernel counted.

    Units lie along the first side, or along the second where the layer is `transposed`.
    """
    return mask.transpose(0, int(transposed)).flatten(1).count_nonzero(1)


def pair_report(wide: nn.Module, dense: nn.Module, masks: Mapping[str, Tensor]) -> PairReport:
    """Return what a sparse network with these masks and its dense partner have in common.

    masks: by layer name, of the wide network. A layer without one, or one with another count than
    the dense layer has weights, is a ValueError: such networks are no pair.
    """
    found, other = find_targets(wide), find_targets(dense)
    layers = layer_pairs(
        {target.name: target.shape for target in found.targets},
        {target.name: target.shape for target in other.targets},
        [target.name for target in found.targets if target.transposed],
    )
    if missing := [layer.name for layer in layers if layer.name not in masks]:
        raise ValueError(f"masks has none for {', '.join(missing)}; give that of every layer")
    for layer in layers:
        active = int(masks[layer.name].count_nonzero())
        if active != layer.active:
            raise ValueError(
                f"{layer.name} has {active} active weights, but the dense one {layer.active}"
            )
    fan_ins = {one.name: unit_fan_in(masks[one.name], one.transposed).min() for one in layers}
    return PairReport(
        layers=layers,
        min_fan_in={name: int(least) for name, least in fan_ins.items()},
        extra_sparse=extra_params(wide),
        extra_dense=extra_params(dense),
    )


def extra_params(model: nn.Module) -> dict[str, int]:
    """Return how many parameters of a model no mask covers, by the class of their module.

    A layer's own are its biases; others are those of norms, learned activations and the like. What
    is tied counts once.
    """
    maskable = {target.name for target in find_targets(model).targets}
    counted: Counter[str] = Counter()
    for name, parameter in model.named_parameters():
        if name not in maskable:
            owner = model.get_submodule(name.rpartition(".")[0])
            counted[type(owner).__name__] += parameter.numel()
    return dict(counted)


def _fan_in(shape: Shape, transposed: bool) -> int:
    return math.prod(shape) // shape[1 if transposed else 0]


def _along_units(values: Tensor, sides: int, transposed: bool) -> Tensor:
    shape = [1] * sides
    shape[1 if transposed else 0] = -1
    return values.view(shape)


def _sides(shape: Shape) -> str:
    return " x ".join(map(str, shape))
