"""Contrasts and ranks for programs: unrounded, accuracies as fractions."""

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from orchestrator.answers.contrasts import Contrast
from orchestrator.answers.rankings import Ranking
from orchestrator.answers.smallness import smallness_of
from orchestrator.contrasts.building import Comparison

_DIFFERENCE = (
    "n", "mean", "std", "low", "high", "bootstrap_low", "bootstrap_high", "p_t", "p_wilcoxon",
    "wins", "ties", "losses",
)  # fmt: skip


def csv_of(comparison: Comparison) -> str:
    """One line per contrast; what is not defined is empty. Ranks are in JSON."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    fields = (*comparison.row_fields, *comparison.column_fields)
    references = ("reference_row", "reference_column")
    writer.writerow([*fields, *references, *_DIFFERENCE, "p_holm", "p_bh", "warning"])
    parts = comparison.grouped
    for each in comparison.contrasts.contrasts:
        named = [*parts.row_parts[each.row], *parts.column_parts[each.column], *each.reference]
        writer.writerow([*named, *_numbers(each).values(), each.p_holm, each.p_bh, each.warning])
    return sink.getvalue()


def json_of(comparison: Comparison) -> str:
    """Everything, with names of rows and columns as tables write them."""
    found = comparison.contrasts
    content = {
        "value": found.value,
        "against": found.against,
        "test": found.test,
        "confidence": found.confidence,
        "better": comparison.better,
        "contrasts": [_contrast(each) for each in found.contrasts],
        "notes": [*found.notes, *smallness_of(found)],
        "against_by_blocks": {row: asdict(tally) for row, tally in comparison.tallies.items()},
        "ranks": None if comparison.ranking is None else _ranks(comparison.ranking),
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _contrast(contrast: Contrast) -> dict[str, Any]:
    return {
        "row": contrast.row,
        "column": contrast.column,
        "reference": list(contrast.reference),
        **_numbers(contrast),
        "p_holm": contrast.p_holm,
        "p_bh": contrast.p_bh,
        "warning": contrast.warning,
    }


def _numbers(contrast: Contrast) -> dict[str, Any]:
    """The numbers of a difference by name; without one, n is 0 and the others are not there."""
    found = contrast.difference
    if found is None:
        return {"n": 0, **dict.fromkeys(_DIFFERENCE[1:])}
    return {name: getattr(found, name) for name in _DIFFERENCE}


def _ranks(ranking: Ranking) -> dict[str, Any]:
    return {
        "average": dict(zip(ranking.names, ranking.ranks.average, strict=True)),
        "blocks": [list(block) for block in ranking.blocks],
        "friedman": ranking.ranks.friedman,
        "p": ranking.ranks.p,
        "critical_difference": ranking.ranks.critical_difference,
        "tallies": [
            {"first": one, "second": other, **asdict(tally)}
            for (one, other), tally in ranking.tallies.items()
        ],
        "notes": list(ranking.notes),
    }
