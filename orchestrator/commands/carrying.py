"""Which backend carries a run, and handing the run to it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.backends.base import SCHEDULER
from orchestrator.commands.arguments import tell
from orchestrator.commands.showing import (
    say_what_is_left_alone,
    show_handed_over,
    show_result,
)

if TYPE_CHECKING:
    from orchestrator.backends import Backend, RayOptions
    from orchestrator.planning.budget import Budget
    from orchestrator.planning.forecast import Target
    from orchestrator.planning.request import Planned, Request
    from orchestrator.slurm.notes import SiteNotes
    from orchestrator.slurm.profiles import Profile
    from orchestrator.submissions.submission import Submission

BackendName = Annotated[
    str | None,
    typer.Option("--backend", help="ray, inline or slurm; by default the grid's last, else ray."),
]
Address = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="A running Ray cluster: host:port, or auto; local for none. By default the last one.",
    ),
]
GpusPerPack = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-pack",
        metavar="FLOAT",
        help="Train on GPUs through Ray, each pack on so many: 1, or 0.25 for four packs on one.",
    ),
]
ProfileName = Annotated[
    str | None,
    typer.Option("--profile", help="How to ask the cluster; by default the grid's last one."),
]
ProfileFile = Annotated[
    Path | None,
    typer.Option(
        "--profile-file",
        envvar="SPARSESWEEP_PROFILES",
        help="Where profiles stand; by default ~/.config/sparsesweep/profiles.toml.",
    ),
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the command line says of the backend.

    Attributes:
        backend: Its name, or None.
        address: Address of a Ray cluster, or None.
        gpus: GPUs of each pack, or None.
        profile, profile_file: Name and file of a profile, or None.
        resources: Changes to the profile, "key=value".
        budget: What the run may use, or None.
    """

    backend: str | None = None
    address: str | None = None
    gpus: float | None = None
    profile: str | None = None
    profile_file: Path | None = None
    resources: tuple[str, ...] = ()
    budget: "Budget | None" = None


def carry(request: "Request", asked: Asked, *, prune: bool = False) -> None:
    """Plan a request and have a backend carry it; ends the command with its exit code.

    Args:
        request: What to train.
        asked: Who shall carry it.
        prune: Whether to cancel first what is no longer in the grid.
    """
    from orchestrator.planning.data import check_data
    from orchestrator.planning.request import plan_request
    from orchestrator.slurm.cluster import Slurm

    planned = plan_request(request, Slurm())
    last = _last_submission(planned)
    name = _backend_name(planned, asked, last)
    profile = _profile(asked, last) if name == SCHEDULER else None
    planned = _with_data_root(planned, profile)
    check_data(planned)
    _close_ended(planned)
    if prune:
        _prune(planned)
    if profile is not None:
        _submit(planned, asked, profile, last)
    else:
        _launch(planned, asked, name, last)


def _close_ended(planned: "Planned") -> None:
    """Have nobody ask again about submissions whose jobs have all ended."""
    from orchestrator.store.layout import Store
    from orchestrator.watching.carried import close_ended

    if planned.seen.carried:
        store = Store.open(planned.request.store)
        if store.writable:
            close_ended(store, planned.seen.carried, planned.index)


def _prune(planned: "Planned") -> None:
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store
    from orchestrator.watching.cancelling import cancel_cells

    if not planned.removed.in_flight:
        return
    store, grid = Store.open(planned.request.store), planned.grid.name
    done = cancel_cells(store, planned.removed.in_flight, Slurm(), grid)
    tell(f"{len(done.cells)} removed cells cancelled, {len(done.jobs)} jobs ended")


def target_asked_for(planned: "Planned", asked: Asked) -> "tuple[Planned, Target]":
    """The plan for the backend that a run would use, with its data root, and where that runs."""
    from orchestrator.planning.devices import refuse_gpus
    from orchestrator.slurm.cluster import Slurm

    last = _last_submission(planned)
    name = asked.backend or (last.backend if last is not None else None)
    if name != SCHEDULER:
        _refuse_profile(asked, name or "ray")
        return planned, _local_target(name, last)
    profile = _profile(asked, last)
    refuse_gpus(planned, profile.gpus)
    planned, capacity = _with_data_root(planned, profile), Slurm(profile).capacity()
    slots = planned.request.slots
    capacity = capacity if slots is None else replace(capacity, slots=slots)
    return replace(planned, capacity=capacity), _target_of(profile)


