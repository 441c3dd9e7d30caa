"""A module in a user's own loop, as a sparsifier sees it: its layers and its context."""

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import torch
from torch import Tensor, nn

from sparse.optim_state import parameter_slots
from sparse.scoring.flow import divided_outputs, flow

Loss = Callable[[nn.Module, Any], Tensor]
Artifacts = Mapping[str, Mapping[str, Tensor]]
Build = Callable[[], nn.Module]

_WANTED = "loss(model, batch) must return a scalar tensor"


class ModuleLayer:
    """One parameter of a module as a sparsifier's layer; the mask follows its device and type."""

    def __init__(
        self,
        name: str,
        parameter: nn.Parameter,
        optimizer: torch.optim.Optimizer,
        bias: nn.Parameter | None = None,
        *,
        transposed: bool = False,
    ) -> None:
        self.name = name
        self.transposed = transposed
        self.parameter = parameter
        self._bias = bias
        self._optimizer = optimizer
        self._mask = torch.ones_like(parameter, requires_grad=False)

    @property
    def weight(self) -> Tensor:
        """The parameter without its graph."""
        return self.parameter.detach()

    @property
    def mask(self) -> Tensor:
        """1 where the weight is active, 0 where not."""
        self._mask = self._mask.to(self.parameter.detach())
        return self._mask

    @property
    def gradient(self) -> Tensor | None:
        """The parameter's gradient."""
        return self.parameter.grad

    def slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the parameter's shape."""
        return parameter_slots(self._optimizer, self.parameter)

    @property
    def bias(self) -> Tensor | None:
        """The bias that the module keeps beside the parameter, without its graph."""
        return None if self._bias is None else self._bias.detach()

    def bias_slots(self) -> Mapping[str, Tensor]:
        """Return the optimizer's tensors of the bias's shape."""
        return {} if self._bias is None else parameter_slots(self._optimizer, self._bias)


