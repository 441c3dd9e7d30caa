"""The probes of many cells, kept shortly: nearly all cells of a grid have the same."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grids.probe_texts import plain_probe


@dataclass(frozen=True, kw_only=True, slots=True)
class CellProbes:
    """What shall be measured of each cell, as texts (`grids.probe_texts`).

    Attributes:
        common: The probes of all cells but the others.
        others: Cell id to its probes, for cells that have not the common ones.
    """

    common: tuple[str, ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def gathered(cls, of_cells: Mapping[str, tuple[str, ...]]) -> "CellProbes":
        """The probes of these cells, by their ids."""
        counts = Counter(of_cells.values())
        common = min(counts, key=lambda probes: (-counts[probes], probes), default=())
        others = {cell: probes for cell, probes in of_cells.items() if probes != common}
        return cls(common=common, others=others)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "CellProbes":
        """The inverse of `plain`; of nothing, as older programs wrote it, that there are none.

        Raises `GridError` for what is no text of a probe, KeyError or TypeError for other damage.
        """
        if not plain:
            return NO_PROBES
        others = {
            cell: _checked(entry["probes"]) for entry in plain["others"] for cell in entry["cells"]
        }
        return cls(common=_checked(plain["common"]), others=others)

    def of(self, cell: str) -> tuple[str, ...]:
        """The probes of the cell with this id."""
        return self.others.get(cell, self.common)

    def texts(self) -> list[str]:
        """Every probe that some cell may have, sorted."""
        return sorted({*self.common, *(text for own in self.others.values() for text in own)})

    def plain(self) -> dict[str, Any]:
        """JSON-able data: every combination once, with the cells that have it."""
        cells: dict[tuple[str, ...], list[str]] = {}
        for cell, probes in self.others.items():
            cells.setdefault(probes, []).append(cell)
        listed = [{"probes": list(probes), "cells": ids} for probes, ids in sorted(cells.items())]
        return {"common": list(self.common), "others": listed}


NO_PROBES = CellProbes()
"""Of no cell is anything measured that not all cells get."""


def _checked(texts: Iterable[str]) -> tuple[str, ...]:
    given = tuple(texts)
    for text in given:
        plain_probe(text)
    return given
