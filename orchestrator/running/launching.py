"""Running a plan: submission, packs, backend, and what came of it."""

import contextlib
import signal
import threading
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grids.cell import Cell
from orchestrator.backends.base import Backend, PackEnd
from orchestrator.planning.cost import Shape, shape_of
from orchestrator.planning.following import plan_further
from orchestrator.planning.forecast import forecast
from orchestrator.planning.packing import Pack
from orchestrator.planning.plan import Plan, Standing
from orchestrator.planning.request import Planned, Seen, plan_again, replan
from orchestrator.provenance import host
from orchestrator.running.progress import Display, Watcher
from orchestrator.running.submitting import Carrier, publish_packs, submit, submit_nothing
from orchestrator.seeds.deciding import Decision
from orchestrator.store.artifacts import answering_artifacts
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError, StoreWarning
from orchestrator.submissions.frozen import freeze
from orchestrator.submissions.manifest import this_driver
from orchestrator.submissions.submission import Submission
from orchestrator.watching.logs import log_end
from orchestrator.watching.repeats import cluster_repeats
from orchestrator.watching.states import FAILURES
from orchestrator.worker.checkpoints import remove_spent
from orchestrator.worker.failures import FailureCluster, cluster
from orchestrator.worker.heartbeat import request_stop
from orchestrator.worker.spending import end_budget, ended_early, used_hours
from orchestrator.worker.spent_artifacts import remove_spent_artifacts

