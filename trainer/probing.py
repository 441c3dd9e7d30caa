"""The probes of one cell while it trains: when they are due, what they found."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grids.probe_texts import canonical, probe_name
from sparse.options import build_options
from trainer.data.bundle import Bundle
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe, Subject


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

    @property
    def covered(self) -> tuple[str, ...]:
        """The canonical text of each probe, sorted: what a record says that it holds."""
        return tuple(sorted(self._probes))

    def refuse_unfit(self, bundle: Bundle) -> None:
        """Refuse, before anything is trained, data that a probe cannot measure on.

        Raises:
            ValueError: naming a probe that takes pixels, where inputs are standardised already.
        """
        for text in self._probes:
            name = probe_name(text)
            if PROBES.get(name).traits["needs_pixels"] and bundle.normalise is None:
                raise ValueError(
                    f"probe {name} takes pixels, and this cell's inputs are standardised already;"
                    " use a dataset of bytes, or a scenario or augmentation on images"
                )

    def due(self, epoch: int, epochs: int) -> list[str]:
        """The canonical texts of the probes that are due at the end of an epoch."""
        return [text for text, probe in self._probes.items() if probe.due(epoch, epochs)]

    def measure(self, text: str, subject: Subject) -> None:
        """Let a probe measure, and keep the point."""
        found = self._probes[text].measure(subject)
        values = {key: float(value) for key, value in found.items()}
        self._points[text].append((subject.epoch, values))

    def curves(self, epochs: Sequence[float]) -> dict[str, list[float | None]]:
        """What was measured, as columns with an entry per epoch; ``None`` where nothing was."""
        rows = {epoch: row for row, epoch in enumerate(epochs)}
        columns: dict[str, list[float | None]] = {}
        for epoch, values in (point for points in self._points.values() for point in points):
            for key, value in values.items():
                columns.setdefault(key, [None] * len(rows))[rows[epoch]] = value
        return columns

    def metrics(self) -> dict[str, float]:
        """The final metrics of all probes."""
        found: dict[str, float] = {}
        for text, points in self._points.items():
            if points:
                found |= self._probes[text].summarise(points)
        return found

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps: points by the canonical text of their probe."""
        return {text: [[at, dict(v)] for at, v in points] for text, points in self._points.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what ``state`` returned, of these probes at least."""
        self._points = {text: [(at, v) for at, v in state[text]] for text in self._probes}


def has_measured(state: Mapping[str, Any], asked: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a cell that goes on from a saved state has measured what is asked of it so far."""
    return {canonical(one) for one in asked} <= state["run"]["probes"].keys()


def _make(asked: Mapping[str, Any]) -> Probe:
    entry = PROBES.get(asked["name"])
    assert entry.options is not None
    given = {name: value for name, value in asked.items() if name != "name"}
    options: Any = build_options(entry.options, given, f"probe {entry.name}")
    probe: Probe = entry.target(options)
    return probe
