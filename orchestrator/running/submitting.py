"""What every run leaves in the store before a cell is trained: its submission and its manifests."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grids.probes import distributions_of, metrics_of_probe
from orchestrator.planning.forecast import Target, forecast
from orchestrator.planning.packing import Pack
from orchestrator.planning.plan import PlannedCell
from orchestrator.planning.request import Planned
from orchestrator.provenance import code_hash, plugins
from orchestrator.store.layout import Store
from orchestrator.store.records import timestamp
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.manifest import Driver, Manifest, publish_manifests
from orchestrator.submissions.submission import (
    Submission,
    find_submission,
    publish_submission,
    submitted_grids,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Carrier:
    """Who carries a run, as the next run of the grid remembers it.

    Attributes:
        backend: Name of the backend.
        address: Address of a Ray cluster, or None.
        gpus: GPUs of each pack, or a fraction of one; 0 for none.
        profile: Name of the profile, for a scheduler.
    """

    backend: str
    address: str | None = None
    gpus: float = 0.0
    profile: str | None = None

    @property
    def target(self) -> Target:
        """Where its packs run."""
        queued = self.profile is not None
        return Target(gpus=self.gpus, here=not queued and self.address is None, queued=queued)


def submit(store: Store, planned: Planned, carrier: Carrier) -> Submission:
    """Publish a new submission of a plan.

    Args:
        store: The store.
        planned: What was asked, checked.
        carrier: Who will carry it.

    Raises:
        StoreError: When it cannot be written, or another run of the grid began since it was
            planned.
    """
    submission = _describe(planned, carrier)
    publish_submission(store, submission)
    return submission


def submit_nothing(store: Store, planned: Planned, carrier: Carrier) -> Submission:
    """The submission of a plan that trains nothing.

    The last one when it is the newest of the store and asks the same, else a new one, so that
    `table` and the others answer for the cells that were asked for last.
    """
    fresh = _describe(planned, carrier)
    if submitted_grids(store):
        last = find_submission(store, None)
        if last.grid == fresh.grid and last.asks_the_same(fresh):
            return last
    publish_submission(store, fresh)
    return fresh


def publish_packs(
    store: Store,
    submission: Submission,
    planned: Planned,
    packs: Sequence[Pack],
    driver: Driver | None,
    device: str = "cpu",
) -> list[Path]:
    """Publish the manifests of packs; their paths, in the same order.

    Args:
        store: The store.
        submission: What they belong to.
        planned: The plan they come from.
        packs: The packs.
        driver: Who waits for them; None when nobody does.
        device: The torch device they run on.
    """
    entries = {entry.cell.id: entry for entry in planned.plan.cells}
    run = _PackedRun(
        store=store, submission=submission, planned=planned, entries=entries, driver=driver,
        device=device,
    )  # fmt: skip
    return publish_manifests(store, [_manifest(run, pack) for pack in packs])


@dataclass(frozen=True, kw_only=True, slots=True)
class _PackedRun:
    """What the packs of a submission share."""

    store: Store
    submission: Submission
    planned: Planned
    entries: Mapping[str, PlannedCell]
    driver: Driver | None
    device: str


def _manifest(run: _PackedRun, pack: Pack) -> Manifest:
    submission, index = run.submission, run.planned.index
    standing = {
        cell.id: index[cell.id].completions
        for cell in pack.cells
        if cell.id in index and index[cell.id].completed
    }
    entries = [run.entries[cell.id] for cell in pack.cells]
    probes = CellProbes.gathered({entry.cell.id: entry.probes for entry in entries})
    catalogue, versions = run.planned.catalogue, dict(plugins())
    named = catalogue.distributions(pack.cells) | distributions_of(probes.texts(), catalogue)
    return Manifest(
        pack=pack.id,
        store=str(run.store.root),
        grid=submission.grid,
        number=submission.number,
        backend=submission.backend,
        code=submission.code,
        cells=pack.cells,
        data_root=submission.data_root,
        device=run.device,
        slots=run.planned.slots if run.driver is not None else 1,
        threads=run.planned.threads,
        supersedes=standing,
        driver=run.driver,
        seconds=pack.seconds / len(pack.cells) if pack.seconds is not None else None,
        needs={entry.cell.id: entry.needs for entry in entries if entry.needs},
        inputs={entry.cell.id: entry.inputs for entry in entries if entry.inputs},
        artifacts={entry.cell.id: entry.leaves for entry in entries if entry.leaves},
        ended={c.id: index[c.id].attempts for c in pack.cells if c.id in index},
        plugins={name: versions[name] for name in sorted(named)},
        probes=probes,
        gpus=submission.gpus,
        max_device_hours=submission.max_device_hours,
        followed=submission.seed_rule is not None,
    )


def _describe(planned: Planned, carrier: Carrier) -> Submission:
    data_root, index = planned.request.data_root, planned.index
    expected = forecast(planned, carrier.target)
    probes = CellProbes.gathered({entry.cell.id: entry.asked for entry in planned.plan.cells})
    return Submission(
        grid=planned.grid.name,
        number=planned.number,
        source=str(planned.source),
        text=planned.grid.text,
        overrides=planned.request.overrides,
        **asdict(carrier),
        slots=planned.slots,
        data_root=str(data_root.resolve()) if data_root is not None else None,
        code=code_hash(),
        submitted_at=timestamp(time.time()),
        cells=planned.grid.cells,
        producers=tuple(entry.cell for entry in planned.plan.cells if entry.produced_for),
        needs=planned.plan.needs(),
        inputs=planned.plan.inputs(),
        artifacts=planned.grid.artifacts,
        losses=planned.losses_of_this_run(),
        again={
            cell.id: index[cell.id].attempts
            for cell in planned.plan.to_train()
            if cell.id in index and index[cell.id].completed
        },
        probes=probes,
        metrics=[
            metric
            for text in probes.texts()
            for metric in metrics_of_probe(text, planned.catalogue)
        ],
        seed_rule=planned.grid.seed_rule,
        forecast={} if expected is None else expected.plain(),
        max_device_hours=planned.request.max_device_hours,
    )