_NOTHING_LEFT = "what its producer left in this run is not there"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """A pack whose worker ended without telling of all its cells.

    Attributes:
        pack: Id of the pack.
        cells: Ids of the cells for which it left no record.
        error: What the backend or the worker said of it, "" when nobody said anything.
        log: The last lines of its log.
    """

    pack: str
    cells: tuple[str, ...]
    error: str
    log: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        submission: The submission it belongs to; the last one, where a rule added seeds.
        trained: Cells for which it wrote a record.
        completed: Cells of the grid that have results now.
        failures: The grid's failed cells, also those of earlier runs, by cause; at the end those
            that have results, and failed to get what these lack.
        lost: Packs that ended without telling of all their cells.
        blocked: Cells that wait for a producer that failed.
        halted: Why nothing more was begun though cells are left, else "".
        stopped: Whether it was told to stop before its end.
        seconds: How long it took.
        seeds: What the grid's rule for seeds came to; None without one.
    """

    submission: Submission
    trained: int
    completed: int
    failures: tuple[FailureCluster, ...] = ()
    lost: tuple[Lost, ...] = ()
    blocked: tuple[str, ...] = ()
    halted: str = ""
    stopped: bool = False
    seconds: float = 0.0
    seeds: Decision | None = None

    @property
    def exit_code(self) -> int:
        """0 when every cell has results, 130 when told to stop, else 1."""
        if self.stopped:
            return 130
        return 1 if self.failures or self.lost or self.blocked or self.halted else 0


@dataclass(kw_only=True, slots=True)
class _Run:
    """What a run knows while it goes.

    A rule may add seeds: then the plan and the submission are further ones, and `before` is still
    what the store held at first.
    """

    planned: Planned
    before: Mapping[str, CellState]
    store: Store
    submission: Submission
    carrier: Carrier
    backend: Backend
    attempted: set[str] = field(default_factory=set)
    piloted: set[Shape] = field(default_factory=set)
    ends: list[tuple[Pack, PackEnd]] = field(default_factory=list)


def launch(
    planned: Planned,
    backend: Backend,
    *,
    display: Callable[[], Display],
    on_stop: Callable[[], None],
) -> Result:
    """Train what is missing, and say what came of it. A plan with nothing to train is quick.

    Args:
        planned: The request, checked; nothing has been written for it yet.
        backend: What carries its packs; closed when this returns.
        display: Makes what shows the progress; called only when there is something to train.
        on_stop: Called when the run is told to stop, before it drains.

    Raises:
        StoreError: When the store cannot be made or written.
        BackendError: When the backend cannot be started.
    """
    began = time.time()
    carrier = Carrier(backend=backend.name, address=backend.address, gpus=backend.gpus)
    Store.check_writable(planned.request.store)
    todo = planned.plan.to_train()
    if not todo:
        store = Store.create(planned.request.store)
        submission = submit_nothing(store, planned, carrier)
        backend.close()
        return _result(planned, store, submission, planned.index, stopped=False, began=began)
    backend.probe()
    stop = threading.Event()
    try:
        later = planned.seeds.most_further if planned.seeds is not None else 0
        backend.prepare(slots=min(planned.slots, len(todo) + later), threads=planned.threads)
        store = Store.create(planned.request.store)
        backend.use(store)
        submission = submit(store, planned, carrier)
        keeping = threading.Thread(target=_keep_code, args=(store,), name="keep-code")
        keeping.start()
        run = _Run(
            planned=planned, before=planned.index, store=store, submission=submission,
            carrier=carrier, backend=backend,
        )  # fmt: skip

        def ask_to_stop() -> None:
            stop.set()
            request_stop(store, run.submission.grid, run.submission.number)
            on_stop()

        with _on_signals(ask_to_stop):
            index = _run_all(run, display, stop)
    except BaseException:
        backend.close()
        raise
    closing = threading.Thread(target=backend.close, name="close-backend")
    closing.start()
    remove_spent_artifacts(store, run.submission, index)
    _tidy(store, index)
    keeping.join()
    closing.join()
    return _result(
        run.planned, store, run.submission, index, stopped=stop.is_set(), began=began, run=run
    )


def _run_all(
    run: _Run, display: Callable[[], Display], stop: threading.Event
) -> Mapping[str, CellState]:
    """Run what was asked for, and then the further seeds that a rule asks for, as often as it does.

    They are a submission of their own: `status` and `table` answer for what it lists, and who goes
    on after a crash finds it. Where somebody submitted the grid anew meanwhile, they are left to
    that run.
    """
    while True:
        index = _run_waves(run, display, stop)
        if run.planned.seeds is None or stop.is_set() or _ends_early(run, run.planned):
            return index
        further = plan_further(run.planned, run.store, run.submission)
        asked_before, run.planned = run.planned.grid, further
        superseded = further.number != run.submission.number + 1
        if superseded or further.grid is asked_before:
            return index
        run.submission = submit(run.store, further, run.carrier)


def _run_waves(
    run: _Run, display: Callable[[], Display], stop: threading.Event
) -> Mapping[str, CellState]:
    """Run wave after wave, each planned anew.

    So what a failed producer starves and what another run trains meanwhile is left out, and what a
    pilot measured is used. Nothing is attempted twice.
    """
    now = run.planned
    while wave := _next_wave(now.plan, run.attempted):
        _run_wave(run, now, wave, display, stop)
        now = plan_again(run.planned, run.store)
        if stop.is_set() or _ends_early(run, now):
            break
    return now.index


def _ends_early(run: _Run, now: Planned) -> bool:
    """Whether nothing more is begun: all fails alike, or what is left is not within the budget.

    What its first packs measured says how long the others take, where nothing did beforehand.
    """
    key, budget = (run.submission.grid, run.submission.number), run.submission.max_device_hours
    if ended_early(run.store, *key) is not None:
        return True
    if budget is None or not run.submission.forecast.get("unknown"):
        return False
    left, used = forecast(now, run.carrier.target), used_hours(run.store, *key)
    if left is None or left.held_hours is None or used + left.held_hours.high <= budget:
        return False
    end_budget(run.store, *key, budget, used)
    return True


def _next_wave(plan: Plan, attempted: Collection[str]) -> list[Cell]:
    """The first wave of a plan that has cells nobody attempted yet, without the others.

    A cell that was attempted and is still to be trained was lost; what needs it is not begun.
    """
    passed_over: set[str] = set()
    for entry in plan.cells:
        lost = entry.train and entry.cell.id in attempted
        if lost or passed_over.intersection(entry.needs):
            passed_over.add(entry.cell.id)
    passed_over.update(attempted)
    waves = [[cell for cell in wave if cell.id not in passed_over] for wave in plan.waves()]
    return next((wave for wave in waves if wave), [])


def _run_wave(
    run: _Run,
    now: Planned,
    wave: Sequence[Cell],
    display: Callable[[], Display],
    stop: threading.Event,
) -> None:
    """Run the packs of a wave, or the pilots of its groups; what is in no pack is left for later.

    Args:
        run: The run; what is attempted here is noted in it.
        now: Its request against the store of now.
        wave: The cells of the wave.
        display: Makes what shows the progress.
        stop: Set when the run is told to stop.
    """
    packs = now.packs(wave, run.piloted)
    run.piloted |= {shape_of(pack.cells[0]) for pack in packs if pack.pilot}
    cells = [cell.id for pack in packs for cell in pack.cells]
    run.attempted.update(cells)
    paths = publish_packs(
        run.store, run.submission, run.planned, packs, this_driver(host()), run.backend.device
    )
    with Watcher(run.store, [pack.id for pack in packs], len(cells), display()):
        ends = run.backend.run(
            paths,
            slots=min(now.slots, len(packs)),
            threads=now.threads,
            should_stop=stop.is_set,
        )
    by_id = {end.pack: end for end in ends}
    run.ends += [(pack, by_id.get(pack.id, PackEnd(pack=pack.id))) for pack in packs]


def _keep_code(store: Store) -> None:
    """Keep the code beside the records that carry its hash, so that it can make them again.

    Once for each state of the code, some 450 files of 3 MB, while the first pack trains. A run does
    not need it, so it is no error of a run when it cannot be kept.
    """
    try:
        freeze(store)
    except StoreError as error:
        warnings.warn(f"the code is not kept: {error}", StoreWarning, stacklevel=1)


def _tidy(store: Store, index: Mapping[str, CellState]) -> None:
    """Fold the new records into the tables, and drop checkpoints nobody can need."""
    from orchestrator.store.compaction import compact

    remove_spent(store, {cell: state.answer.attempt for cell, state in index.items()})
    compact(store)


def _result(
    planned: Planned,
    store: Store,
    submission: Submission,
    index: Mapping[str, CellState],
    *,
    stopped: bool,
    began: float,
    run: _Run | None = None,
) -> Result:
    cells = [entry.cell for entry in planned.plan.cells]
    states = [index[cell.id] for cell in cells if cell.id in index]
    attempted = run.attempted if run is not None else set()
    before = run.before if run is not None else planned.index
    halt = None if run is None else ended_early(store, submission.grid, submission.number)
    lost = [] if run is None or stopped or halt else _lost(run, index)
    seen = Seen(
        index=index, artifacts=answering_artifacts(store, index), losses=planned.seen.losses
    )
    plan = replan(planned.grid, planned.catalogue, planned.request, seen)
    ended = stopped or lost or halt
    starved = [] if ended else [e for e in plan.cells if e.train and e.cell.id not in attempted]
    blocked = [entry for entry in plan.cells if entry.standing is Standing.BLOCKED]
    return Result(
        submission=submission,
        trained=sum(_ended(cell, before, index) for cell in attempted),
        completed=sum(cell.id in index and index[cell.id].completed for cell in planned.grid.cells),
        failures=(
            *cluster(state for state in states if state.state in FAILURES),
            *cluster_repeats(entry.failed for entry in plan.cells if entry.failed is not None),
        ),
        lost=tuple(lost),
        blocked=(
            *(f"{entry.cell.label()}: {entry.reason}" for entry in blocked),
            *(f"{entry.cell.label()}: {_NOTHING_LEFT}" for entry in starved),
        ),
        halted=str(halt or ""),
        stopped=stopped,
        seconds=time.time() - began,
        seeds=planned.seeds,
    )


def _lost(run: _Run, index: Mapping[str, CellState]) -> list[Lost]:
    found = []
    for pack, end in run.ends:
        missing = tuple(c.id for c in pack.cells if not _ended(c.id, run.before, index))
        if missing:
            log = log_end(run.store, pack.id)
            found.append(Lost(pack=pack.id, cells=missing, error=end.error, log=log))
    return found


def _ended(cell: str, before: Mapping[str, CellState], now: Mapping[str, CellState]) -> bool:
    """Whether an attempt at a cell left a record since; those of earlier runs do not count."""
    if cell not in now:
        return False
    return cell not in before or now[cell].attempts > before[cell].attempts


@contextlib.contextmanager
def _on_signals(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """Call `ask_to_stop` on the first SIGINT or SIGTERM; the next one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: object) -> None:
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, signal.default_int_handler)
        ask_to_stop()

    before = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
