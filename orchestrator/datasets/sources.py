"""What can be fetched: the files of the datasets, and of published archives, as plain data.

A dataset lists its files in its trait `files`, each a mapping with these keys:

- `path`: below the data root, with `/`;
- `url` for a file to be downloaded, with its published `md5` or `sha256`, and its size in `bytes`;
- `unpack` for an archive, which is unpacked into the folder that it is in, and `holds`, the files
  of it that are read: mappings of `path` and, where they are known, sums and sizes;
- `made` for a file that the dataset makes of the others, by what it registered for that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from pathlib import Path, PurePosixPath
from typing import Any

from grids.catalogue import Catalogue
from grids.problems import unknown


class DataError(ValueError):
    """Data cannot be fetched or used; the message says which, why, and what helps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFile:
    """One file below a data root; the keys of a mapping in the trait `files`."""

    path: str
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    unpack: bool = False
    holds: tuple["DataFile", ...] = ()
    made: bool = False

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], owner: str) -> "DataFile":
        """The file that a mapping describes.

        Raises:
            DataError: For a key that is not known, a path that leaves the data root, or a download
                without a sum; `owner` says whose file it is.
        """
        known = [field.name for field in fields_of(cls)]
        for key in plain:
            if key not in known:
                raise DataError(str(unknown("key", key, known, f"a file of {owner}")))
        held = tuple(cls.from_plain(inner, owner) for inner in plain.get("holds", ()))
        file = cls(**{**plain, "holds": held})
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise DataError(f"{owner}: the file {file.path!r} is not below the data root")
        if file.url is not None and file.sum is None:
            raise DataError(f"{owner}: {file.path} is downloaded but has neither md5 nor sha256")
        return file

    @property
    def sum(self) -> tuple[str, str] | None:
        """The algorithm and the published sum, the stronger one where there are two."""
        if self.sha256 is not None:
            return "sha256", self.sha256
        return ("md5", self.md5) if self.md5 is not None else None

    def below(self, root: Path) -> Path:
        """Where the file is with that data root."""
        return root / self.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What is fetched and checked under one name.

    Attributes:
        name: The name of the dataset or archive.
        summary: One line about it.
        files: Its files; none for a dataset that a person brings.
        dataset: Whether a grid may name it.
    """

    name: str
    summary: str
    files: tuple[DataFile, ...]
    dataset: bool = True

    @property
    def downloads(self) -> tuple[DataFile, ...]:
        """The files that come from the network."""
        return tuple(file for file in self.files if file.url is not None)

    @property
    def made(self) -> tuple[DataFile, ...]:
        """The files that are made of the others."""
        return tuple(file for file in self.files if file.made)

    @property
    def bytes(self) -> int | None:
        """The size of its downloads together; None where one is not known."""
        sizes = [file.bytes for file in self.downloads]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def folder(self) -> str:
        """The folder of what training reads, below the data root; "." for the root itself."""
        [first, *_] = self.downloads or self.made
        [shown, *_] = first.holds or [first]
        path = PurePosixPath(shown.path)
        packed = shown.unpack and path.parent == PurePosixPath(".")
        return path.name.partition(".")[0] if packed else str(path.parent)


def all_sources(catalogue: Catalogue) -> tuple[Source, ...]:
    """The datasets that are read from files, and the published archives, by name.

    Raises:
        DataError: For a file that is described wrongly.
    """
    datasets = [
        _source(entry.name, entry.summary, entry.traits.get("files", ()), dataset=True)
        for entry in catalogue.entries("dataset")
        if entry.traits.get("needs_root", False)
    ]
    archives = [
        _source(archive["name"], archive["summary"], archive["files"], dataset=False)
        for archive in catalogue.archives
    ]
    return tuple(sorted([*datasets, *archives], key=lambda source: source.name))


def pick(catalogue: Catalogue, names: Iterable[str]) -> tuple[Source, ...]:
    """The sources of these names, each once, in that order; all of them for no names.

    Raises:
        GridError: For an unknown name, with the nearest match.
        DataError: For a dataset that is not read from files.
    """
    known = {source.name: source for source in all_sources(catalogue)}
    wanted = list(dict.fromkeys(names))
    everywhere = {entry.name for entry in catalogue.entries("dataset")} - known.keys()
    for name in wanted:
        if name in everywhere:
            raise DataError(f"dataset {name} needs no files below a data root")
        if name not in known:
            raise unknown("dataset", name, known)
    return tuple(known[name] for name in wanted or known)


def refuse_brought(sources: Sequence[Source]) -> Sequence[Source]:
    """The same sources; DataError for those that nobody publishes, so that a person brings them."""
    brought = [source.name for source in sources if not source.files]
    if brought:
        raise DataError(
            f"dataset {', '.join(brought)} is brought by you, there is nothing to fetch; "
            "docs/data.md says what files it takes"
        )
    return sources


def _source(
    name: str, summary: str, files: Sequence[Mapping[str, Any]], *, dataset: bool
) -> Source:
    owner = f"dataset {name}" if dataset else f"archive {name}"
    described = tuple(DataFile.from_plain(plain, owner) for plain in files)
    return Source(name=name, summary=summary, files=described, dataset=dataset)
