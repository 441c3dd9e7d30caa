"""From what a person asked for to a plan: reads grid, catalogue and store, writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.finding import find_study
from grids.grid import Grid, build_grid, read_grid
from orchestrator.catalogue import load_catalogue
from orchestrator.planning.artifact_sizes import ArtifactSizes, artifact_sizes
from orchestrator.planning.cost import Costs, Shape, learn
from orchestrator.planning.losses import count_losses
from orchestrator.planning.machine import default_slots, this_machine
from orchestrator.planning.neighbours import cells_of_others
from orchestrator.planning.packing import Capacity, Pack, pack_cells
from orchestrator.planning.plan import Known, Plan, Wishes, make_plan
from orchestrator.planning.seeding import with_asked_seeds
from orchestrator.provenance import code_hash
from orchestrator.seeds.deciding import Decision
from orchestrator.store.artifacts import Held, answering_artifacts
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import (
    Submission,
    check_same_source,
    last_submission,
    next_number,
)
from orchestrator.watching.carried import (
    CarriedPack,
    NoScheduler,
    Scheduler,
    look,
    open_submissions,
)


class RequestError(ValueError):
    """Something asked for on the command line does not fit the grid or this machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a person asks of a grid.

    Attributes:
        grid: Path of a grid file, or name of a shipped study.
        overrides: The `--set` arguments.
        store: Folder of the store; need not exist.
        slots: Workers at a time; None for as many as the cores carry.
        data_root: Folder of the datasets that are read from files, or None.
        rerun_stale: Whether to train again what other code answered.
        retry: States of failed cells to train again.
        canary: Whether one cell of every method goes ahead of the others.
        max_device_hours: What a run may use of GPUs, or without any of workers; None for no bound.
    """

    grid: str
    overrides: tuple[str, ...] = ()
    store: Path = Path("results")
    slots: int | None = None
    data_root: Path | None = None
    rerun_stale: bool = False
    retry: tuple[str, ...] = ()
    canary: bool = False
    max_device_hours: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Removed:
    """Cells that are no longer in a grid.

    Attributes:
        cells: Their ids.
        in_flight: Those of them that wait or run in a submission of this grid.
    """

    cells: tuple[str, ...] = ()
    in_flight: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What a store shows when a plan is made.

    Attributes:
        index: Cell id to how far it got.
        artifacts: The artifacts that are there, by cell id and name.
        carried: What schedulers carry for the store.
        others: The cells that somebody else trains now: id to the grid that they do it for.
        losses: Cell id to how many workers in a row it has lost, where there are any.
    """

    index: Mapping[str, CellState] = field(default_factory=dict)
    artifacts: Held = field(default_factory=dict)
    carried: tuple[CarriedPack, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A request that was understood and holds no mistake.

    Attributes:
        request: What was asked.
        scheduler: Whom to ask about jobs of earlier runs.
        grid: The grid, read and expanded; with a rule for seeds, the cells it asks for now.
        source: Absolute path of the grid file.
        catalogue: What its names mean.
        seen: What the store showed when it was planned.
        plan: What there is to do.
        costs: What was measured so far.
        threads: Threads of each worker.
        capacity: What is there to carry its packs; by default this machine.
        removed: What an earlier submission of the grid asked for, and this one does not.
        seeds: What the grid's rule for seeds came to; None without one.
        before: Name of the grid, and when it was submitted last; "" when it never was.
        number: What its submission will be called: who plans it twice submits it once.
    """

    request: Request
    scheduler: Scheduler
    grid: Grid
    source: Path
    catalogue: Catalogue
    seen: Seen
    plan: Plan
    costs: Costs
    threads: int
    capacity: Capacity
    removed: Removed
    seeds: Decision | None = None
    before: tuple[str, str] = ("", "")
    number: int = 1

    @property
    def index(self) -> Mapping[str, CellState]:
        """What the store held, by cell id."""
        return self.seen.index

    @property
    def slots(self) -> int:
        """Workers at a time."""
        return self.capacity.slots

    def artifact_sizes(self) -> ArtifactSizes:
        """What the artifacts of its cells take, and what a run would add."""
        return artifact_sizes(self.plan, self.seen.artifacts, self.index)

    def losses_of_this_run(self) -> dict[str, int]:
        """What the next run shall know of losses; a retry begins to count anew."""
        return {} if self.request.retry else dict(self.seen.losses)

    def packs(self, cells: Sequence[Cell], piloted: Collection[Shape] = ()) -> list[Pack]:
        """The packs in which these cells would be trained first; see `packing.pack_cells`."""
        return pack_cells(cells, self.capacity, costs=self.costs, piloted=piloted)


def plan_request(request: Request, scheduler: Scheduler | None = None) -> Planned:
    """Understand a request, and plan it.

    Args:
        request: What was asked.
        scheduler: Whom to ask about jobs of earlier runs; nobody when None.

    Raises:
        GridError: For every mistake in the grid, all at once.
        StoreError: When the store is of another version, or has the name from another file.
        RequestError: When the data root that was asked for is no folder.
    """
    path = find_study(request.grid)
    raw = read_grid(path, request.overrides)
    grid = build_grid(raw, catalogue := load_catalogue())
    source = path.resolve()
    store = existing_store(request.store)
    if store is not None:
        check_same_source(store, grid.name, source, grid.text)
    if request.data_root is not None and not request.data_root.is_dir():
        raise RequestError(f"--data-root {request.data_root}: there is no such folder")
    number = next_number(store, grid.name) if store is not None else 1
    last = last_submission(store, grid.name) if store is not None else None
    asked = NoScheduler() if scheduler is None else scheduler
    seen = look_at_store(store, last, asked) if store is not None else Seen()
    grid, seeds = with_asked_seeds(grid, catalogue, store, seen.index)
    threads = max((int(str(cell.settings()["threads"])) for cell in grid.cells), default=1)
    return Planned(
        request=request,
        scheduler=asked,
        grid=grid,
        source=source,
        catalogue=catalogue,
        seen=seen,
        plan=replan(grid, catalogue, request, seen),
        costs=learn(seen.index.values()),
        threads=threads,
        capacity=this_machine(default_slots(threads) if request.slots is None else request.slots),
        removed=_removed(grid, last, seen.others),
        seeds=seeds,
        before=(grid.name, last.submitted_at if last is not None else ""),
        number=number,
    )


def look_at_store(
    store: Store,
    last: Submission | None,
    scheduler: Scheduler,
    ended: Collection[str] = (),
) -> Seen:
    """What a store shows now.

    Args:
        store: The store.
        last: The grid's last submission, whose losses are counted; None to count none.
        scheduler: Whom to ask about jobs.
        ended: Ids of packs that nobody goes on with, whatever the scheduler says of their jobs.
    """
    index = load_index(store)
    carried = look(store, open_submissions(store), scheduler, index)
    carried = [pack for pack in carried if pack.pack not in ended]
    others = cells_of_others(store, carried)
    return Seen(
        index=index,
        artifacts=answering_artifacts(store, index),
        carried=tuple(carried),
        others=others,
        losses=count_losses(store, last, index, others) if last is not None else {},
    )


def _removed(grid: Grid, last: Submission | None, others: Mapping[str, str]) -> Removed:
    if last is None:
        return Removed()
    kept = {cell.id for cell in grid.cells}
    in_flight = {cell for cell, owner in others.items() if owner == grid.name} - kept
    in_flight -= set(ids_of(last.producers))
    return Removed(
        cells=tuple(sorted((set(ids_of(last.cells)) | in_flight) - kept)),
        in_flight=tuple(sorted(in_flight)),
    )


def plan_again(planned: Planned, store: Store) -> Planned:
    """The same request against the store as it is now: what is missing still, what was learned."""
    # What is lost in this very run is for the next one to count.
    found = look_at_store(store, None, planned.scheduler)
    seen = replace(found, losses=planned.seen.losses)
    plan = replan(planned.grid, planned.catalogue, planned.request, seen)
    return replace(planned, seen=seen, plan=plan, costs=learn(seen.index.values()))


def replan(grid: Grid, catalogue: Catalogue, request: Request, seen: Seen) -> Plan:
    """The plan of a grid against what was seen in a store just now."""
    return make_plan(
        grid.cells,
        catalogue,
        Known(
            index=seen.index,
            code=code_hash(),
            artifacts=seen.artifacts,
            running=seen.others,
            losses=seen.losses,
        ),
        Wishes(
            rerun_stale=request.rerun_stale,
            retry=request.retry,
            canary=request.canary,
            leave=grid.artifacts.leave,
            probes=grid.probes,
        ),
    )


def existing_store(root: Path) -> Store | None:
    """The store at `root`; None when nothing is there yet.

    Raises:
        StoreError: When something else is there, a store of another schema version, or nothing that
            may be read.
    """
    try:
        if not root.exists() or (root.is_dir() and not any(root.iterdir())):
            return None
    except OSError as error:
        raise StoreError(f"cannot read {root}: {error.strerror}") from error
    if not root.is_dir():
        raise StoreError(f"{root} is a file; --store takes a folder")
    return Store.open(root)
