"""The probes of one cell while it trains: when they are due, what they found."""

import dataclasses
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from grids.probe_texts import canonical, probe_name, probe_phase
from grids.traits import holds
from trainer.metrics import CURVE_COLUMNS, METRICS, joined, split_metrics
from trainer.models import works_on
from trainer.probes import PROBES
from trainer.probes.base import Conditions, Point, Probe
from trainer.probes.subject import Subject


class UnfitProbe(ValueError):
    """A cell that a probe cannot measure, found before it trains.

    Args:
        text: the canonical text of the probe.
        problem: what does not fit, naming the probe.

    Attributes:
        phase: the phase of the cell's failure, as for a probe that breaks later.
    """

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(problem)
        self.phase = probe_phase(text)


class Probing:
    """The probes of one cell.

    Args:
        asked: mappings with the name of a probe under ``"name"``, beside the options that differ
            from their defaults.

    Raises:
        ValueError: for a probe or an option that does not exist.
    """

    def __init__(self, asked: Iterable[Mapping[str, Any]]) -> None:
        self._probes = {canonical(one): _make(one) for one in asked}
        self._points: dict[str, list[Point]] = {text: [] for text in self._probes}
        self._metrics: dict[str, dict[str, float]] = {}

    @property
    def covered(self) -> tuple[str, ...]:
        """The canonical text of each probe, sorted: what a record says that it holds."""
        return tuple(sorted(self._probes))

    def refuse_unfit(self, conditions: Conditions) -> None:
        """Refuse, before anything is trained, a cell that a probe cannot measure.

        Raises:
            UnfitProbe: naming a probe that takes pixels, where inputs are standardised already, or
                dense weights, where there are none; one that does not fit for a reason of its own;
                or one with a metric of another.
        """
        taken = [metric["name"] for metric in METRICS]
        taken += [name for split in conditions.extra_splits for name in split_metrics(split)]
        for text, probe in self._probes.items():
            name = probe_name(text)
            _refuse_by_traits(text, probe, conditions)
            try:
                probe.refuse_unfit(conditions)
            except ValueError as error:
                raise UnfitProbe(text, f"probe {name}: {error}") from error
            declared = _declared(name)
            if twice := sorted(declared.intersection(taken)):
                problem = f"probe {name}: metric {twice[0]} is given by something else"
                raise UnfitProbe(text, problem)
            taken += declared

    def due(self, epoch: int, epochs: int) -> list[str]:
        """The canonical texts of the probes due at the end of an epoch; 0 is the start."""
        return [
            text
            for text, probe in self._probes.items()
            if (probe.due(epoch, epochs) if epoch else probe.due_at_start())
        ]

    def seeing_update(self, step: int, steps_per_epoch: int) -> list[str]:
        """The canonical texts of the probes that look at a topology update after this step."""
        return [t for t, probe in self._probes.items() if probe.sees_update(step, steps_per_epoch)]

    def after_update(self, text: str, subject: Subject, step: int) -> None:
        """Let a probe look at the cell after a topology update."""
        self._probes[text].after_update(subject, step)

    def measure(self, text: str, subject: Subject) -> None:
        """Let a probe measure, and keep the point.

        Raises:
            ValueError: for a name that is a column of every curve, or that another probe gives.
        """
        found = self._probes[text].measure(subject)
        values = {key: float(value) for key, value in found.items()}
        if twice := sorted(values.keys() & self._columns_beside(text)):
            raise ValueError(
                f"probe {probe_name(text)}: curve {twice[0]} is given by something else"
            )
        self._points[text].append((subject.epoch, values))

    def summarise(self, text: str) -> None:
        """Let a probe make its final metrics of its points, if it has any.

        Raises:
            ValueError: for a metric that its registration does not list.
        """
        if not self._points[text]:
            return
        name, found = probe_name(text), self._probes[text].summarise(self._points[text])
        if undeclared := sorted(found.keys() - _declared(name)):
            raise ValueError(f"probe {name}: metric {undeclared[0]} is not in its registration")
        self._metrics[text] = {key: float(value) for key, value in found.items()}

    def curves(self, epochs: Sequence[float]) -> dict[str, list[float | None]]:
        """What was measured, as columns with an entry per epoch; ``None`` where nothing was."""
        rows = {epoch: row for row, epoch in enumerate(epochs)}
        columns: dict[str, list[float | None]] = {}
        for epoch, values in self._shown(rows):
            for key, value in values.items():
                columns.setdefault(key, [None] * len(rows))[rows[epoch]] = value
        return columns

    def metrics(self) -> dict[str, float]:
        """The final metrics of all probes that :meth:`summarise` was called for."""
        return joined(*self._metrics.values())

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: points and own state, by the canonical text of the probe."""
        return {
            text: {
                "points": [[at, dict(values)] for at, values in self._points[text]],
                "own": probe.state(),
            }
            for text, probe in self._probes.items()
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what ``state`` returned, of these probes at least."""
        for text, probe in self._probes.items():
            self._points[text] = [(at, values) for at, values in state[text]["points"]]
            probe.load_state(state[text]["own"])

    def _shown(self, epochs: Container[float]) -> Iterator[Point]:
        for text, probe in self._probes.items():
            points = self._points[text]
            for epoch, values in probe.curves(points) if points else ():
                if epoch in epochs:
                    yield epoch, values

    def _columns_beside(self, text: str) -> set[str]:
        others = (points for other, points in self._points.items() if other != text)
        return {*CURVE_COLUMNS, *(key for points in others for _, v in points for key in v)}


def has_measured(state: Mapping[str, Any], asked: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a cell that goes on from a saved state has measured what is asked of it so far."""
    return {canonical(one) for one in asked} <= state["run"]["probes"].keys()


def _refuse_by_traits(text: str, probe: Probe, conditions: Conditions) -> None:
    name, storage = probe_name(text), conditions.storage
    traits = PROBES.get(name).traits
    if traits["needs_pixels"] and not conditions.pixels:
        raise UnfitProbe(
            text,
            f"probe {name} takes pixels, and this cell's inputs are standardised already;"
            " use a dataset of bytes, or a scenario or augmentation on images",
        )
    if storage not in traits["storages"]:
        raise UnfitProbe(
            text,
            f"probe {name} looks at dense weights, and this cell has none: recipe.storage is"
            f" {storage}; allowed: {', '.join(traits['storages'])}",
        )
    rule, cell = traits.get("models"), conditions.cell
    if rule and holds(rule, dataclasses.asdict(probe.options)) and not works_on(rule, cell):
        allowed = f"the trait {rule['trait']}" if "trait" in rule else ", ".join(rule["names"])
        problem = f"probe {name} does not work on model {cell.model}; allowed: {allowed}"
        raise UnfitProbe(text, problem)


def _declared(name: str) -> set[str]:
    return {metric["name"] for metric in PROBES.get(name).traits["metrics"]}


def _make(asked: Mapping[str, Any]) -> Probe:
    given = {name: value for name, value in asked.items() if name != "name"}
    probe: Probe = PROBES.get(asked["name"]).build(given)
    return probe
