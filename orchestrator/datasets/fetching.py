"""Fetching: what is not there is downloaded, unpacked and made; what is there is left alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.datasets.checking import (
    Condition,
    examine,
    is_complete,
    look_at_one,
    look_at_unpacked,
)
from orchestrator.datasets.downloading import DownloadError, download
from orchestrator.datasets.making import make
from orchestrator.datasets.sources import DataError, DataFile, Source
from orchestrator.datasets.unpacking import unpack

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """What fetching a source came to.

    Attributes:
        name: Its name.
        downloaded, unpacked, made: Paths below the data root; all empty when nothing was to do.
        bytes: Size of what was downloaded.
        failures: Why it is not here; empty when it is.
        failed: The downloads that failed.
    """

    name: str
    downloaded: tuple[str, ...] = ()
    unpacked: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    bytes: int = 0
    failures: tuple[str, ...] = ()
    failed: tuple[DataFile, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all of it is here."""
        return not self.failures


def fetch(source: Source, root: Path, tell: Tell) -> Fetched:
    """Bring a source below the data root.

    Args:
        source: What to bring; it has files.
        root: The data root; made when it is not there.
        tell: Takes a line about what is done now.

    Raises:
        OSError: When the data root cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True)
    if is_complete(examine(source, root, sums=True)):
        return Fetched(name=source.name)
    steps = [_bring(file, root, tell) for file in source.downloads]
    failures = [step.failure for step in steps if step.failure]
    made: tuple[str, ...] = ()
    if not failures:
        try:
            made = _finish(source, root, tell)
        except DataError as error:
            failures.append(str(error))
    downloaded = [step.file for step in steps if step.downloaded]
    return Fetched(
        name=source.name,
        downloaded=tuple(file.path for file in downloaded),
        unpacked=tuple(step.file.path for step in steps if step.unpacked),
        made=made,
        bytes=sum(file.below(root).stat().st_size for file in downloaded),
        failures=tuple(failures),
        failed=tuple(step.file for step in steps if step.failure and not step.here),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """What was done for one download; `here` says whether the file itself is there now."""

    file: DataFile
    here: bool = True
    downloaded: bool = False
    unpacked: bool = False
    failure: str = ""


def _bring(file: DataFile, root: Path, tell: Tell) -> _Step:
    members = look_at_unpacked(file, root, sums=True) if file.unpack else []
    if members and is_complete(members):
        return _Step(file=file)
    step = _Step(file=file)
    found = look_at_one(file, root, sums=True)
    if found.condition is not Condition.PRESENT:
        tell(f"downloading {file.url}, because {found.told}")
        try:
            download(file, root)
        except DownloadError as error:
            return _Step(file=file, here=False, failure=str(error))
        step = replace(step, downloaded=True)
    if not file.unpack:
        return step
    tell(f"unpacking {file.path}")
    try:
        unpack(file.below(root), file.sum)
    except DataError as error:
        return replace(step, failure=str(error))
    return replace(step, unpacked=True)


def _finish(source: Source, root: Path, tell: Tell) -> tuple[str, ...]:
    """Make what is to be made; the paths of that."""
    for file in (held for archive in source.downloads for held in archive.holds):
        found = look_at_one(file, root, sums=True)
        if found.condition is not Condition.PRESENT:
            raise DataError(f"{source.name}: after unpacking {found.told}")
    if source.made:
        tell(f"making {', '.join(file.path for file in source.made)}")
        make(source, root)
    return tuple(file.path for file in source.made)