def _target_of(profile: "Profile") -> "Target":
    from orchestrator.planning.forecast import Target

    hours = profile.time_minutes / 60.0
    return Target(gpus=profile.gpus, here=False, queued=True, job_hours=hours)


def _local_target(name: str | None, last: "Submission | None") -> "Target":
    """Where a backend that somebody waits for runs packs: as in the last run, where Ray had it."""
    from orchestrator.planning.forecast import Target

    if name != "ray" or last is None or last.backend != name:
        return Target()
    return Target(gpus=last.gpus, here=last.address is None)


def _with_data_root(planned: "Planned", profile: "Profile | None") -> "Planned":
    from orchestrator.planning.data import with_data_root

    if profile is None or profile.data_root is None:
        return planned
    return with_data_root(planned, profile=profile.name, root=Path(profile.data_root))


def _submit(
    planned: "Planned", asked: Asked, profile: "Profile", last: "Submission | None"
) -> None:
    from orchestrator.backends import RayOptions
    from orchestrator.planning.devices import refuse_gpus
    from orchestrator.running.detached import hand_over
    from orchestrator.running.in_job import run_job
    from orchestrator.slurm.cluster import Slurm

    RayOptions(address=asked.address, gpus=asked.gpus or 0.0).check(SCHEDULER)
    refuse_gpus(planned, profile.gpus)
    if planned.request.slots is not None:
        profile = replace(profile, concurrency=planned.request.slots)
    nodes = _failed_nodes(planned, last)
    if nodes:
        tell(f"staying away from {', '.join(nodes)}: packs of the last run ended with that node")
        profile = replace(profile, exclude=tuple(sorted({*profile.exclude, *nodes})))
    scheduler = Slurm(profile, notes=_notes(planned, profile))
    planned = replace(planned, capacity=scheduler.capacity())
    target = _target_of(profile)
    check_budget_asked_for(planned, asked, target)
    say_what_is_left_alone(planned)
    handed = hand_over(planned, scheduler, run_job)
    carried_by = f"slurm with profile {profile.name}"
    show_handed_over(handed, backend=carried_by, store=planned.request.store)


def _notes(planned: "Planned", profile: "Profile") -> "SiteNotes | None":
    """What was learned of the profile's site, where there is a store to know it."""
    from orchestrator.planning.request import existing_store
    from orchestrator.slurm.notes import read_notes

    store = existing_store(planned.request.store)
    return read_notes(store, profile.name) if store is not None else None


def _failed_nodes(planned: "Planned", last: "Submission | None") -> tuple[str, ...]:
    """The nodes whose failure ended packs of the last submission."""
    from orchestrator.slurm.cluster import Slurm
    from orchestrator.store.layout import Store
    from orchestrator.watching.carried import failed_nodes, look

    if last is None or not planned.plan.to_train():
        return ()
    store = Store.open(planned.request.store)
    return failed_nodes(look(store, [(last.grid, last.number)], Slurm(), planned.index))


def _launch(planned: "Planned", asked: Asked, name: str, last: "Submission | None") -> None:
    from orchestrator.backends import get_backend
    from orchestrator.planning.devices import refuse_gpus
    from orchestrator.planning.forecast import Target
    from orchestrator.running.launching import launch
    from orchestrator.running.progress import make_display

    _refuse_profile(asked, name)
    carrier = get_backend(name, planned.request.store, _ray_options(asked, name, last))
    try:
        refuse_gpus(planned, carrier.gpus)
        planned = _with_slots_of(carrier, planned)
        target = Target(gpus=carrier.gpus, here=carrier.address is None)
        check_budget_asked_for(planned, asked, target)
    except BaseException:
        carrier.close()
        raise
    say_what_is_left_alone(planned)
    result = launch(
        planned,
        carrier,
        display=make_display,
        on_stop=lambda: tell("\nstopping: saving unfinished cells (Ctrl-C again to stop at once)"),
    )
    show_result(result, planned.request.store)
    raise typer.Exit(result.exit_code)


