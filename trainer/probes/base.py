"""The contract of a probe; what it sees of a cell is in :mod:`trainer.probes.subject`.

Whatever a probe does with what it is given, the cell trains to the same bits: all that it can
change is a copy. What it raises fails its cell, and no other: a result without the measurement that
was asked for would look whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.cell import Cell
from trainer.attacks import Attack
from trainer.probes.subject import Subject
from trainer.workload import Workload

Point = tuple[int, Mapping[str, float]]
"""An epoch, and what was measured at its end; 0 for before the first step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """What is known of a cell before it trains: whether a probe fits it.

    Attributes:
        cell: the cell.
        classes: how many its data have.
        input_shape: shape of one example.
        pixels: whether inputs are pixels, which the network standardises itself.
        extra_splits: names of the splits that are evaluated besides train, val and test.
        attack: on every training batch; ``None`` without.
    """

    cell: Cell
    classes: int
    input_shape: tuple[int, ...]
    pixels: bool
    extra_splits: tuple[str, ...] = ()
    attack: Attack | None = None

    @property
    def storage(self) -> str:
        """How the cell's weights are stored: "masked", dense with zeros, or "csr"."""
        return str(self.cell.settings().get("storage", "masked"))

    @classmethod
    def of(cls, cell: Cell, workload: Workload) -> "Conditions":
        """Those of a cell with this workload."""
        bundle = workload.bundle
        return cls(
            cell=cell,
            classes=bundle.classes,
            input_shape=bundle.input_shape,
            pixels=bundle.normalise is not None,
            extra_splits=tuple(bundle.extra),
            attack=workload.scenario.attack,
        )


def every_so_many(every: int, epoch: int, epochs: int) -> bool:
    """Whether a probe that measures every so many epochs does so at the end of this one.

    Args:
        every: epochs between two measurements; 0 for none before the end.
        epoch: from 1.
        epochs: of the run; the last is always measured.
    """
    return epoch == epochs or (every > 0 and epoch % every == 0)


class Probe:
    """A measurement: it looks at a cell through a :class:`Subject`.

    One object serves one cell.

    Args:
        options: the probe's, checked.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    def refuse_unfit(self, conditions: Conditions) -> None:
        """Refuse a cell that it cannot measure, before anything is trained; by default none.

        Raises:
            ValueError: saying what does not fit. The probe is named in front of it.
        """

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether to measure at the end of this epoch (from 1); by default at the last."""
        return epoch == epochs

    def due_at_start(self) -> bool:
        """Whether to measure before the first step, too; by default not.

        The subject's epoch is then 0. Such a point is for :meth:`summarise`: curves have no row of
        an epoch 0.
        """
        return False

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """What is measured now, by name: a point of curves of these names.

        Names are its own: no column that every curve has, and none of another probe. Gradients are
        switched off meanwhile: :meth:`Subject.input_gradients` gives those of inputs,
        :meth:`Subject.weight_gradients` those of weights; others take ``torch.enable_grad()`` and
        the parameters of :meth:`Subject.network`.
        """
        raise NotImplementedError

    def sees_update(self, step: int, steps_per_epoch: int) -> bool:
        """Whether :meth:`after_update` is wanted after this step, a pure function of it; never."""
        return False

    def after_update(self, subject: Subject, step: int) -> None:
        """Look at the cell after a topology update: masks have moved, nothing is trained yet."""

    def curves(self, points: Sequence[Point]) -> Sequence[Point]:
        """What curves show of all points in order, once training has ended; by default them."""
        return points

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """The final metrics from all points in order; by default the last point.

        All of them are among those that the probe's registration lists.
        """
        return points[-1][1]

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps besides the points: tensors, plain data; by default nothing."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what :meth:`state` returned."""
