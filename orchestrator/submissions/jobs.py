"""Jobs: which batch of a submission carries which packs to a scheduler, kept beside the submission.

A job is known by its name, never by its number: names are unique for ever, so a number that the
scheduler uses again cannot confuse anything, and a job whose number was never noted, because the
driver died just then, is found all the same. A task that hands over to a successor publishes the
successor's batch: that file is the hand-over, and because names are published by link there is
exactly one successor of every job.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from orchestrator.provenance import person
from orchestrator.store.layout import Store, StoreError, is_name
from orchestrator.store.publishing import publish_new

PREFIX = "ss-"
"""Beginning of the name of every job of ours."""

_ID_SUFFIX = ".id.json"
_ENDED_SUFFIX = ".ended"
_TOKEN_DIGITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class JobBatch:
    """One job of a submission, published before it is handed to the scheduler.

    Attributes:
        name: The job's name; also that of its file.
        packs: Ids of the packs it carries; element n of an array runs pack n. One pack is no array.
        sequence: 0 at first, and one more for every successor.
        predecessor: Name of the job that handed over to it, or None.
        after: Names of the jobs that end before it begins.
        written_at: When it was published, from `records.timestamp`.
        reason: Why the predecessor handed over, else "".
        idle: How many of the predecessors in a row came no further.
        user: Who submitted it; the scheduler tells nobody else of it.
    """

    name: str
    packs: tuple[str, ...]
    sequence: int = 0
    predecessor: str | None = None
    after: tuple[str, ...] = ()
    written_at: str = ""
    reason: str = ""
    idle: int = 0
    user: str = field(default_factory=person)

    @property
    def array(self) -> bool:
        """Whether its packs are elements of an array."""
        return len(self.packs) > 1


Place = tuple[str, int | None]
"""Where a pack is: a job's name, and its element of the array."""


def token_of(grid: str, number: int, submitted_at: str, store: Store) -> str:
    """8 hex digits that name a submission among all submissions to a cluster."""
    text = json.dumps([str(store.root), grid, number, submitted_at])
    return hashlib.sha256(text.encode()).hexdigest()[:_TOKEN_DIGITS]


def array_name(token: str, position: int) -> str:
    """The name of the array number `position` of a submission."""
    return f"{PREFIX}{token}-a{position}"


def successor_of(
    batch: JobBatch, pack: str, *, reason: str, written_at: str, idle: int = 0
) -> JobBatch:
    """The batch that goes on with one pack of another."""
    token = batch.name.removeprefix(PREFIX).partition("-")[0]
    sequence = batch.sequence + 1
    return JobBatch(
        name=f"{PREFIX}{token}-{pack}-{sequence}",
        packs=(pack,),
        sequence=sequence,
        predecessor=batch.name,
        written_at=written_at,
        reason=reason,
        idle=idle,
    )


def jobs_folder(store: Store, grid: str, number: int) -> Path:
    """Folder of the batches of a submission."""
    return store.submission(grid, number) / "jobs"


def output_folder(store: Store, name: str) -> Path:
    """Folder of what the scheduler writes for a job: its script and its output."""
    return store.root / "logs" / "slurm" / name


def clean_output(store: Store, name: str, *, keep_logs: bool) -> None:
    """Remove what the scheduler's tools left for a job that has ended.

    Args:
        store: The store.
        name: The job's name.
        keep_logs: Whether to leave what its tasks printed.
    """
    folder = output_folder(store, name)
    if not keep_logs:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in [*folder.glob("*.pkl"), *folder.glob("*.sh"), *folder.glob(".*.sh")]:
        path.unlink(missing_ok=True)


def publish_batch(store: Store, grid: str, number: int, batch: JobBatch) -> bool:
    """Publish a batch before its job is submitted.

    Returns:
        False when a batch of that name is there: somebody else hands the same pack over.
    """
    path = jobs_folder(store, grid, number) / f"{batch.name}.json"
    return _publish(path, asdict(batch))


