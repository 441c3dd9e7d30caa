"""How much room a plan's artifacts take: those that are there, and those still to be left."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

from grids.artifacts import SCORES, kind_of
from orchestrator.planning.plan import Plan
from orchestrator.store.artifacts import Held
from orchestrator.store.index import CellState
from orchestrator.store.records import canonical_json

_Kind = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactSizes:
    """The artifacts of a plan.

    Attributes:
        here: How many of each name the cells of the plan have left.
        here_bytes: What these take.
        missing: How many of each name a run would add.
        missing_bytes: What these are expected to take; None when none like them was left yet.
    """

    here: Mapping[str, int]
    here_bytes: int
    missing: Mapping[str, int]
    missing_bytes: float | None


def artifact_sizes(plan: Plan, held: Held, index: Mapping[str, CellState]) -> ArtifactSizes:
    """What the artifacts of a plan take; what is not there yet is judged by others of its kind.

    Args:
        plan: The plan.
        held: The artifacts that there are.
        index: What the store holds, by cell id.
    """
    ids = {entry.cell.id for entry in plan.cells}
    here = [one for cell in ids for one in held.get(cell, {}).values()]
    sizes: dict[_Kind, list[int]] = {}
    for cell, own in held.items():
        for artifact in own.values():
            kind = _kind(artifact.name, index[cell].canonical)
            sizes.setdefault(kind, []).append(artifact.size)
    missing = [
        (name, _kind(name, entry.cell.canonical()))
        for entry in plan.cells
        if entry.train
        for name in entry.leaves
        if name not in held.get(entry.cell.id, {})
    ]
    known = [mean(sizes[kind]) for _, kind in missing if kind in sizes]
    return ArtifactSizes(
        here=Counter(one.name for one in here),
        here_bytes=sum(one.size for one in here),
        missing=Counter(name for name, _ in missing),
        missing_bytes=sum(known) if len(known) == len(missing) else None,
    )


def _kind(name: str, canonical: Mapping[str, Any]) -> _Kind:
    """What decides the size of an artifact.

    Weights and masks are those of the network, and of scores there is one for each example.
    """
    dataset = canonical_json(canonical["dataset"])
    if kind_of(name) in SCORES:
        return "scores", dataset, str(canonical.get("data_ratio", "1"))
    return "weights", dataset, canonical_json(canonical["model"])
