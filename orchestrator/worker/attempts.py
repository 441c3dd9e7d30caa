"""One attempt at a pack while it lasts, and the record that it leaves of every cell."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.probe_texts import canonical, plain_probe
from grids.probes import metrics_of_probe
from orchestrator import provenance
from orchestrator.environment import EXACT, explain
from orchestrator.store import measured
from orchestrator.store.artifacts import Artifact, described
from orchestrator.store.layout import Store
from orchestrator.store.records import Record, timestamp
from orchestrator.submissions.manifest import Manifest
from orchestrator.worker.deadline import Deadline
from orchestrator.worker.failures import signature_of
from orchestrator.worker.heartbeat import Heart
from orchestrator.worker.repeating import Earlier, settled

if TYPE_CHECKING:
    from trainer.outcome import Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt at a pack.

    Attributes:
        store: Where it leaves its records.
        manifest: The pack.
        id: Id of the attempt.
        cells: What it trains.
        heart: Tells the store how far it is.
        deadline: When it must have ended.
        inputs: Cell id to the artifacts that the cell begins with, by name.
        earlier: Cell id to its earlier results, for the cells that have some.
    """

    store: Store
    manifest: Manifest
    id: str
    cells: Sequence[Cell]
    heart: Heart
    deadline: Deadline
    inputs: Mapping[str, Mapping[str, Artifact]] = field(default_factory=dict)
    earlier: Mapping[str, Earlier] = field(default_factory=dict)

    def record(
        self, outcome: "Outcome", *, catalogue: Catalogue, worker: Mapping[str, Any]
    ) -> Record:
        """The record of a finished cell.

        Args:
            outcome: What became of the cell.
            catalogue: Where the defaults of its fields stand.
            worker: The columns that are the same for all cells of a worker, from `worker_columns`.
        """
        cell = outcome.cell
        record = Record(
            cell=cell.id,
            attempt=self.id,
            state=outcome.state,
            canonical=cell.canonical(),
            fields=catalogue.fields(cell),
            started_at=timestamp(outcome.started_at),
            finished_at=timestamp(outcome.finished_at),
            metrics=outcome.metrics,
            layers=outcome.layers,
            curve=bool(outcome.curve),
            error=_described(outcome.error),
            supersedes=self.manifest.supersedes.get(cell.id, ()),
            provenance={**worker, **self._provenance(outcome, catalogue)},
        )
        earlier = self.earlier.get(cell.id)
        return _signed(record if earlier is None else settled(record, earlier))

    def _provenance(self, outcome: "Outcome", catalogue: Catalogue) -> dict[str, Any]:
        settings = outcome.cell.settings()
        inputs = self.inputs.get(outcome.cell.id, {})
        return {
            "device": outcome.device,
            "engine": outcome.engine,
            "stack_width": outcome.stack_width,
            "tier": settings["tier"],
            "threads": settings["threads"],
            "backend": self.manifest.backend,
            "grid": self.manifest.grid,
            "pack": self.manifest.pack,
            "pack_size": len(self.manifest.cells),
            "seconds": outcome.seconds,
            "device_seconds": outcome.device_seconds,
            "energy_j": outcome.energy_j,
            "samples_per_second": outcome.samples / outcome.seconds if outcome.seconds else None,
            "memory_mb": outcome.memory_mb,
            "gpus": self.manifest.gpus,
            "resumed_step": outcome.resumed_step,
            "topology_updates": outcome.topology_updates,
            "inputs": {n: [one.cell, one.attempt] for n, one in inputs.items()} or None,
            "artifacts": described(outcome.artifacts),
            "probes": measured.described(self._measured(outcome, catalogue)),
        }

    def _measured(self, outcome: "Outcome", catalogue: Catalogue) -> dict[str, list[str]]:
        """The text of each probe that was asked for and measured, to its metrics' names."""
        asked = self.manifest.probes.of(outcome.cell.id)
        return {
            text: [
                metric["name"]
                for metric in metrics_of_probe(text, catalogue)
                if metric["name"] in outcome.metrics
            ]
            for text in asked
            if canonical(plain_probe(text)) in outcome.probes
        }


def worker_columns(environment: Mapping[str, str], device: str) -> dict[str, Any]:
    """The provenance that is the same for every cell of a worker process.

    Args:
        environment: The process environment, where MKL's code path stands.
        device: The torch device it trains on.
    """
    return {
        "code": provenance.code_hash(),
        "plugins": provenance.plugin_names(),
        "environment": provenance.environment_hash(),
        "torch": provenance.installed().get("torch"),
        "python": platform.python_version(),
        "host": provenance.host(),
        "machine": provenance.machine(),
        "driver": _device_driver(device),
        "cpu": provenance.processor(),
        "cbwr": environment.get(EXACT),
        "job": provenance.job(),
    }


def this_worker(device: str) -> dict[str, Any]:
    """The columns of this process."""
    return worker_columns(os.environ, device)


def _described(given: Mapping[str, str] | None) -> dict[str, Any] | None:
    return None if given is None else {**given, "message": explain(given["message"])}


def _signed(record: Record) -> Record:
    """The record with the signature of its failure, whoever found it."""
    if record.error is None:
        return record
    return replace(record, error={**record.error, "signature": signature_of(record.error)})


def _device_driver(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return None
    return text.splitlines()[0].partition(":")[2].strip()