def withdraw_batch(store: Store, grid: str, number: int, name: str) -> None:
    """Take back a batch that the scheduler has refused: there is no such job."""
    (jobs_folder(store, grid, number) / f"{name}.json").unlink(missing_ok=True)


def note_job_id(store: Store, grid: str, number: int, name: str, job: str) -> None:
    """Keep the number that the scheduler gave to a job."""
    _publish(jobs_folder(store, grid, number) / f"{name}{_ID_SUFFIX}", {"job": job})


def note_ended(store: Store, grid: str, number: int, pack: str) -> None:
    """Keep that nobody goes on with a pack by himself, whether all of its cells have ended or not.

    A task says so before it looks at the other packs of its submission: of those that end at the
    same time, the last one to say it sees that all have.
    """
    publish_new(jobs_folder(store, grid, number) / f"{pack}{_ENDED_SUFFIX}", b"")


def ended_packs(store: Store, grid: str, number: int) -> set[str]:
    """Ids of the packs of a submission that `note_ended` was told of."""
    paths = jobs_folder(store, grid, number).glob(f"[!.]*{_ENDED_SUFFIX}")
    return {path.name.removesuffix(_ENDED_SUFFIX) for path in paths}


def read_batches(store: Store, grid: str, number: int) -> list[JobBatch]:
    """The batches of a submission by sequence and name; empty when no scheduler carries it."""
    paths = [path for path in _files(store, grid, number) if not path.name.endswith(_ID_SUFFIX)]
    return sorted(map(_read_batch, paths), key=lambda batch: (batch.sequence, batch.name))


def read_batch(store: Store, grid: str, number: int, name: str) -> JobBatch:
    """The batch of that name; StoreError when it is missing or damaged."""
    return _read_batch(jobs_folder(store, grid, number) / f"{name}.json")


def job_ids(store: Store, grid: str, number: int) -> dict[str, str]:
    """Job name to the number that the scheduler gave it, where that was noted."""
    paths = [path for path in _files(store, grid, number) if path.name.endswith(_ID_SUFFIX)]
    return {path.name.removesuffix(_ID_SUFFIX): str(_load(path)["job"]) for path in paths}


def current_places(batches: Iterable[JobBatch]) -> dict[str, Place]:
    """Where every pack is now: in the last of the jobs that carry it."""
    last: dict[str, JobBatch] = {}
    for batch in sorted(batches, key=lambda batch: batch.sequence):
        last |= dict.fromkeys(batch.packs, batch)
    positions = {
        (batch.name, pack): position if batch.array else None
        for batch in {batch.name: batch for batch in last.values()}.values()
        for position, pack in enumerate(batch.packs)
    }
    return {pack: (batch.name, positions[batch.name, pack]) for pack, batch in last.items()}


def _files(store: Store, grid: str, number: int) -> list[Path]:
    folder = jobs_folder(store, grid, number)
    return sorted(folder.glob("[!.]*.json")) if folder.is_dir() else []


def _publish(path: Path, content: dict[str, Any]) -> bool:
    data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    try:
        return publish_new(path, data)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _read_batch(path: Path) -> JobBatch:
    content = _load(path)
    try:
        plain = {name: content[name] for name in _NAMES}
        packs, after = tuple(plain["packs"]), tuple(plain["after"])
        batch = JobBatch(**{**plain, "packs": packs, "after": after})
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path} is damaged ({error})") from error
    # Folders are named after it and removed: what a stranger wrote into the file decides nothing.
    if batch.name != path.stem or not all(map(is_name, (batch.name, *packs, *after))):
        raise StoreError(f"{path} is damaged (its job, packs or predecessors are no such names)")
    return batch


def _load(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise StoreError(f"{path} is damaged ({error})") from error
    return content


_NAMES = tuple(entry.name for entry in fields(JobBatch))
