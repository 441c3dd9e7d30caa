"""Which parameters of a model are maskable, and why the others are not."""

import dataclasses
import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from sparse.options import nearest

_LAYERS = (nn.Linear, nn.Bilinear, _ConvNd, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)
_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)
_EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A maskable parameter: its name in the model and its shape.

    transposed: whether it is the kernel of a transposed convolution, which lies
    (in, out / groups, ...) and not (out, in / groups, ...).
    """

    name: str
    shape: tuple[int, ...]
    transposed: bool

    @property
    def size(self) -> int:
        """The number of weights."""
        return math.prod(self.shape)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Excluded:
    """A parameter that stays dense, and the reason in a few words."""

    name: str
    shape: tuple[int, ...]
    reason: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TargetReport:
    """All parameters of a model, split into maskable ones and others, in the model's order."""

    targets: tuple[Target, ...]
    excluded: tuple[Excluded, ...]

    def __str__(self) -> str:
        """Return a table with one line per parameter."""
        rows = [(item.name, item.shape, "maskable") for item in self.targets]
        rows += [(item.name, item.shape, item.reason) for item in self.excluded]
        total = sum(target.size for target in self.targets)
        return "\n".join([*_lines(rows), f"{total} maskable weights in {len(self.targets)} layers"])


def find_targets(
    model: nn.Module, *, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> TargetReport:
    """Find the maskable parameters of a model.

    By default these are the matrices and kernels (two dimensions or more) of linear, convolution,
    recurrent and attention layers. Biases, normalisation layers and embeddings stay dense, and what
    is tied counts once; tied to an embedding, it stays dense. `include` adds parameters by glob,
    `exclude` takes parameters away and wins. A glob that matches nothing is a ValueError, and so is
    a model that has not seen its first batch yet where layers are lazy.
    """
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    _refuse_idle_globs([*include, *exclude], names)
    targets: list[Target] = []
    excluded: list[Excluded] = []
    embedded = {id(parameter) for _, owner, parameter in _owned(model) if _is(owner, _EMBEDDINGS)}
    first_names: dict[int, str] = {}
    for name, owner, parameter in _owned(model):
        if nn.parameter.is_lazy(parameter):
            raise ValueError(f"{name} has no shape yet: run one batch through the model first")
        shape = tuple(parameter.shape)
        reason = _reason(name, owner, shape, include, exclude)
        if id(parameter) in embedded and not _matches(name, include):
            reason = "embedding"
        if id(parameter) in first_names:
            reason = f"tied to {first_names[id(parameter)]}"
        first_names.setdefault(id(parameter), name)
        if reason is None:
            transposed = isinstance(owner, _ConvTransposeNd)
            targets.append(Target(name=name, shape=shape, transposed=transposed))
        else:
            excluded.append(Excluded(name=name, shape=shape, reason=reason))
    return TargetReport(targets=tuple(targets), excluded=tuple(excluded))


def bias_of(weight: str, parameters: Mapping[str, nn.Parameter]) -> nn.Parameter | None:
    """Return the bias that torch's layers keep beside a weight, or None where there is none.

    Found by name in the model's parameters: "conv.weight" has "conv.bias", "rnn.weight_ih_l0" has
    "rnn.bias_ih_l0".
    """
    path, dot, name = weight.rpartition(".")
    bias = path + dot + name.replace("weight", "bias")
    return None if bias == weight else parameters.get(bias)


def reasons(excluded: Sequence[Excluded]) -> str:
    """Return a table with one line per parameter that stays dense; empty where none does."""
    return "\n".join(_lines([(item.name, item.shape, item.reason) for item in excluded]))


def _lines(rows: Sequence[tuple[str, tuple[int, ...], str]]) -> list[str]:
    names = max((len(name) for name, _, _ in rows), default=0)
    shapes = max((len(_sides(shape)) for _, shape, _ in rows), default=0)
    return [f"{name:<{names}}  {_sides(shape):>{shapes}}  {note}" for name, shape, note in rows]


def _owned(model: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    for path, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            yield (f"{path}.{name}" if path else name), module, parameter


def _reason(
    name: str,
    owner: nn.Module,
    shape: tuple[int, ...],
    include: Sequence[str],
    exclude: Sequence[str],
) -> str | None:
    """Return why a parameter stays dense, or None when it is maskable."""
    if _matches(name, exclude):
        return "excluded by name"
    if len(shape) < 2:
        return "bias or vector"
    if _matches(name, include):
        return None
    if _is(owner, _NORMS):
        return "normalisation"
    if _is(owner, _EMBEDDINGS):
        return "embedding"
    if "bias" in name.rpartition(".")[2]:
        return "bias or vector"
    if not _is(owner, _LAYERS):
        return f"{type(owner).__name__} is no known kind of layer; include it by name"
    return None


def _is(owner: nn.Module, kinds: tuple[type, ...]) -> bool:
    return isinstance(owner, kinds)


def _matches(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _refuse_idle_globs(globs: Sequence[str], names: Sequence[str]) -> None:
    idle = [glob for glob in globs if not any(fnmatch.fnmatchcase(name, glob) for name in names)]
    if idle:
        hints = ", ".join(f"{glob!r}{nearest(glob, names)}" for glob in idle)
        raise ValueError(f"no parameter is named like {hints}; the model has {', '.join(names)}")


def _sides(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
