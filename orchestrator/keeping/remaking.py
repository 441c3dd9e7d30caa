"""Making cells again in a store of their own, in child processes that run the kept code."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.environment import worker_environment
from orchestrator.keeping.copying import copy_file
from orchestrator.keeping.differences import Differences, artifact_sums, compare_written
from orchestrator.keeping.reproducing import Brought, Making, Reproduction
from orchestrator.planning.packing import pack_id
from orchestrator.provenance import ROOT, host
from orchestrator.store.index import load_index
from orchestrator.store.index_part import ORIGIN
from orchestrator.store.layout import Store, StoreError
from orchestrator.store.measured import covered
from orchestrator.store.publishing import publish_all
from orchestrator.store.records import timestamp
from orchestrator.store.written import Written, find_written
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.frozen import copy_kept
from orchestrator.submissions.manifest import Manifest, publish_manifests, this_driver
from orchestrator.submissions.submission import Submission, publish_submission

GRID = "repro"
"""Name of the grid under which the store of a reproduction asks for its cells."""


class ReproductionFailed(Exception):
    """A cell could not be made again; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduced:
    """What a cell came to when it was made again.

    Attributes:
        now: Its new record.
        differences: What of it differs from the record.
        exact: Whether equal bits were promised, by what both records say of their origin.
    """

    now: Written
    differences: Differences
    exact: bool

    @property
    def holds(self) -> bool:
        """Whether no promise was broken."""
        return self.differences.same or not self.exact


def make_again(reproduction: Reproduction, root: Path) -> Reproduced:
    """Train what it takes in a new store, and compare with the record.

    Args:
        reproduction: What it takes.
        root: Folder of the new store; empty, or not there yet.

    Raises:
        ReproductionFailed: When a cell did not come to results, or one that others begin with did
            not come to what it was.
        StoreError: When the new store cannot be written, or an artifact to copy is damaged.
    """
    if root.exists() and any(root.iterdir()):
        raise StoreError(f"{root} is not empty: a reproduction is kept in a folder of its own")
    store = Store.create(root)
    for brought in reproduction.brought:
        _bring(store, brought)
    with _executed(reproduction.code) as code:
        for number, making in enumerate(reproduction.makings, start=1):
            now = _make(store, code, making, number)
            if making is not reproduction.target:
                _check_leftovers(making, now)
    then = reproduction.target.written
    return Reproduced(now=now, differences=compare_written(then, now), exact=_promised(then, now))


@contextmanager
def _executed(code: Path) -> Iterator[Path]:
    """The folder to execute: of code from a store, a copy of its Python files alone."""
    if code == ROOT:
        yield code
        return
    with tempfile.TemporaryDirectory(prefix="sparsesweep-code-") as folder:
        copy = Path(folder) / code.name
        copy_kept(code, copy)
        yield copy


def _bring(store: Store, brought: Brought) -> None:
    """Copy an artifact, and the record of the attempt that answers with it."""
    one = brought.written
    path = store.artifact_path(*one.name, brought.name)
    try:
        copy_file(brought.path, path, artifact_sums(one.record).get(brought.name))
        if one.curve is not None:
            publish_all([(store.curve_path(*one.name), one.curve)])
        publish_all([(store.record_path(*one.name), one.text)])
    except OSError as error:
        raise StoreError(f"cannot copy {brought.path} to {path}: {error.strerror}") from error


def _make(store: Store, code: Path, making: Making, number: int) -> Written:
    """Train one cell; its new record."""
    cell = making.cell
    publish_submission(store, _submission(store, making, number))
    [path] = publish_manifests(store, [_manifest(store, making, number)])
    error = _run(path, code, making)
    state = load_index(store).get(cell.id)
    if state is None:
        raise ReproductionFailed(f"{cell.id} {cell.label()} was not trained: {error}")
    if not state.completed:
        answer = state.answer
        raise ReproductionFailed(
            f"{cell.id} {cell.label()} is {state.state} now: "
            f"{answer.error_type}: {answer.error_message}"
        )
    return find_written(store, cell.id, state.answer.attempt)


def _run(manifest: Path, code: Path, making: Making) -> str:
    """Run a manifest in a child with that code first on its path; what it said when it broke."""
    threads = int(str(making.cell.settings()["threads"]))
    variables = {**os.environ, **worker_environment(threads)}
    others = [path for path in variables["PYTHONPATH"].split(os.pathsep) if path != str(ROOT)]
    variables["PYTHONPATH"] = os.pathsep.join([str(code), *others])
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.worker", str(manifest)],
        env=variables, cwd=manifest.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        _, said = child.communicate()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    lines = said.strip().splitlines()
    return lines[-1] if lines else f"its process ended with status {child.returncode}"


def _check_leftovers(making: Making, now: Written) -> None:
    """Refuse to go on with something else than what the cell began with."""
    then, left = artifact_sums(making.record), artifact_sums(now.record)
    for name in making.leaves:
        if name in then and then[name] != left.get(name):
            raise ReproductionFailed(
                f"{making.cell.id} {making.cell.label()}, with whose {name} the cell began, did "
                "not come to the same again: what the cell begins with cannot be had"
            )


def _promised(then: Written, now: Written) -> bool:
    one, other = then.record.provenance, now.record.provenance
    same = all(one.get(name) == other.get(name) for name in ORIGIN)
    return same and one.get("tier") == "exact"


def _submission(store: Store, making: Making, number: int) -> Submission:
    around, cell = making.surroundings, making.cell
    return Submission(
        grid=GRID,
        number=number,
        source=str(store.root),
        text=f"name: {GRID}\n",
        overrides=(),
        backend="inline",
        slots=around.slots,
        data_root=around.data_root,
        code=str(making.record.provenance.get("code")),
        submitted_at=timestamp(time.time()),
        cells=(cell,),
        inputs={cell.id: making.inputs} if making.inputs else {},
    )


def _manifest(store: Store, making: Making, number: int) -> Manifest:
    around, cell = making.surroundings, making.cell
    return Manifest(
        pack=pack_id([cell]),
        store=str(store.root),
        grid=GRID,
        number=number,
        backend="inline",
        code=str(making.record.provenance.get("code")),
        cells=(cell,),
        data_root=around.data_root,
        device=around.device,
        slots=around.slots,
        threads=int(str(cell.settings()["threads"])),
        driver=this_driver(host()),
        needs={cell.id: tuple(sorted(set(making.inputs.values())))} if making.inputs else {},
        inputs={cell.id: making.inputs} if making.inputs else {},
        artifacts={cell.id: making.leaves} if making.leaves else {},
        plugins=around.plugins,
        probes=CellProbes(common=covered(making.record)),
    )
