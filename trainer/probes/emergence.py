"""The probe ``emergence``: how early the masks of a run are what they are at its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparse.measures.agreement import Agreement, jaccard, kappa, layer_drift, layer_kappas, overlap
from sparse.measures.topology_distance import topology_distance
from sparse.options import option
from trainer.mask_history import Bits, MaskHistory, new_share
from trainer.probes import PROBES
from trainer.probes.base import Point, Probe, every_so_many
from trainer.probes.subject import Subject

PAIRS = {
    "epoch1_final": "after the first epoch and at the end",
    "init_final": "at the start and at the end",
    "init_epoch1": "at the start and after the first epoch",
}
"""Which masks are compared, by what the names of metrics end in."""

COMPARED = {
    "kappa": ("fraction", "higher", "agreement of the masks beyond chance within layers"),
    "overlap": ("fraction", "higher", "share of the first mask's weights in the second"),
    "jaccard": ("fraction", "higher", "weights in both masks over weights in either"),
    "layer_drift": ("fraction", "lower", "share of the active weights that changed their layer"),
    "nnstd": ("distance", "lower", "distance of the topologies, units matched, mean over layers"),
}
"""What each pair of masks is compared by: unit, better end, meaning."""

_NAMED = {0.0: "init", 1.0: "epoch1"}

_LOWEST, _HIGHEST = (f"kappa_epoch1_final_{end}_layer" for end in ("lowest", "highest"))

_OWN = {
    _LOWEST: ("fraction", "higher", "kappa_epoch1_final of the layer where it is lowest"),
    _HIGHEST: ("fraction", "higher", "kappa_epoch1_final of the layer where it is highest"),
    "settled_epoch": ("epochs", "lower", "since when kappa with the final masks is `settled`"),
    "churn_epoch1": ("fraction", "lower", "active weights that an update replaced, mean, epoch 1"),
    "explored_rate_epoch1": ("fraction", "higher", "weights ever active by the end of epoch 1"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EmergenceOptions:
    """When masks are kept, and what they are compared by."""

    every: int = option(
        1,
        ge=0,
        help="epochs between two masks that are kept; those of the start, of epoch 1 and of the end"
        " always are; 0: no others",
    )
    settled: float = option(
        0.5, gt=0, lt=1, help="kappa with the final masks from which masks count as settled"
    )
    layers: bool = option(False, help="give the curves of kappa by layer, too")
    nnstd: bool = option(
        False, help="compare topologies with matched units, too; chains of layers only"
    )
    fix_output: bool = option(
        True, only_with={"nnstd": True}, help="match the units of the last layer with themselves"
    )


def _metrics() -> Iterator[dict[str, str]]:
    for pair, when in PAIRS.items():
        for name, (unit, better, help) in COMPARED.items():
            text = f"{help}, {when}"
            yield {"name": f"{name}_{pair}", "unit": unit, "better": better, "help": text}
    for name, (unit, better, help) in _OWN.items():
        yield {"name": name, "unit": unit, "better": better, "help": help}


@PROBES.register(
    "emergence",
    summary="how early masks agree with the final ones: kappa, overlap, churn, explored rate",
    options=EmergenceOptions,
    metrics=list(_metrics()),
    models={"trait": "chain", "when": {"nnstd": True}},
)
class Emergence(Probe):
    """Masks at the start, after each update of the first epoch and at ends of epochs, compared.

    That structure is mostly determined after one epoch is a claim of Van Gelder et al. 2020 (arXiv
    2012.00172); how they measure it we have not seen, and the protocol is this project's. Masks
    that agree with the final ones because they never moved agree with the first ones as well.
    """

    options: EmergenceOptions

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._history = MaskHistory()
        self._ended = False

    def due(self, epoch: int, epochs: int) -> bool:
        """At the end of the first epoch, of every so many, and of the last."""
        return epoch == 1 or every_so_many(self.options.every, epoch, epochs)

    def due_at_start(self) -> bool:
        """Before the first step, to keep the first masks."""
        return True

    def sees_update(self, step: int, steps_per_epoch: int) -> bool:
        """After every update: what it replaced, and what was ever active."""
        return True

    def after_update(self, subject: Subject, step: int) -> None:
        """Note what an update did; in the first epoch, keep the masks."""
        bits = self._history.look(_masks(subject), updated=True)
        if step < subject.steps_per_epoch:
            self._history.keep(step / subject.steps_per_epoch, bits)

    def measure(self, subject: Subject) -> Mapping[str, float]:
        """Keep the masks, and compare them with the first."""
        history = self._history
        bits = history.look(_masks(subject))
        history.keep(float(subject.epoch), bits)
        self._ended = subject.final
        if len(history.times) == 1:
            return {}
        churn = history.take_churn()
        return {
            **self._curve_of("init", history.agreements(history.first, bits)),
            "explored_rate": history.explored_rate,
            **({} if churn is None else {"churn": churn}),
        }

    def curves(self, points: Sequence[Point]) -> Sequence[Point]:
        """All points, with what moved since the one before, and how masks agree with final ones."""
        measured, before, found = dict(points), self._history.first, list[Point]()
        for time, bits in self._history:
            if time in measured:
                values = {**measured[int(time)], "moved": new_share(before, bits)}
                if self._ended:
                    layers = self._history.agreements(bits, self._history.last)
                    values |= self._curve_of("final", layers)
                found.append((int(time), values))
                before = bits
        return found

    def summarise(self, points: Sequence[Point]) -> Mapping[str, float]:
        """What the first, the first epoch's and the last masks have in common, and since when."""
        history, found = self._history, dict[str, float]()
        moments = {"init": None, "epoch1": None, "final": history.last}
        moments |= {_NAMED[time]: bits for time, bits in history if time in _NAMED}
        for pair in PAIRS:
            first, second = (moments[moment] for moment in pair.split("_"))
            if first is not None and second is not None:
                found |= self._pair(pair, first, second)
        kappas = [(t, kappa(history.agreements(bits, history.last))) for t, bits in history]
        found["settled_epoch"] = settled_since(kappas, self.options.settled)
        early = dict(points).get(1, {})
        names = ("churn", "explored_rate")
        return found | {f"{name}_epoch1": early[name] for name in names if name in early}

    def state(self) -> dict[str, Any]:
        """The history of the masks."""
        return self._history.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Put back what :meth:`state` returned."""
        self._history.load_state(state)

    def _pair(self, pair: str, first: Bits, second: Bits) -> dict[str, float]:
        layers = self._history.agreements(first, second)
        found = _known(
            {
                f"overlap_{pair}": overlap(layers),
                f"jaccard_{pair}": jaccard(layers),
                f"layer_drift_{pair}": layer_drift(layers),
                f"kappa_{pair}": kappa(layers),
            }
        )
        each = layer_kappas(layers)
        if pair == "epoch1_final" and each:
            found |= {_LOWEST: min(each), _HIGHEST: max(each)}
        if self.options.nnstd:
            masks = (self._history.masks(bits) for bits in (first, second))
            distance = topology_distance(*masks, fix_output=self.options.fix_output)
            found[f"nnstd_{pair}"] = distance.network
        return found

    def _curve_of(self, end: str, layers: Sequence[Agreement]) -> dict[str, float]:
        values = {f"kappa_{end}": kappa(layers), f"overlap_{end}": overlap(layers)}
        values[f"layer_drift_{end}"] = layer_drift(layers)
        if self.options.layers:
            names = self._history.shapes
            values |= {
                f"kappa_{end}.{n}": kappa([one]) for n, one in zip(names, layers, strict=True)
            }
        return _known(values)


def settled_since(kappas: Sequence[tuple[float, float | None]], level: float) -> float:
    """The earliest time from which kappa is at least a level, and never below it again.

    Args:
        kappas: with the last masks, by time, ascending; None where no other masks are possible.
        level: a kappa.
    """
    since = kappas[-1][0]
    for time, value in reversed(kappas):
        if value is not None and value < level:
            break
        since = time
    return since


def _known(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}


def _masks(subject: Subject) -> dict[str, Any]:
    return {layer.name: layer.mask for layer in subject.layers}
