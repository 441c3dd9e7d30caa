"""Generations: numbered, immutable versions of the folded tables.

Generation n is one manifest `tables/_gen/<n>.json`, published by link, that names its parts with
their sizes and digests. The newest generation is the truth of what was folded in. Manifests are
kept for ever, so that a compactor that slept cannot publish a number again; the parts of older
generations are removed.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchestrator.store.layout import SCHEMA_VERSION, Store, StoreError
from orchestrator.store.publishing import publish_all, publish_new

if TYPE_CHECKING:
    import pyarrow as pa

_KEPT = 2  # generations whose parts stay for readers that began before the newest one
_READING_TRIES = 5

PartT = TypeVar("PartT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of a generation: a table as Parquet, or the index as JSON.

    Attributes:
        file: Its name in the folder of the generations.
        size: Bytes.
        sha256: Digest of its content, hex.
    """

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """One version of the folded tables.

    Attributes:
        number: Ascending from 1.
        attempts: How many attempts its tables hold.
        parts: Table name, or "index", to the file that holds it.
    """

    number: int
    attempts: int
    parts: Mapping[str, Part]

    def to_json(self) -> bytes:
        """The manifest's file."""
        content = {
            "schema": SCHEMA_VERSION,
            "number": self.number,
            "attempts": self.attempts,
            "parts": {
                name: {"file": part.file, "size": part.size, "sha256": part.sha256}
                for name, part in self.parts.items()
            },
        }
        return json.dumps(content, sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Generation":
        """The inverse of `to_json`; StoreError when damaged or of another schema version."""
        try:
            content = json.loads(data)
            if content["schema"] != SCHEMA_VERSION:
                raise StoreError(f"it has schema version {content['schema']!r}")
            parts = {name: Part(**part) for name, part in content["parts"].items()}
            return cls(number=content["number"], attempts=content["attempts"], parts=parts)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise StoreError(f"it is damaged ({error})") from error


def newest(store: Store) -> Generation | None:
    """The newest generation; None before the first compaction."""
    number = _newest_number(store)
    if number == 0:
        return None
    path = _manifest(store, number)
    try:
        return Generation.from_json(path.read_bytes())
    except StoreError as error:
        raise StoreError(f"cannot read {path}: {error}") from error


def read_newest(
    store: Store, names: Collection[str] | None = None
) -> tuple[Generation, dict[str, bytes]] | None:
    """The newest generation and the content of its parts of these names (all when None).

    Returns:
        None before the first compaction.

    Raises:
        StoreError: When the generation is damaged.
    """
    return _of_newest(store, names, read_part)


def open_newest(
    store: Store, names: Collection[str]
) -> tuple[Generation, dict[str, "pa.NativeFile"]] | None:
    """The newest generation and the files of its parts of these names, open for reading.

    What is open stays readable when a compaction removes its name. Sizes are checked and digests
    are not: that would read everything, and whoever opens a part wants little of it.

    Returns:
        None before the first compaction.

    Raises:
        StoreError: When the generation is damaged.
    """
    return _of_newest(store, names, _open_part)


def read_part(store: Store, generation: Generation, part: str) -> bytes:
    """The content of one part; FileNotFoundError when it was removed, StoreError when damaged."""
    entry = generation.parts[part]
    path = store.generations / entry.file
    data = path.read_bytes()
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise StoreError(f"{path} is damaged: its content is not what was folded")
    return data


def _of_newest(
    store: Store,
    names: Collection[str] | None,
    take: Callable[[Store, Generation, str], PartT],
) -> tuple[Generation, dict[str, PartT]] | None:
    for _ in range(_READING_TRIES):
        generation = newest(store)
        if generation is None:
            return None
        wanted = generation.parts if names is None else names
        try:
            return generation, {name: take(store, generation, name) for name in wanted}
        except FileNotFoundError:
            continue  # newer generations came since, and its parts were removed
    raise StoreError(f"the newest generation in {store.generations} has lost its parts")


def _open_part(store: Store, generation: Generation, part: str) -> "pa.NativeFile":
    import pyarrow as pa

    entry = generation.parts[part]
    path = store.generations / entry.file
    file = pa.OSFile(str(path))
    if file.size() != entry.size:
        raise StoreError(f"{path} is damaged: it has {file.size()} bytes, not {entry.size}")
    return file


def write_parts(
    store: Store, number: int, attempts: int, contents: Mapping[str, bytes]
) -> Generation:
    """Put the parts of a generation-to-be on the disk, under names that nobody else uses."""
    token = secrets.token_hex(4)
    parts = {
        name: Part(
            file=f"{number}.{token}.{name}.{'json' if name == 'index' else 'parquet'}",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        for name, data in contents.items()
    }
    publish_all([(store.generations / parts[name].file, contents[name]) for name in parts])
    return Generation(number=number, attempts=attempts, parts=parts)


def publish_generation(store: Store, generation: Generation) -> bool:
    """Make a generation the newest; False (its parts removed) when somebody was first."""
    ours = publish_new(_manifest(store, generation.number), generation.to_json())
    if not ours:
        for part in generation.parts.values():
            (store.generations / part.file).unlink(missing_ok=True)
    return ours


def remove_old_parts(store: Store) -> None:
    """Remove the parts that no recent generation names, those of crashed compactors too."""
    last = _newest_number(store)
    kept = {
        part.file
        for number in range(max(1, last - _KEPT + 1), last + 1)
        for part in Generation.from_json(_manifest(store, number).read_bytes()).parts.values()
    }
    for name in _names(store):
        number = name.partition(".")[0]
        is_part = name.count(".") > 1 and number.isdecimal()
        if is_part and int(number) <= last and name not in kept:
            (store.generations / name).unlink(missing_ok=True)


def _newest_number(store: Store) -> int:
    numbers = [name.removesuffix(".json") for name in _names(store)]
    number = max((int(number) for number in numbers if number.isdecimal()), default=0)
    while _manifest(store, number + 1).exists():  # a listing may lag behind on NFS
        number += 1
    return number


def _manifest(store: Store, number: int) -> Path:
    return store.generations / f"{number}.json"


def _names(store: Store) -> list[str]:
    try:
        return os.listdir(store.generations)
    except FileNotFoundError:
        return []
