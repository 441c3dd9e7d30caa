"""One line that makes a user's own training loop sparse.

    sparsifier = attach(model, optimizer, RigL(density=0.1), total_steps=10_000)

Everything else hangs on the optimizer's public hooks: weights and optimizer slots are masked again
after every real optimizer step, topology updates follow on schedule, and steps that a gradient
scaler skips do not count. Where a method stores dense weights, the model holds the forward weights
between two steps, and the handle the stored ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sparse.module import Artifacts, Build, Loss, ModuleContext, ModuleLayer
from sparse.scaling import skips, unscale
from sparse.sparsifier import Sparsifier
from sparse.stats import layer_stats, realised_density, table
from sparse.stored import stored_weights_of
from sparse.targets import Excluded, bias_of, find_targets, reasons
from sparse.updates import TopologyUpdate


def attach(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    sparsifier: Sparsifier,
    *,
    total_steps: int | None = None,
    batches: Iterable[Any] | None = None,
    loss: Loss | None = None,
    artifacts: Artifacts | None = None,
    build: Build | None = None,
    partner: nn.Module | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    seed: int = 0,
) -> "Attached":
    """Make a model sparse now and keep it so while its optimizer steps.

    total_steps: optimizer steps of the whole run. gmp and granet need it; without it rigl, set and
    snfs update for ever with a constant drop fraction, and warn. A method that goes on from a later
    step (`first_step`) begins to count there.
    batches, loss: training batches and `loss(model, batch)`, a scalar mean; snip, iter_snip, force
    and grasp need both, also as allocations. synflow needs the batches alone, for an input's shape.
    Those that scoring takes are kept: every score begins with the first, from an iterator too.
    artifacts: state dicts of trained networks for the methods that begin with one, by the names in
    their cards: `{"final": trained.state_dict()}`. What is exactly zero in one counts as inactive.
    build: returns the model anew, with new initial weights, for the methods that begin with such;
    what it draws from torch's global generators is named by the seed.
    partner: the dense network whose layers say how much same_capacity keeps; it is only looked at.
    include, exclude: globs over parameter names, see `find_targets`.
    seed: names all random draws; the global generators are neither read nor moved.

    All maskable parameters must be in the optimizer, and none of them masked there by an earlier
    `attach` that is not detached (else ValueError). To resume, attach first and then load the
    states of model, optimizer and handle.
    """
    if sparsifier.narrowing() is not None:
        raise ValueError(
            f"{type(sparsifier).__name__} trains another network, which you build yourself: ask"
            " sparse.narrowed_widths or sparse.dense_widths for its widths, and train it as it is"
        )
    parameters = dict(model.named_parameters())
    found = find_targets(model, include=include, exclude=exclude)
    layers = [
        ModuleLayer(
            target.name,
            parameters[target.name],
            optimizer,
            bias=bias_of(target.name, parameters),
            transposed=target.transposed,
        )
        for target in found.targets
    ]
    _refuse_untrained(layers, optimizer)
    _refuse_attached(layers, optimizer)
    sparsifier.prepare(
        ModuleContext(
            layers,
            model=model,
            batches=batches,
            loss=loss,
            artifacts=artifacts,
            build=build,
            partner=None if partner is None else _shapes_of(partner, include, exclude),
            total_steps=total_steps,
            seed=seed,
        )
    )
    masked = [layer.parameter for layer in layers]
    group = _group_of(layers[0], optimizer)
    return Attached(optimizer, sparsifier, group, found.excluded, masked)


class Attached:
    """A sparsifier at work in a user's loop.

    group: number of the parameter group whose learning rate the sparsifier learns with.
    excluded: the parameters that stay dense.
    masked: the parameters that do not.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        sparsifier: Sparsifier,
        group: int = 0,
        excluded: Sequence[Excluded] = (),
        masked: Sequence[nn.Parameter] = (),
    ) -> None:
        self.sparsifier = sparsifier
        self.excluded = tuple(excluded)
        self.masked = tuple(masked)
        self._stored = stored_weights_of(sparsifier)
        self._group = group
        self.step = sparsifier.first_step
        self.last_update: TopologyUpdate | None = None
        self._skipped = False
        self._hooks = [
            optimizer.register_step_pre_hook(self._before_step),
            optimizer.register_step_post_hook(self._after_step),
        ]
        self._beside = _handles_on(optimizer)
        self._beside.append(self)
        self._show()

    @property
    def density(self) -> float:
        """Active over all maskable weights, counted in the masks."""
        return realised_density(layer_stats(self.sparsifier.layers))

    def report(self) -> str:
        """Return a table with the active weights of every layer, and what stays dense and why."""
        masked = table(layer_stats(self.sparsifier.layers))
        return "\n".join(filter(None, [masked, reasons(self.excluded)]))

    def masks(self) -> dict[str, Tensor]:
        """Return copies of the masks (bool) by parameter name."""
        return {layer.name: layer.mask.to(torch.bool) for layer in self.sparsifier.layers}

    def state_dict(self) -> dict[str, Any]:
        """Return step, masks and the method's state; loadable with `weights_only=True`.

        Weights that the method stores apart from the model's are in it.
        """
        return {
            "step": self.step,
            "masks": self.masks(),
            "sparsifier": self.sparsifier.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state_dict` was taken; load the model's and optimizer's states first."""
        self.sparsifier.load_state_dict(state["sparsifier"])
        for layer in self.sparsifier.layers:
            layer.mask.copy_(state["masks"][layer.name])
        self.sparsifier.apply_masks()
        self._show()
        self.step = int(state["step"])

    def detach(self) -> None:
        """Stop: the masks are no longer applied; the weights stay as they are.

        The model may be attached again afterwards.
        """
        for hook in self._hooks:
            hook.remove()
        if self in self._beside:
            self._beside.remove(self)
        self.sparsifier.finish()

    def _before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        wanted = self.sparsifier.wants_gradients(self.step + 1)
        # torch passes the optimizer itself first; what follows is a closure.
        closure = any(args[1:]) or kwargs.get("closure")
        if closure and (wanted or self._stored is not None):
            raise ValueError("the gradients must be there before step(): give it no closure")
        self._skipped = skips(optimizer)
        if self._skipped:
            return
        if wanted or self._stored is not None:
            unscale(optimizer)
        if wanted:
            self.sparsifier.after_backward(self.step + 1)
        if self._stored is not None:
            self._stored.before_step()

    def _after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self._skipped:
            return
        self.step += 1
        if self._stored is None:
            self.sparsifier.apply_masks()
        else:
            self._stored.after_step(float(optimizer.param_groups[self._group]["lr"]))
        if self.sparsifier.wants_update(self.step):
            self.last_update = self.sparsifier.after_step(self.step)
            self._show()

    def _show(self) -> None:
        if self._stored is not None:
            self._stored.show()


def _shapes_of(
    model: nn.Module, include: Sequence[str], exclude: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    targets = find_targets(model, include=include, exclude=exclude).targets
    return {target.name: target.shape for target in targets}


def _group_of(layer: ModuleLayer, optimizer: torch.optim.Optimizer) -> int:
    """Return the number of the parameter group that trains a layer."""
    members = [{id(item) for item in group["params"]} for group in optimizer.param_groups]
    return next(number for number, ids in enumerate(members) if id(layer.parameter) in ids)


def _refuse_untrained(layers: Sequence[ModuleLayer], optimizer: torch.optim.Optimizer) -> None:
    trained = {id(item) for group in optimizer.param_groups for item in group["params"]}
    left_out = [layer.name for layer in layers if id(layer.parameter) not in trained]
    if left_out:
        raise ValueError(
            f"maskable, but not in the optimizer: {', '.join(left_out)}; exclude them or train them"
        )


def _handles_on(optimizer: torch.optim.Optimizer) -> list[Attached]:
    """Return the handles that hang on an optimizer, kept by itself.

    Copies of an optimizer have neither this list nor the hooks.
    """
    handles: list[Attached] = vars(optimizer).setdefault("sparsesweep_handles", [])
    return handles


def _refuse_attached(layers: Sequence[ModuleLayer], optimizer: torch.optim.Optimizer) -> None:
    names = {id(layer.parameter): layer.name for layer in layers}
    for handle in _handles_on(optimizer):
        if both := [names[id(item)] for item in handle.masked if id(item) in names]:
            raise ValueError(
                f"already sparse with this optimizer: {', '.join(both)}, by"
                f" {type(handle.sparsifier).__name__}; detach() that handle first"
            )