class ModuleContext:
    """A module in a user's own loop as a sparsifier's context."""

    steps_per_epoch = None

    def __init__(
        self,
        layers: Sequence[ModuleLayer],
        *,
        model: nn.Module,
        batches: Iterable[Any] | None = None,
        loss: Loss | None = None,
        artifacts: Artifacts | None = None,
        build: Build | None = None,
        partner: Mapping[str, tuple[int, ...]] | None = None,
        total_steps: int | None = None,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.total_steps = total_steps
        self._batches = batches
        self._pulled: list[Any] = []
        self._model = model
        self._loss = loss
        self._artifacts = {} if artifacts is None else artifacts
        self._build = build
        self._partner = partner
        self._seed = seed

    def generator(self, purpose: str, index: int = 0) -> torch.Generator:
        """Return a fresh CPU generator named by (seed, purpose, index)."""
        return torch.Generator().manual_seed(self._named_seed(purpose, index))

    def scoring_batches(self, count: int) -> Iterable[Any]:
        """Return the first batches that `attach` was given, the same ones whenever it is asked.

        Too few are a ValueError.
        """
        if self._batches is None or self._loss is None:
            raise ValueError("scores are made with training batches: give batches= and loss=")
        taken = self._first(count)
        if len(taken) < count:
            raise ValueError(
                f"batches= has {len(taken)} of the {count} batches that are needed"
                " (rounds x batches, where a method has rounds)"
            )
        return taken

    def loss(
        self,
        batch: Any,
        weights: Mapping[str, Tensor] | None = None,
        *,
        temperature: float = 1.0,
        twice: bool = False,
    ) -> Tensor:
        """Return the user's loss in the model's current mode; its buffers are left as they are.

        A temperature divides every output of the model that the loss asks for. What it draws, as
        dropout does, is the same in every call, and moves no global generator. Nothing is counted
        here, so `twice` changes nothing. A loss that cannot be called so, or returns anything but
        one number in a tensor, is a ValueError.
        """
        if self._loss is None:
            raise ValueError("this method needs the loss: give loss=")
        wrapped = _LossOf(self._model, self._loss)
        copies = {name: buffer.clone() for name, buffer in self._model.named_buffers()}
        stand_ins = {
            f"model.{name}": tensor for name, tensor in {**copies, **(weights or {})}.items()
        }
        with self._named_draws("forward"), divided_outputs(self._model, temperature):
            return _scalar(torch.func.functional_call(wrapped, stand_ins, (batch,)))

    def flow(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Return SynFlow's objective for an input shaped like one of the first batch's."""
        return flow(self._model, self._example(), weights)

    def shapes_at(self, width: Decimal) -> Mapping[str, tuple[int, ...]]:
        """Return the shapes of the model's layers at width 1, and those of the partner below it.

        How a module is built at other widths nobody knows here: a partner that `attach` was not
        given, or one of another width, is a ValueError.
        """
        if width == 1:
            return {layer.name: tuple(layer.weight.shape) for layer in self.layers}
        if self._partner is None:
            raise ValueError(
                f"the layers of the dense network at width {width} decide what is kept: build it,"
                " and give partner= that network"
            )
        _refuse_other_width(self.layers, self._partner, width)
        return self._partner

    def extra_params(self) -> int:
        """Return the model's parameters without those of its layers."""
        whole = sum(parameter.numel() for parameter in self._model.parameters())
        return whole - sum(layer.weight.numel() for layer in self.layers)

    def artifact(self, name: str) -> Mapping[str, Tensor]:
        """Return a state dict that `attach` was given; a missing one is a ValueError."""
        if name not in self._artifacts:
            given = ", ".join(self._artifacts) or "none"
            raise ValueError(
                f"this method needs a trained network: give artifacts={{{name!r}: its state_dict}};"
                f" given: {given}"
            )
        return self._artifacts[name]

    def artifact_masks(self, name: str) -> Mapping[str, Tensor]:
        """Return where the weights of a given state dict are not zero."""
        weights = self.artifact(name)
        return {layer.name: weights[layer.name] != 0 for layer in self.layers}

    def initial_weights(self, seed: int | None = None) -> Mapping[str, Tensor]:
        """Return copies of what the model holds now; another seed is a ValueError."""
        if seed is not None:
            raise ValueError(
                f"the initial weights of seed {seed} are not known here: load them into the model"
                " before you attach, and leave the seed out"
            )
        return {name: tensor.clone() for name, tensor in self._model.state_dict().items()}

    def fresh_weights(self, purpose: str, index: int = 0) -> Mapping[str, Tensor]:
        """Return what the user's `build` draws; it is asked on the CPU's global generator.

        Without `build`, or where it builds another model, a ValueError.
        """
        if self._build is None:
            raise ValueError(
                "this start needs new initial weights: give build=, a function of"
                " nothing that returns the model anew"
            )
        with self._named_draws(purpose, index):
            fresh = self._build().state_dict()
        shapes = {name: tensor.shape for name, tensor in self._model.state_dict().items()}
        if {name: tensor.shape for name, tensor in fresh.items()} != shapes:
            raise ValueError("build= returns a model of other parameters than the one attached")
        return fresh

    @torch.no_grad()
    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Copy parameters and buffers into the model."""
        self._model.load_state_dict(weights)

    def _example(self) -> Tensor:
        """Return the first example of the first batch."""
        first = next(iter(self._first(1)), None)
        inputs = first[0] if isinstance(first, tuple | list) and first else first
        if not isinstance(inputs, Tensor) or not inputs.ndim:
            raise ValueError(
                "scores need the shape of an input: give batches= whose first batch is a"
                " tensor of inputs, or a tuple that begins with one"
            )
        return inputs[:1]

    def _first(self, count: int) -> list[Any]:
        """Return the first batches, at most `count`; those that are not there yet are pulled."""
        missing = count - len(self._pulled)
        if missing > 0 and self._batches is not None:
            # An iterator goes on where it was left; anything else begins again.
            known = 0 if isinstance(self._batches, Iterator) else len(self._pulled)
            self._pulled += itertools.islice(self._batches, known, known + missing)
        return self._pulled[:count]

    def _named_seed(self, purpose: str, index: int = 0) -> int:
        text = f"{self._seed}/{purpose}/{index}".encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1

    @contextlib.contextmanager
    def _named_draws(self, purpose: str, index: int = 0) -> Iterator[None]:
        """Let code that draws from the global generators draw from those of this name."""
        seed = self._named_seed(purpose, index)
        devices = {weight.device for weight in self._model.parameters() if weight.is_cuda}
        with torch.random.fork_rng(devices, device_type="cuda"):
            # torch.manual_seed would move the generators of all other devices as well.
            torch.default_generator.manual_seed(seed)
            for device in devices:
                torch.cuda.default_generators[device.index].manual_seed(seed)
            yield


class _LossOf(nn.Module):
    """The user's loss as a module, so that weights can stand in for the model's own."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, batch: Any) -> Any:
        try:
            return self._loss(self.model, batch)
        except TypeError as problem:
            raise ValueError(f"loss= raised {problem!r}; {_WANTED}") from problem


def _refuse_other_width(
    layers: Sequence[ModuleLayer], partner: Mapping[str, tuple[int, ...]], width: Decimal
) -> None:
    """Raise a ValueError where a partner has not this share of the units.

    A unit more or less, or a tenth, is left to how its builder rounds. What is no width, as the
    number of classes, stays as it is; that is not so of all layers.
    """
    pairs = [
        (layer.name, layer.weight.shape[layer.transposed], partner[layer.name][layer.transposed])
        for layer in layers
        if layer.name in partner
    ]
    scaled = [(name, units, own) for name, units, own in pairs if own != units]
    for name, units, own in scaled or pairs:
        wanted = float(width) * units
        if abs(own - wanted) > max(1, wanted / 10):
            raise ValueError(
                f"width {width} of {units} units is {wanted:g}, but partner= has {own} in {name}:"
                " give the width of that network as a share of the model's"
            )


def _scalar(result: Any) -> Tensor:
    if not isinstance(result, Tensor):
        raise ValueError(f"loss= returned {type(result).__name__}; {_WANTED}")
    if result.numel() != 1:
        raise ValueError(f"loss= returned a tensor of shape {tuple(result.shape)}; {_WANTED}")
    return result
