"""What a record says of the probes that its attempt measured, beside what every cell gets.

A probe is known by its text (`grids.probe_texts`). In its provenance, as `probes`, a record keeps
each one with the names of its final metrics, so that readers need no catalogue to tell whose a
metric is.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.store.records import Record, canonical_json

Output = tuple[str, str | None]
"""A final metric by its name, and the text of the probe that gave it; None for all others."""


def described(measured: Mapping[str, Iterable[str]]) -> list[dict[str, Any]] | None:
    """What a record keeps; None when nothing was measured.

    Args:
        measured: Text of each probe to the names of its metrics.
    """
    return [
        {"probe": json.loads(text), "metrics": sorted(names)}
        for text, names in sorted(measured.items())
    ] or None


def covered(record: Record) -> tuple[str, ...]:
    """The texts of the probes that a record holds, sorted; of older records none."""
    return texts_of(_entries(record))


def texts_of(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The texts of the probes in what a record keeps of them (`described`), sorted."""
    return tuple(sorted(canonical_json(entry["probe"]) for entry in entries))


def outputs(record: Record) -> dict[Output, float]:
    """The metrics of a record, each with the probe that gave it."""
    probes = {
        name: canonical_json(entry["probe"])
        for entry in _entries(record)
        for name in entry["metrics"]
    }
    return {(name, probes.get(name)): value for name, value in record.metrics.items()}


def _entries(record: Record) -> Iterable[Mapping[str, Any]]:
    entries: Iterable[Mapping[str, Any]] = record.provenance.get("probes") or ()
    return entries
