"""What the cells of a pack begin with: the artifacts that their producers left."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from grids.artifacts import artifact_of
from orchestrator.store.artifacts import Artifact, Held, answering_artifacts
from orchestrator.store.index import CellState
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What was found for the cells of a pack.

    Attributes:
        found: Cell id to its artifacts by input name, for the cells that need any and have all.
        missing: Cell id to what is missing, for the others.
    """

    found: Mapping[str, Mapping[str, Artifact]]
    missing: Mapping[str, str]


def held_artifacts(store: Store, manifest: Manifest, index: Mapping[str, CellState]) -> Held:
    """The artifacts of a store, looked at only when a cell of the pack needs any."""
    return answering_artifacts(store, index) if manifest.inputs else {}


def find_inputs(manifest: Manifest, held: Held, cells: Collection[str]) -> Inputs:
    """The artifacts that these cells of a pack begin with.

    Args:
        manifest: The pack.
        held: The artifacts that there are.
        cells: Ids of the cells.
    """
    found: dict[str, dict[str, Artifact]] = {}
    missing: dict[str, str] = {}
    for cell in cells:
        for name, producer in manifest.inputs.get(cell, {}).items():
            left = artifact_of(name)
            artifact = held.get(producer, {}).get(left)
            if artifact is None:
                missing[cell] = f"cell {producer} left no {left}, or it was removed"
            else:
                found.setdefault(cell, {})[name] = artifact
    return Inputs(found={c: own for c, own in found.items() if c not in missing}, missing=missing)


def lacks_input(manifest: Manifest, cell: str, producer: str, held: Held) -> bool:
    """Whether a producer has not left all that a cell needs of it."""
    return any(
        left_by == producer and artifact_of(name) not in held.get(producer, {})
        for name, left_by in manifest.inputs.get(cell, {}).items()
    )
