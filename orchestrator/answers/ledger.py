"""The cost ledger of a grid: hours of devices, energy, and what became of them.

Every attempt at a cell of the grid, or at one that its cells need, is counted once, whoever asked
for it: what failed, and what other results replaced, was paid for too. Times are those that records
charge. A worker that was lost left no record, and no time of it is counted.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.store.index import CellState, load_index
from orchestrator.store.index_part import IndexEntry
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import Submission
from orchestrator.watching.outturn import (
    CPU,
    Outturn,
    device_hours,
    gpus_of,
    outturn,
    seconds_between,
)
from orchestrator.worker.spending import hours_of_budget

_JOULES_PER_KWH = 3.6e6

_OUTCOMES = ("answers", "superseded", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What some attempts took.

    Attributes:
        attempts: How many they are.
        device_hours: Hours of the devices that they held: GPUs, and workers where there were none.
        gpu_hours: Wall hours times GPUs, or the fraction of one.
        worker_hours: Wall hours of the workers.
        core_hours: Processor time of those on a CPU.
        energy_kwh: Energy of those of which the device told it; None where it told of none.
        energy_attempts: How many these are.
    """

    attempts: int
    device_hours: float
    gpu_hours: float
    worker_hours: float
    core_hours: float
    energy_kwh: float | None
    energy_attempts: int

    def co2_kg(self, intensity: float) -> float | None:
        """What its known energy comes to in kg of CO2e; None where none is known.

        Args:
            intensity: kg of CO2e for each kWh of the electricity that was used.
        """
        return None if self.energy_kwh is None else self.energy_kwh * intensity


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """What the cells of a grid took.

    Attributes:
        grid: Its name.
        cells: Cells of the grid, and those that they need.
        trained: How many of them somebody attempted.
        total: All attempts at them.
        parts: The same by "outcome", "method", "device" and "host": what each is, by name, the
            dearest first (outcomes: answers, superseded, failed).
        wall_hours: Clock time in which at least one of the attempts went on.
        shared_cells: Cells that answer here, and were trained for another grid.
        shared: The answering attempts at these: this grid was spared them.
        outturn: What its last submission took, beside its forecast.
        budget_hours: Device-hours that its last submission may use; None for any number.
        used_hours: Those that its workers held, starts included; None where nothing bounds them.
        notes: What to know of the figures.
    """

    grid: str
    cells: int
    trained: int
    total: Spent
    parts: Mapping[str, Mapping[str, Spent]]
    wall_hours: float
    shared_cells: int
    shared: Spent
    outturn: Outturn
    budget_hours: float | None
    used_hours: float | None
    notes: tuple[str, ...]

    def plain(self, carbon: float | None = None) -> dict[str, Any]:
        """All of it as plain data; with kg of CO2e where an intensity in kg/kWh is given."""
        content = asdict(self)
        if carbon is not None:
            content["carbon_kg_per_kwh"] = carbon
            content["co2_kg"] = self.total.co2_kg(carbon)
        return content


def ledger(
    store: Store, submission: Submission, index: Mapping[str, CellState] | None = None
) -> Ledger:
    """The ledger of a grid.

    Args:
        store: Where its attempts left their records.
        submission: Its last submission: whose cells, and which of them were trained for it.
        index: What the store holds, where that was read already.
    """
    known = load_index(store) if index is None else index
    wanted = dict.fromkeys((*ids_of(submission.cells), *ids_of(submission.producers)))
    states = [known[cell] for cell in wanted if cell in known]
    entries = [entry for state in states for entry in state.entries]
    answering = [state.answer for state in states if state.completed]
    shared = [entry for entry in answering if entry.grid not in (None, submission.grid)]
    total = _spent(entries)
    return Ledger(
        grid=submission.grid,
        cells=len(wanted),
        trained=len(states),
        total=total,
        parts=_parts(states, entries),
        wall_hours=_covered_seconds(entries) / 3600.0,
        shared_cells=len(shared),
        shared=_spent(shared),
        outturn=outturn(submission, known),
        budget_hours=submission.max_device_hours,
        used_hours=hours_of_budget(store, submission),
        notes=tuple(_notes(entries, total)),
    )


def _parts(
    states: Sequence[CellState], entries: Sequence[IndexEntry]
) -> dict[str, dict[str, Spent]]:
    methods = {state.cell: _method(state) for state in states}
    outcomes = {
        (entry.cell, entry.attempt): _outcome(entry, state)
        for state in states
        for entry in state.entries
    }
    found = _grouped(entries, lambda entry: outcomes[entry.cell, entry.attempt])
    return {
        "outcome": {name: found[name] for name in _OUTCOMES if name in found},
        "method": _grouped(entries, lambda entry: methods[entry.cell]),
        "device": _grouped(entries, lambda entry: entry.device or "unknown"),
        "host": _grouped(entries, lambda entry: entry.host or "unknown"),
    }


def _grouped(
    entries: Iterable[IndexEntry], name_of: Callable[[IndexEntry], str]
) -> dict[str, Spent]:
    groups: dict[str, list[IndexEntry]] = {}
    for entry in entries:
        groups.setdefault(name_of(entry), []).append(entry)
    spent = {name: _spent(own) for name, own in groups.items()}
    return dict(sorted(spent.items(), key=lambda pair: (-pair[1].device_hours, pair[0])))


def _spent(entries: Sequence[IndexEntry]) -> Spent:
    told = [entry.energy_j for entry in entries if entry.energy_j is not None]
    on_cpu = [entry for entry in entries if entry.device == CPU]
    return Spent(
        attempts=len(entries),
        device_hours=sum(map(device_hours, entries)),
        gpu_hours=sum(gpus_of(entry) * (entry.seconds or 0.0) for entry in entries) / 3600.0,
        worker_hours=sum(entry.seconds or 0.0 for entry in entries) / 3600.0,
        core_hours=sum(entry.device_seconds or 0.0 for entry in on_cpu) / 3600.0,
        energy_kwh=sum(told) / _JOULES_PER_KWH if told else None,
        energy_attempts=len(told),
    )


def _method(state: CellState) -> str:
    method = json.loads(state.text)["method"]
    return str(method if isinstance(method, str) else method["name"])


def _outcome(entry: IndexEntry, state: CellState) -> str:
    if entry.attempt in state.standing:
        return "answers"
    return "superseded" if entry.attempt in state.completions else "failed"


def _covered_seconds(entries: Iterable[IndexEntry]) -> float:
    """Seconds that lie in at least one of the attempts."""
    covered, until = 0.0, ""
    for start, end in sorted({(entry.started_at, entry.finished_at) for entry in entries}):
        if end > until:
            covered += seconds_between(max(start, until), end)
            until = end
    return covered


def _notes(entries: Sequence[IndexEntry], total: Spent) -> Iterable[str]:
    if total.energy_attempts < total.attempts:
        untold = total.attempts - total.energy_attempts
        yield f"energy: the device told of {total.energy_attempts} attempts, not of {untold}"
    assumed = sum(entry.gpus is None and gpus_of(entry) > 0 for entry in entries)
    if assumed:
        yield f"{assumed} attempts do not tell how many GPUs they held: counted as one each"
