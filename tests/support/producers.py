"""What cells need of other cells, made for tests of the trainer that hand them straight to it."""

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path

from grids.catalogue import Catalogue
from grids.cell import Cell
from orchestrator.planning.needs import needs_of
from trainer.describe import describe
from trainer.outcome import Outcome, PackRequest
from trainer.run import run_pack

Files = dict[str, dict[str, Path]]
"""Cell id to the files of the artifacts that the cell needs, by their names."""


def inputs_of(cells: Iterable[Cell], data_root: Path | None = None) -> Files:
    """The files that these cells begin with; each producer is trained once per test process."""
    return {
        cell.id: {
            str(need.input): left_by(need.producer, str(need.artifact), data_root)
            for need in needs_of(cell, _catalogue())
        }
        for cell in cells
    }


@functools.cache
def left_by(producer: Cell, name: str, data_root: Path | None = None) -> Path:
    """The file of an artifact of a producer, trained now."""
    path = Path(_folder().name) / f"{producer.id}.{name}"

    def publish(outcome: Outcome) -> None:
        assert outcome.state == "COMPLETED", outcome.error
        path.write_bytes(outcome.artifacts[name])

    request = PackRequest(
        artifacts={producer.id: [name]},
        inputs=inputs_of([producer], data_root),
        data_root=data_root,
    )
    run_pack([producer], publish=publish, request=request)
    return path


@functools.cache
def _catalogue() -> Catalogue:
    return Catalogue.from_json(describe())


@functools.cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="sparsesweep-producers-")
