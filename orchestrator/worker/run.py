"""The worker: reads one pack manifest, trains its cells, leaves a record for every one that ends.

`python -m orchestrator.worker MANIFEST` is one worker process; backends also call `run_manifest` in
processes of their own. This is the only module that runs the trainer.
"""

import contextlib
import faulthandler
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.probe_texts import plain_probe
from orchestrator import provenance
from orchestrator.environment import explain
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.records import Record, new_attempt
from orchestrator.store.shared import StoredFiles
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.manifest import Manifest
from orchestrator.submissions.submission import read_submission
from orchestrator.worker.attempts import Attempt, this_worker
from orchestrator.worker.checkpoints import find_checkpoints, open_folder, remove_spent
from orchestrator.worker.deadline import NO_DEADLINE, Deadline
from orchestrator.worker.energy import Meter, meter_of
from orchestrator.worker.heartbeat import Heart, Heartbeat, Phase, StopReason, newest_heartbeat
from orchestrator.worker.inputs import find_inputs, held_artifacts
from orchestrator.worker.plugins import check_plugins
from orchestrator.worker.recording import Publisher
from orchestrator.worker.repeating import earlier_results
from orchestrator.worker.spent_artifacts import remove_spent_artifacts

if TYPE_CHECKING:
    from trainer.outcome import Outcome, PackReport, PackRequest

_LOG = logging.getLogger(__name__)

Trainer = Callable[..., "PackReport"]
"""What trains a pack: `trainer.run.run_pack`, or a stand-in with its signature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerReport:
    """How an attempt at a pack ended.

    Attributes:
        pack: Id of the pack.
        attempt: Id of the attempt; records, log and heartbeat carry it.
        finished: Cells whose records were written.
        failed: Those of them that did not complete.
        stopped: Why it was drained before its end, else None; unfinished cells go on from the
            checkpoint.
        advanced: Whether anything is nearer to its end than before: a record, or a checkpoint.
        error: What broke the worker itself, else "".
    """

    pack: str
    attempt: str
    finished: int
    failed: int
    stopped: StopReason | None
    advanced: bool
    error: str = ""


def run_manifest(
    path: Path,
    *,
    should_stop: Callable[[], bool] | None = None,
    trainer: Trainer | None = None,
    catalogue: Catalogue | None = None,
    deadline: Deadline = NO_DEADLINE,
    only: Collection[str] | None = None,
) -> WorkerReport:
    """Train the cells of a manifest in this process.

    An error of a cell becomes its record; an error of the worker itself is logged and reported, and
    its cells stay missing, because it says nothing about them. Cells that an earlier attempt at the
    pack has ended, and cells that were cancelled, are left out.

    Args:
        path: The manifest.
        should_stop: Asked often besides the stop request in the store; true drains the pack.
        trainer: What trains the cells; the real trainer when None.
        catalogue: Where defaults stand; asked from the registries of this process when None.
        deadline: When this process must have ended.
        only: Ids of the cells to train; all of the manifest's when None.

    Raises:
        StoreError: When the manifest or the store cannot be read.
    """
    manifest = Manifest.read(path)
    store = Store.open(manifest.store)
    attempt = new_attempt()
    cells = _left_to_do(store, manifest, only)
    with _logging_to(store.log_path(manifest.pack, attempt)):
        with Heart(store, manifest, attempt, should_stop, deadline) as heart:
            pack = Attempt(
                store=store, manifest=manifest, id=attempt, cells=cells, heart=heart,
                deadline=deadline,
            )  # fmt: skip
            try:
                stopped = _train(_with_inputs(pack), trainer, catalogue)
            except Exception as error:
                _LOG.exception("the worker broke; its unfinished cells stay missing")
                said = heart.end(Phase.FAILED, explain(f"{type(error).__name__}: {error}"))
                return _report(store, said)
            reason = heart.reason() if stopped else None
            said = heart.end(Phase.STOPPED, reason) if reason else heart.end(Phase.FINISHED)
        report = _report(store, said)
        if reason is None:
            remove_spent(store, {cell.id: attempt for cell in cells})
        if manifest.inputs:
            submission = read_submission(store, manifest.grid, manifest.number)
            remove_spent_artifacts(store, submission, load_index(store))
        _compact_if_due(store)
    return report


def _left_to_do(store: Store, manifest: Manifest, only: Collection[str] | None) -> list[Cell]:
    """The cells to train: an earlier attempt, before a requeue or a loss, may have ended some."""
    wanted = set(ids_of(manifest.cells)) if only is None else set(only)
    if newest_heartbeat(store, manifest.pack) is not None:
        wanted &= set(manifest.unfinished(load_index(store)))
    return [cell for cell in manifest.cells if cell.id in wanted]


def _with_inputs(pack: Attempt) -> Attempt:
    """The attempt with what its cells begin with; those for which that is missing are left out.

    Raises:
        StoreError: When it is missing for all of them.
    """
    manifest = pack.manifest
    if not manifest.inputs and not manifest.supersedes:
        return pack
    index = load_index(pack.store)
    ids = [cell.id for cell in pack.cells]
    inputs = find_inputs(manifest, held_artifacts(pack.store, manifest, index), ids)
    for cell, why in inputs.missing.items():
        _LOG.error("left out %s: %s", cell, why)
    if ids and len(inputs.missing) == len(ids):
        raise StoreError(next(iter(inputs.missing.values())))
    return replace(
        pack,
        cells=[cell for cell in pack.cells if cell.id not in inputs.missing],
        inputs=inputs.found,
        earlier=earlier_results(pack.store, index, set(ids) & set(manifest.supersedes)),
    )


def preload() -> None:
    """Load the trainer, so that the first pack of a waiting process starts at once."""
    import trainer.run  # noqa: F401


def main(arguments: list[str] | None = None) -> int:
    """Run one manifest as a process; the exit status is 0, 1 (it broke) or 130 (stopped)."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write("usage: python -m orchestrator.worker MANIFEST\n")
        return 2
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    report = run_manifest(Path(given[0]), should_stop=told.is_set)
    if report.error:
        sys.stderr.write(f"{report.error}\n")
        return 1
    return 130 if report.stopped else 0


