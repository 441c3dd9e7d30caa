"""plan, run, retry: what there is to do, and doing it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    DataRoot,
    GridFile,
    Json,
    Overrides,
    Slots,
    StoreFolder,
    write_json,
)
from orchestrator.commands.carrying import (
    Address,
    Asked,
    BackendName,
    GpusPerPack,
    ProfileFile,
    ProfileName,
    carry,
    check_budget_asked_for,
    target_asked_for,
)
from orchestrator.commands.showing import plain_plan, say_missing_data, show_plan

if TYPE_CHECKING:
    from orchestrator.planning.request import Request

Stale = Annotated[
    str,
    typer.Option("--stale", metavar="keep|rerun", help="What to do with answers of other code."),
]
Resources = Annotated[
    list[str],
    typer.Option(
        "--resource",
        metavar="KEY=VALUE",
        help="Change the profile for this submission: mem_gb=32, time=4:00:00. Repeatable.",
    ),
]

MaxGpuHours = Annotated[
    float | None,
    typer.Option(
        "--max-gpu-hours",
        metavar="HOURS",
        help="Most GPU-hours of this run: refused if it may take more, and stopped there.",
    ),
]
MaxDeviceHours = Annotated[
    float | None,
    typer.Option(
        "--max-device-hours",
        metavar="HOURS",
        help="The same for any device: hours of GPUs, and without GPUs of workers.",
    ),
]


def plan(
    grid: GridFile,
    overrides: Overrides = [],  # noqa: B006 - typer reads the default, nobody changes it
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
    stale: Stale = "keep",
    backend: BackendName = None,
    profile: ProfileName = None,
    profile_file: ProfileFile = None,
    max_gpu_hours: MaxGpuHours = None,
    max_device_hours: MaxDeviceHours = None,
    as_json: Json = False,
) -> None:
    """Show what a run would train. Reads only."""
    from orchestrator.planning.budget import budget_of
    from orchestrator.planning.forecast import forecast
    from orchestrator.planning.request import plan_request
    from orchestrator.slurm.cluster import Slurm

    asked = Asked(
        backend=backend,
        profile=profile,
        profile_file=profile_file,
        budget=budget_of(max_gpu_hours, max_device_hours),
    )
    planned = plan_request(_request(grid, overrides, store, slots, data_root, stale), Slurm())
    planned, target = target_asked_for(planned, asked)
    say_missing_data(planned)
    expected = forecast(planned, target)
    if as_json:
        write_json(plain_plan(planned, expected))
    else:
        show_plan(planned, expected)
    check_budget_asked_for(planned, asked, target)


def run(
    grid: GridFile,
    backend: BackendName = None,
    address: Address = None,
    gpus: GpusPerPack = None,
    profile: ProfileName = None,
    profile_file: ProfileFile = None,
    overrides: Overrides = [],  # noqa: B006
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
    stale: Stale = "keep",
    prune: Annotated[
        bool, typer.Option("--prune", help="Cancel what waits or runs and left the grid.")
    ] = False,
    canary: Annotated[
        bool,
        typer.Option("--canary", help="One cell of every method first; the others if it is well."),
    ] = False,
    max_gpu_hours: MaxGpuHours = None,
    max_device_hours: MaxDeviceHours = None,
) -> None:
    """Train what is missing; what is done, or failed before, is left as it is.

    With the slurm backend everything is submitted, and this returns at once.
    """
    from orchestrator.planning.budget import budget_of

    budget = budget_of(max_gpu_hours, max_device_hours)
    asked = Asked(
        backend=backend,
        address=address,
        gpus=gpus,
        profile=profile,
        profile_file=profile_file,
        budget=budget,
    )
    request = _request(grid, overrides, store, slots, data_root, stale)
    request = replace(request, canary=canary, max_device_hours=budget.hours if budget else None)
    carry(request, asked, prune=prune)


def retry(
    grid: GridFile,
    states: Annotated[
        list[str],
        typer.Option("--class", metavar="STATE", help="States to train again. Repeatable."),
    ] = ["FAILED", "OUT_OF_MEMORY"],  # noqa: B006
    resources: Resources = [],  # noqa: B006
    backend: BackendName = None,
    address: Address = None,
    gpus: GpusPerPack = None,
    profile: ProfileName = None,
    profile_file: ProfileFile = None,
    overrides: Overrides = [],  # noqa: B006
    store: StoreFolder = DEFAULT_STORE,
    slots: Slots = None,
    data_root: DataRoot = None,
    max_gpu_hours: MaxGpuHours = None,
    max_device_hours: MaxDeviceHours = None,
) -> None:
    """Train the failed cells of a grid again, and what is missing."""
    from grids.problems import unknown
    from orchestrator.planning.budget import budget_of
    from orchestrator.watching.states import RETRIED

    for state in states:
        if state not in RETRIED:
            raise unknown("class of failures (--class)", state, RETRIED)
    budget = budget_of(max_gpu_hours, max_device_hours)
    request = _request(grid, overrides, store, slots, data_root, "keep", retry=tuple(states))
    request = replace(request, max_device_hours=budget.hours if budget else None)
    asked = Asked(
        backend=backend,
        address=address,
        gpus=gpus,
        profile=profile,
        profile_file=profile_file,
        resources=tuple(resources),
        budget=budget,
    )
    carry(request, asked)


def _request(
    grid: str,
    overrides: list[str],
    store: Path,
    slots: int | None,
    data_root: Path | None,
    stale: str,
    retry: tuple[str, ...] = (),
) -> "Request":
    from grids.problems import unknown
    from orchestrator.planning.request import Request

    if stale not in ("keep", "rerun"):
        raise unknown("value of --stale", stale, ("keep", "rerun"))
    return Request(
        grid=grid,
        overrides=tuple(overrides),
        store=store,
        slots=slots,
        data_root=data_root,
        rerun_stale=stale == "rerun",
        retry=retry,
    )