def check_budget_asked_for(planned: "Planned", asked: Asked, target: "Target") -> None:
    """Refuse a run that may not keep within its budget; see `planning.budget.check_budget`."""
    from orchestrator.planning.budget import check_budget
    from orchestrator.planning.forecast import forecast

    if asked.budget is None:
        return
    limit = None
    if target.job_hours is not None:
        packs = sum(len(planned.packs(cells)) for cells in planned.plan.waves())
        limit = packs * target.job_hours * (target.gpus or 1.0)
    check_budget(asked.budget, target, forecast(planned, target), limit)


def _ray_options(asked: Asked, name: str, last: "Submission | None") -> "RayOptions":
    """What was asked of Ray, else what the grid's last run had of it."""
    from orchestrator.backends import RayOptions

    address, gpus = asked.address, asked.gpus
    if name == "ray" and last is not None and last.backend == name:
        if address is None and last.address is not None:
            address = last.address
            tell(f"Ray cluster {address}, as in the last run of {last.grid}")
        if gpus is None and last.gpus:
            gpus = last.gpus
            tell(f"{gpus:g} GPUs for each pack, as in the last run of {last.grid}")
    return RayOptions(address=None if address == "local" else address, gpus=gpus or 0.0)


def _profile(asked: Asked, last: "Submission | None") -> "Profile":
    """The profile asked for, else that of the grid's last submission; with the changes asked for.

    Raises:
        ProfileError: When none was named, or it is not there.
        GridError: For a mistake in the file or in the changes.
    """
    from grids.problems import GridError
    from orchestrator.slurm.profiles import ProfileError, find_profile

    name = asked.profile or (last.profile if last is not None else None)
    if name is None:
        raise ProfileError("--backend slurm needs --profile NAME; docs/slurm.md shows one")
    if asked.profile is None:
        tell(f"profile {name}, as in the last run of {last.grid if last is not None else '?'}")
    changes = {}
    for text in asked.resources:
        key, equals, value = text.partition("=")
        if not equals:
            raise GridError(f"--resource {text}: allowed: KEY=VALUE")
        changes[key.strip()] = value.strip()
    return find_profile(name, asked.profile_file).with_resources(changes)


def _refuse_profile(asked: Asked, name: str) -> None:
    from orchestrator.backends.base import BackendError

    given = {"--profile": asked.profile, "--resource": asked.resources}
    for flag, value in given.items():
        if value:
            raise BackendError(f"{flag} belongs to --backend slurm, not to {name}")


def _with_slots_of(carrier: "Backend", planned: "Planned") -> "Planned":
    """The plan for as many workers as the backend has; more asked for is a mistake."""
    from orchestrator.backends.base import BackendError
    from orchestrator.planning.machine import this_machine

    if planned.plan.to_train():
        carrier.probe()
    own = carrier.capacity(planned.threads) if planned.plan.to_train() else None
    if own is not None:
        slots = planned.request.slots
        return replace(planned, capacity=own if slots is None else replace(own, slots=slots))
    most = carrier.max_workers
    if most is None or planned.slots <= most:
        return planned
    if planned.request.slots is not None:
        raise BackendError(
            f"--slots is {planned.slots}; allowed with the {carrier.name} backend: {most}, "
            "because it runs one pack at a time"
        )
    return replace(planned, capacity=this_machine(most))


def _last_submission(planned: "Planned") -> "Submission | None":
    from orchestrator.planning.request import existing_store
    from orchestrator.submissions.submission import last_submission

    store = existing_store(planned.request.store)
    return last_submission(store, planned.grid.name) if store is not None else None


def _backend_name(planned: "Planned", asked: Asked, last: "Submission | None") -> str:
    from orchestrator.backends import choose_name

    address = asked.address or (last.address if last is not None else None)
    name = choose_name(
        asked.backend,
        last.backend if last is not None else None,
        elsewhere=address not in (None, "local"),
    )
    if asked.backend is None and last is not None:
        tell(f"backend {name}, as in the last run of {planned.grid.name}")
    return name
