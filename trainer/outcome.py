"""What goes into a pack and what comes out of it: plain data between worker and trainer."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grids.cell import Cell
from trainer.shared import SharedFiles, TemporaryFiles


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a pack is. Sent about once a second.

    ``step`` of ``total_steps`` says how far the cells now running are; the steps before the one
    that their training goes on from are in neither.
    """

    cells_done: int
    cells_total: int
    cells_running: int
    step: int
    total_steps: int
    label: str


def never() -> bool:
    """The default of ``PackRequest.should_stop``: run to the end."""
    return False


def always(seconds: float | None) -> bool:
    """The default of ``PackRequest.may_begin``: there is no end."""
    return True


def none_of_them(cell: str) -> bool:
    """The default of ``PackRequest.cancelled``."""
    return False


def untold() -> tuple[float, int] | None:
    """The default of ``PackRequest.energy``: nothing tells."""
    return None


def ignore_progress(progress: Progress) -> None:
    """The default of ``PackRequest.progress``: tell nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackRequest:
    """How to run a pack; nothing here changes what a cell computes in the exact tier.

    Attributes:
        data_root: folder of the datasets that are read from files.
        device: a torch device, e.g. ``"cpu"`` or ``"cuda:0"``.
        slots: workers that share this machine; the fast tier uses cores / slots threads.
        engine: ``"auto"``, or the name of the engine to insist on.
        checkpoint_folder: this attempt's own folder; ``None`` writes no checkpoints.
        checkpoint_minutes: at most one checkpoint in so many minutes, and 1 % of run time.
        checkpoint_steps: a checkpoint every so many steps instead (for tests).
        resume_from: checkpoint files of earlier attempts, newest first.
        inputs: cell id to the files of the artifacts that it needs, by their names.
        artifacts: cell id to the names of the artifacts that it shall leave.
        probes: cell id to what shall be measured of it: names of probes under ``"name"``, beside
            the options that differ from their defaults.
        shared: files that cells share with each other and with other packs.
        code: names the code that runs; a checkpoint of other code is not resumed from.
        seconds_per_cell: expected wall seconds of a cell, until this pack has measured its own.
        may_begin: told how long the next block is expected to take, or None where nothing was
            measured; false drains the pack instead.
        cancelled: whether a cell, by its id, shall be left out; asked before its block begins.
        should_stop: polled at every step; true drains the pack into a checkpoint.
        progress: told about once a second.
        energy: joules that were counted so far, and how often they could not be: what lies about
            such a gap is not known. ``None`` where nothing counts them.
    """

    data_root: Path | None = None
    device: str = "cpu"
    slots: int = 1
    engine: str = "auto"
    checkpoint_folder: Path | None = None
    checkpoint_minutes: float = 10.0
    checkpoint_steps: int | None = None
    resume_from: Sequence[Path] = ()
    inputs: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    artifacts: Mapping[str, Collection[str]] = field(default_factory=dict)
    probes: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    shared: SharedFiles = field(default_factory=TemporaryFiles)
    code: str = ""
    seconds_per_cell: float | None = None
    may_begin: Callable[[float | None], bool] = always
    cancelled: Callable[[str], bool] = none_of_them
    should_stop: Callable[[], bool] = never
    progress: Callable[[Progress], None] = ignore_progress
    energy: Callable[[], tuple[float, int] | None] = untold


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one cell.

    Attributes:
        state: ``COMPLETED``, ``FAILED``, ``INVALID`` (the loss stopped being finite) or
            ``OUT_OF_MEMORY``.
        metrics: final metrics by name; empty unless completed.
        curve: columns of equal length, one entry per epoch; ``None`` where nothing was measured.
        layers: ``{"layer", "shape", "total", "active"}`` per maskable weight.
        artifacts: what it leaves for other cells: contents of files by name; empty unless
            completed.
        probes: the probes whose measurements are among metrics and curve, each as canonical JSON.
        samples: training samples seen, repeats included, earlier attempts too.
        error: ``{"type", "message", "traceback", "phase"}`` unless completed.
        started_at, finished_at: seconds since the epoch.
        engine, stack_width: the engine that ran the cell, and how many cells it stepped together.
        seconds, device_seconds: wall time and device time charged to this cell.
        energy_j: joules charged to it, in the same shares; ``None`` where the device did not tell.
        memory_mb: peak memory of the worker (CPU) or of the device.
        resumed_step: the step this attempt started from; 0 when it started afresh.
        topology_updates: how often the masks moved.
    """

    cell: Cell
    state: str
    metrics: dict[str, float] = field(default_factory=dict)
    curve: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    layers: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    probes: tuple[str, ...] = ()
    samples: int = 0
    error: dict[str, str] | None = None
    started_at: float
    finished_at: float
    engine: str
    stack_width: int
    seconds: float
    device_seconds: float
    energy_j: float | None = None
    memory_mb: float
    resumed_step: int = 0
    device: str = "cpu"
    topology_updates: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PackReport:
    """How a pack ended. ``stopped`` means drained: what is unfinished lies in the checkpoint."""

    finished: int
    stopped: bool
    seconds: float
