"""What of the data is there, and whether it is what was published."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orchestrator.datasets.sources import DataFile, Source
from orchestrator.datasets.unpacking import read_listing


class Condition(StrEnum):
    """What a file is found to be."""

    PRESENT = "present"
    MISSING = "missing"
    PACKED = "not unpacked"
    DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One file, and what was found of it; `detail` says more, or is empty."""

    path: str
    condition: Condition
    detail: str = ""

    @property
    def told(self) -> str:
        """The finding in words."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.path} is {self.condition}{detail}"

    def plain(self) -> dict[str, str]:
        """The finding as plain data, for scripts."""
        return {"path": self.path, "condition": str(self.condition), "detail": self.detail}


def examine(source: Source, root: Path, *, sums: bool) -> list[Finding]:
    """What is there of a source.

    What training reads decides: the files that are made, else the downloads and what came out of
    the archives among them. Only where some of that is not there the rest is looked at as well.

    Args:
        source: Whose files to look at; one that a person brings has none.
        root: The data root.
        sums: Whether to read all files and compare their sums, or their sizes only.
    """
    found = _look_at(source.made or source.files, root, sums=sums)
    return found if is_complete(found) else _look_at(source.files, root, sums=sums)


def is_complete(findings: Sequence[Finding]) -> bool:
    """Whether every file is present."""
    return all(finding.condition is Condition.PRESENT for finding in findings)


def absence(source: Source, root: Path) -> str:
    """What keeps a dataset from being read: the files that are not there; empty for nothing.

    Only names and sizes are looked at; files that a person brings are not known here.
    """
    if is_complete(_look_at(source.made, root, sums=False)) and source.made:
        return ""
    found = _look_at(source.downloads, root, sums=False)
    wrong = [one for one in found if one.condition is not Condition.PRESENT]
    if not wrong:  # what is made of the downloads can also be made while training
        return ""
    listed = ", ".join(finding.told for finding in wrong)
    return (
        f"dataset {source.name}: in {root} {listed}; "
        f"run `sparsesweep data fetch {source.name} --data-root {root}`"
    )


def counted(files: int) -> str:
    """A number of files in words."""
    return "1 file" if files == 1 else f"{files:,} files"


def look_at_unpacked(file: DataFile, root: Path, *, sums: bool) -> list[Finding]:
    """What is there of the files that an archive holds; empty where these are not known."""
    folder = file.below(root).parent
    members = read_listing(file.below(root), file.sum)
    listed = [
        DataFile(path=str((folder / name).relative_to(root)), sha256=digest, bytes=size)
        for name, (size, digest) in members.items()
    ]
    return [look_at_one(member, root, sums=sums) for member in listed or file.holds]


def look_at_one(file: DataFile, root: Path, *, sums: bool) -> Finding:
    """What is found of the file itself, packed or not."""
    path = file.below(root)
    if not path.is_file():
        return _look_at_plain(file, path)
    wrong = damage(file, path, sums=sums)
    condition = Condition.DAMAGED if wrong else Condition.PRESENT
    return Finding(path=file.path, condition=condition, detail=wrong)


def damage(file: DataFile, path: Path, *, sums: bool = True) -> str:
    """How the file at `path` differs from what is known of `file`; empty where it does not."""
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"{size:,} bytes, published {file.bytes:,}"
    if not sums or file.sum is None:
        return ""
    algorithm, published = file.sum
    with path.open("rb") as content:
        own = hashlib.file_digest(content, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return "" if own.hexdigest() == published else f"{algorithm} {own.hexdigest()}, not {published}"


def _look_at_plain(file: DataFile, path: Path) -> Finding:
    """What is found of a file without its compression: readers take `name` for `name.gz`."""
    plain = path.with_suffix("")
    if path.suffix != ".gz" or file.unpack or not plain.is_file():
        return Finding(path=file.path, condition=Condition.MISSING)
    told = f"as {plain.name}, of which no sum is known"
    return Finding(path=file.path, condition=Condition.PRESENT, detail=told)


def _look_at(files: Sequence[DataFile], root: Path, *, sums: bool) -> list[Finding]:
    return [finding for file in files for finding in _findings(file, root, sums=sums)]


def _findings(file: DataFile, root: Path, *, sums: bool) -> list[Finding]:
    if not file.unpack:
        return [look_at_one(file, root, sums=sums)]
    members = look_at_unpacked(file, root, sums=sums)
    if members and is_complete(members):
        told = f"unpacked, {counted(len(members))}"
        return [Finding(path=file.path, condition=Condition.PRESENT, detail=told)]
    own = look_at_one(file, root, sums=sums)
    if own.condition is Condition.PRESENT:
        own = Finding(path=file.path, condition=Condition.PACKED)
    return [own, *(one for one in members if one.condition is Condition.DAMAGED)]