def _train(pack: Attempt, trainer: Trainer | None, catalogue: Catalogue | None) -> bool:
    """Train the pack; True when it was drained before its end."""
    train = trainer if trainer is not None else _real_trainer()
    described = catalogue if catalogue is not None else _registries()
    check_plugins(pack.manifest, described)
    columns = this_worker(pack.manifest.device)
    meter = meter_of(pack.manifest.device, pack.manifest.gpus)
    if columns["code"] != pack.manifest.code:
        _LOG.warning("the code changed since submission; records carry the hash of what runs now")

    with Publisher(pack.store) as publisher:

        def publish(outcome: "Outcome") -> None:
            record = pack.record(outcome, catalogue=described, worker=columns)
            _log_record(record, outcome.cell)
            left = outcome.artifacts if record.state == "COMPLETED" else {}
            publisher.put(record, outcome.curve or None, left)
            pack.heart.count(failed=record.state != "COMPLETED")
            if record.state == "FAILED" and record.error is not None:
                pack.heart.failed(record.cell, record.error)

        return train(pack.cells, publish=publish, request=_request(pack, meter)).stopped


def _request(pack: Attempt, meter: Meter) -> "PackRequest":
    from trainer.outcome import PackRequest, Progress

    manifest, heart = pack.manifest, pack.heart
    ids = [cell.id for cell in pack.cells]
    earlier = find_checkpoints(pack.store, ids)

    def note(said: Progress) -> None:
        meter.total()
        heart.tell(said.cells_running, said.step, said.total_steps, said.label)

    return PackRequest(
        data_root=Path(manifest.data_root) if manifest.data_root is not None else None,
        device=manifest.device,
        slots=manifest.slots,
        engine=manifest.engine,
        checkpoint_folder=open_folder(pack.store, manifest.pack, pack.id, ids),
        checkpoint_minutes=manifest.checkpoint_minutes,
        resume_from=earlier,
        inputs={c: {n: one.path for n, one in own.items()} for c, own in pack.inputs.items()},
        artifacts=manifest.artifacts,
        shared=StoredFiles(pack.store),
        probes={cell: [plain_probe(text) for text in manifest.probes.of(cell)] for cell in ids},
        code=" ".join([provenance.code_hash(), *_versions(manifest)]),
        seconds_per_cell=manifest.seconds,
        may_begin=heart.may_begin,
        cancelled=heart.cancelled,
        should_stop=heart.should_stop,
        progress=note,
        energy=meter.total,
    )


def _real_trainer() -> Trainer:
    from trainer.run import run_pack

    return run_pack


def _registries() -> Catalogue:
    from trainer.describe import describe

    with warnings.catch_warnings(record=True) as said:
        description = describe()
    for warning in said:
        _LOG.warning("%s", warning.message)
    return Catalogue.from_json(description)


def _versions(manifest: Manifest) -> list[str]:
    """The users' packages that the cells need, with the versions that are installed here."""
    return [
        f"{name} {version}" for name, version in provenance.plugins() if name in manifest.plugins
    ]


def _log_record(record: Record, cell: Cell) -> None:
    label = f"{cell.id} {cell.label()}"
    if record.error is None:
        _LOG.info("%s %s in %.2f s", record.state, label, record.provenance["seconds"])
        return
    _LOG.error("%s %s in phase %s", record.state, label, record.error.get("phase"))
    _LOG.error("%s", record.error.get("traceback") or record.error.get("message"))


def _report(store: Store, said: Heartbeat) -> WorkerReport:
    saved = any(store.checkpoint_folder(said.pack, said.attempt).glob("*.pt"))
    return WorkerReport(
        pack=said.pack,
        attempt=said.attempt,
        finished=said.cells_done,
        failed=said.cells_failed,
        stopped=StopReason(said.label) if said.phase is Phase.STOPPED else None,
        advanced=saved or said.cells_done > 0,
        error=said.label if said.phase is Phase.FAILED else "",
    )


def _compact_if_due(store: Store) -> None:
    from orchestrator.store.compaction import compact_if_due

    compact_if_due(store)


@contextlib.contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send this process's log, and where it was if it crashes, to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root = logging.getLogger()
    before = root.level
    with path.open("a", encoding="utf-8", buffering=1) as file:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)
        root.setLevel(min(before, logging.INFO) or logging.INFO)
        crashes_elsewhere = faulthandler.is_enabled()
        faulthandler.enable(file)
        try:
            yield
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
            faulthandler.disable()
            if crashes_elsewhere:
                with contextlib.suppress(OSError):  # standard error may be no real file
                    faulthandler.enable()
