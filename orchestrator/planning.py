"""From what a person asked for to a plan: reads grid, catalogue and store, writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.finding import find_study
from grids.grid import Grid, build_grid, read_grid
from orchestrator.artifact_sizes import ArtifactSizes, artifact_sizes
from orchestrator.catalogue import load_catalogue
from orchestrator.cell_lists import ids_of
from orchestrator.cost import Costs, Shape, learn
from orchestrator.machine import default_slots, this_machine
from orchestrator.neighbours import cells_of_others
from orchestrator.packing import Capacity, Pack, pack_cells
from orchestrator.plan import Known, Plan, Wishes, make_plan
from orchestrator.provenance import code_hash
from orchestrator.store.artifacts import Held, answering_artifacts
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.submission import check_same_source, last_submission


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
    """

    grid: str
    overrides: tuple[str, ...] = ()
    store: Path = Path("results")
    slots: int | None = None
    data_root: Path | None = None
    rerun_stale: bool = False
    retry: tuple[str, ...] = ()
    canary: bool = False


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
class Planned:
    """A request that was understood and holds no mistake.

    Attributes:
        request: What was asked.
        grid: The grid, read and expanded.
        source: Absolute path of the grid file.
        catalogue: What its names mean.
        index: What the store holds, by cell id.
        plan: What there is to do.
        artifacts: The artifacts that are there, by cell id and name.
        costs: What was measured so far.
        threads: Threads of each worker.
        capacity: What is there to carry its packs; by default this machine.
        removed: What an earlier submission of the grid asked for, and this one does not.
    """

    request: Request
    grid: Grid
    source: Path
    catalogue: Catalogue
    index: dict[str, CellState]
    plan: Plan
    artifacts: Held
    costs: Costs
    threads: int
    capacity: Capacity
    removed: Removed

    @property
    def slots(self) -> int:
        """Workers at a time."""
        return self.capacity.slots

    def artifact_sizes(self) -> ArtifactSizes:
        """What the artifacts of its cells take, and what a run would add."""
        return artifact_sizes(self.plan, self.artifacts, self.index)

    def packs(self, cells: Sequence[Cell], piloted: Collection[Shape] = ()) -> list[Pack]:
        """The packs in which these cells would be trained first; see `packing.pack_cells`."""
        return pack_cells(cells, self.capacity, costs=self.costs, piloted=piloted)


def plan_request(request: Request) -> Planned:
    """Understand a request, and plan it.

    Raises:
        GridError: For every mistake in the grid, all at once.
        StoreError: When the store is of another version, or has the name from another file.
        RequestError: When slots or data do not fit.
    """
    path = find_study(request.grid)
    raw = read_grid(path, request.overrides)
    grid = build_grid(raw, catalogue := load_catalogue())
    source = path.resolve()
    store = existing_store(request.store)
    if store is not None:
        check_same_source(store, grid.name, source, grid.text)
    check_data(grid.cells, catalogue, request.data_root)
    index = load_index(store) if store is not None else {}
    others = cells_of_others(store, index) if store is not None else {}
    artifacts = answering_artifacts(store, index) if store is not None else {}
    threads = max((int(str(cell.settings()["threads"])) for cell in grid.cells), default=1)
    return Planned(
        request=request,
        grid=grid,
        source=source,
        catalogue=catalogue,
        index=index,
        plan=replan(grid, catalogue, index, request, artifacts, others),
        artifacts=artifacts,
        costs=learn(index.values()),
        threads=threads,
        capacity=this_machine(default_slots(threads) if request.slots is None else request.slots),
        removed=_removed(grid, store, others),
    )


def _removed(grid: Grid, store: Store | None, others: Mapping[str, str]) -> Removed:
    last = last_submission(store, grid.name) if store is not None else None
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
    index = load_index(store)
    others = cells_of_others(store, index)
    artifacts = answering_artifacts(store, index)
    plan = replan(planned.grid, planned.catalogue, index, planned.request, artifacts, others)
    return replace(
        planned, index=index, plan=plan, artifacts=artifacts, costs=learn(index.values())
    )


def replan(
    grid: Grid,
    catalogue: Catalogue,
    index: dict[str, CellState],
    request: Request,
    artifacts: Held,
    running: Collection[str] = (),
) -> Plan:
    """The plan of a grid against an index and artifacts read just now."""
    return make_plan(
        grid.cells,
        catalogue,
        Known(index=index, code=code_hash(), artifacts=artifacts, running=running),
        Wishes(
            rerun_stale=request.rerun_stale,
            retry=request.retry,
            canary=request.canary,
            leave=grid.artifacts.leave,
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


def check_data(cells: Sequence[Cell], catalogue: Catalogue, data_root: Path | None) -> None:
    """Refuse datasets that are read from files when it is not said where these are.

    Raises:
        RequestError: Naming the datasets, or the folder that does not exist.
    """
    if data_root is not None and not data_root.is_dir():
        raise RequestError(f"--data-root {data_root}: there is no such folder")
    if data_root is not None:
        return
    names = sorted({cell.dataset.name for cell in cells})
    missing = [n for n in names if catalogue.entry("dataset", n).traits.get("needs_root", False)]
    if missing:
        raise RequestError(
            f"dataset {', '.join(missing)} is read from files: say where with --data-root FOLDER "
            "(or SPARSESWEEP_DATA)"
        )
