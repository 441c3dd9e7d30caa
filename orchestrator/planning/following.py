"""The plan of the further seeds that a rule asks for once what it asked for before has ended."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from grids.grid import build_grid, read_grid_text
from orchestrator.catalogue import load_catalogue
from orchestrator.planning.cost import learn
from orchestrator.planning.machine import default_slots, this_machine
from orchestrator.planning.plan import Plan, Standing
from orchestrator.planning.request import (
    Planned,
    Removed,
    Request,
    look_at_store,
    replan,
)
from orchestrator.planning.seeding import with_asked_seeds
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.submission import Submission, next_number
from orchestrator.watching.carried import Scheduler
from orchestrator.worker.spending import used_hours


def plan_further(planned: Planned, store: Store, last: Submission) -> Planned:
    """The same request with the seeds that the grid's rule asks for now.

    What was asked for stays so, though other code may have answered it anew meanwhile.

    Args:
        planned: The request as it was planned before.
        store: The store.
        last: The submission that asked for its cells.
    """
    number = next_number(store, planned.grid.name)
    seen = look_at_store(store, last, planned.scheduler)
    grid, seeds = with_asked_seeds(planned.grid, planned.catalogue, store, seen.index)
    if {cell.id for cell in grid.cells} <= {cell.id for cell in planned.grid.cells}:
        return replace(planned, seeds=seeds, number=number)
    request = replace(planned.request, max_device_hours=_budget_left(store, last))
    return replace(
        planned,
        request=request,
        grid=grid,
        seen=seen,
        plan=replan(grid, planned.catalogue, request, seen),
        costs=learn(seen.index.values()),
        seeds=seeds,
        number=number,
        before=(last.grid, last.submitted_at),
    )


def plan_after(
    store: Store, last: Submission, scheduler: Scheduler, ended: Collection[str]
) -> Planned | None:
    """What follows a submission that nobody waits for: only seeds that its rule asks for.

    None when something that was asked for before still runs, was lost or waits for a person: then
    the next `run` decides.

    Args:
        store: The store.
        last: The grid's last submission.
        scheduler: Whom to ask about jobs.
        ended: Ids of the packs that nobody goes on with.

    Raises:
        GridError: When the grid cannot be read by this code any more.
        StoreError: When the store is damaged.
    """
    seen = look_at_store(store, last, scheduler, ended)
    if any(owner == last.grid for owner in seen.others.values()):
        return None
    catalogue = load_catalogue()
    read = build_grid(read_grid_text(last.text, last.source, last.overrides), catalogue)
    grid, seeds = with_asked_seeds(read, catalogue, store, seen.index)
    earlier = {*ids_of(last.cells), *ids_of(last.producers)}
    if {cell.id for cell in grid.cells} <= earlier:
        return None
    request = _request(store, last)
    plan = replan(grid, catalogue, request, seen)
    if _waits(plan, earlier):
        return None
    threads = max(int(str(cell.settings()["threads"])) for cell in grid.cells)
    return Planned(
        request=request,
        scheduler=scheduler,
        grid=grid,
        source=Path(last.source),
        catalogue=catalogue,
        seen=seen,
        plan=plan,
        costs=learn(seen.index.values()),
        threads=threads,
        capacity=this_machine(default_slots(threads)),
        removed=Removed(),
        seeds=seeds,
        before=(last.grid, last.submitted_at),
        number=last.number + 1,
    )


def _request(store: Store, last: Submission) -> Request:
    return Request(
        grid=last.source,
        overrides=last.overrides,
        store=store.root,
        data_root=Path(last.data_root) if last.data_root is not None else None,
        max_device_hours=_budget_left(store, last),
    )


def _budget_left(store: Store, before: Submission) -> float | None:
    """What a submission leaves of its budget to the one that follows it."""
    if before.max_device_hours is None:
        return None
    return max(0.0, before.max_device_hours - used_hours(store, before.grid, before.number))


def _waits(plan: Plan, earlier: Collection[str]) -> bool:
    """Whether cells that were asked for before are in somebody's hands, or have no results."""
    return any(
        entry.standing is Standing.RUNNING or (entry.train and entry.cell.id in earlier)
        for entry in plan.cells
    )
