"""Pack manifests: all that a worker is told, as one JSON file that it reads and never executes."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from grids.artifacts import check_input, check_name
from grids.cell import Cell
from grids.problems import GridError
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.publishing import publish_all
from orchestrator.submissions.cell_lists import from_plain, ids_of, to_plain
from orchestrator.submissions.cell_probes import NO_PROBES, CellProbes

MANIFEST_VERSION = 3
"""Version of the manifest's format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """The process that submitted a pack and waits for it.

    Attributes:
        host: Its machine.
        pid: Its process id there.
        started: When it began, in the kernel's clock ticks: tells a reused pid from the old one.
    """

    host: str
    pid: int
    started: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """One pack and how to run it.

    Attributes:
        pack: Id of the pack.
        store: Absolute path of the store's folder.
        grid: Name of the grid it was submitted for.
        number: Number of the submission.
        backend: Name of the backend that carries it.
        code: Hash of the code at submission.
        plugins: The users' distributions that bring what the cells name, with their versions at
            submission.
        cells: The cells, in grid order.
        data_root: Folder of the datasets that are read from files, or None.
        device: A torch device, such as "cpu" or "cuda:0".
        slots: Workers that share a machine.
        threads: Threads of each worker's numerical libraries.
        engine: "auto", or the engine to insist on.
        checkpoint_minutes: Longest time between two checkpoints.
        supersedes: Cell id to the attempts that a new one shall replace, where there are any.
        driver: Who waits for it; None when nobody does, because a scheduler carries it.
        seconds: Expected wall seconds of one of its cells; None where nothing was measured.
        needs: Cell id to the ids of its producers, where there are any.
        inputs: Cell id to the artifacts it needs, by the names of its inputs
            (`grids.artifacts.input_name`), with the ids of the cells that leave them.
        artifacts: Cell id to the names of the artifacts that it shall leave, where there are any.
        ended: Cell id to the number of attempts at it that had ended before, where there were any.
        probes: What shall be measured of each cell.
        followed: Whether a rule may ask for further seeds once all packs of its submission ended.
        gpus: GPUs that the pack is given, or the fraction of one; 0 for none.
        max_device_hours: What the whole submission may use of GPUs, or without any of workers; None
            for no bound.
    """

    pack: str
    store: str
    grid: str
    number: int
    backend: str
    code: str
    cells: Sequence[Cell]
    data_root: str | None = None
    device: str = "cpu"
    slots: int = 1
    threads: int = 1
    engine: str = "auto"
    checkpoint_minutes: float = 10.0
    supersedes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    driver: Driver | None
    seconds: float | None = None
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    artifacts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)
    plugins: Mapping[str, str] = field(default_factory=dict)
    probes: CellProbes = NO_PROBES
    followed: bool = False
    gpus: float = 0.0
    max_device_hours: float | None = None

    def unfinished(self, index: Mapping[str, CellState]) -> tuple[str, ...]:
        """Ids of the cells at which no attempt has ended since the manifest was made.

        Args:
            index: What the store holds now, by cell id.
        """
        return tuple(
            cell
            for cell in ids_of(self.cells)
            if cell not in index or index[cell].attempts <= self.ended.get(cell, 0)
        )

    def to_json(self) -> bytes:
        """The manifest's file."""
        content = {name: getattr(self, name) for name in _NAMES}
        content["cells"] = to_plain(self.cells)
        content["driver"] = asdict(self.driver) if self.driver is not None else None
        content["probes"] = self.probes.plain()
        content["schema"] = MANIFEST_VERSION
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> "Manifest":
        """The inverse of `to_json`; StoreError when damaged or of another version."""
        try:
            content: dict[str, Any] = json.loads(data)
            version = content.pop("schema")
            if version != MANIFEST_VERSION:
                raise StoreError(f"it has format version {version!r}, not {MANIFEST_VERSION}")
            content["cells"] = from_plain(content["cells"])
            for name in ("supersedes", "needs", "artifacts"):
                content[name] = {cell: tuple(listed) for cell, listed in content[name].items()}
            for check, of in ((check_name, "artifacts"), (check_input, "inputs")):
                for name in (name for names in content[of].values() for name in names):
                    check(name)
            content["probes"] = CellProbes.from_plain(content.get("probes", {}))
            if content["driver"] is not None:
                content["driver"] = Driver(**content["driver"])
            return cls(**content)
        except (KeyError, TypeError, json.JSONDecodeError, GridError) as error:
            raise StoreError(f"it is damaged ({error})") from error

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """The manifest in a file; StoreError names the file when it cannot be read."""
        try:
            return cls.from_json(path.read_bytes())
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from error
        except StoreError as error:
            raise StoreError(f"cannot read {path}: {error}") from error

    def path_in(self, store: Store) -> Path:
        """Where the manifest lies in a store."""
        return store.pack_path(self.grid, self.number, self.pack)


_NAMES = tuple(entry.name for entry in fields(Manifest))


def publish_manifests(store: Store, manifests: list[Manifest]) -> list[Path]:
    """Put manifests into the store; their paths, in the same order.

    Raises:
        StoreError: When they cannot be written.
    """
    files = [(manifest.path_in(store), manifest.to_json()) for manifest in manifests]
    try:
        publish_all(files)
    except OSError as error:
        raise StoreError(f"cannot write into {store.root}: {error.strerror}") from error
    return [path for path, _ in files]


def this_driver(host: str) -> Driver:
    """The running process as a driver."""
    return Driver(host=host, pid=os.getpid(), started=started(os.getpid()) or 0)


def started(pid: int) -> int | None:
    """When a process of this machine began, in clock ticks since boot; None when it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The second field is the command in parentheses and may hold anything; start time is the 22nd.
    state, *rest = status.rpartition(")")[2].split()
    return None if state == "Z" else int(rest[18])
