"""Contrasts and ranks for programs: unrounded, accuracies as fractions."""

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from orchestrator.answers.contrasts import Contrast
from orchestrator.answers.rankings import Ranking, Unranked
from orchestrator.answers.smallness import family_notes, smallness_of
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
    how = ("p_holm", "p_bh", "test", "family", "confidence", "warning")
    writer.writerow([*fields, *references, *_DIFFERENCE, *how])
    found = comparison.contrasts
    parts = comparison.grouped
    for each in found.contrasts:
        named = [*parts.row_parts[each.row], *parts.column_parts[each.column], *each.reference]
        corrected = (each.p_holm, each.p_bh, found.test, len(found.contrasts), found.confidence)
        writer.writerow([*named, *_numbers(each).values(), *corrected, each.warning])
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
        "notes": [*family_notes(found), *found.notes, *smallness_of(found)],
        "marks": [
            {"row": row, "column": column, "mark": mark.name.lower()}
            for (row, column), mark in comparison.marks.items()
        ],
        "ranks": _ranks(comparison.ranking) if isinstance(comparison.ranking, Ranking) else None,
        "unranked": comparison.ranking.reason if isinstance(comparison.ranking, Unranked) else "",
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
        "independent": ranking.independent,
        "friedman": ranking.ranks.friedman if ranking.independent else None,
        "p": ranking.ranks.p if ranking.independent else None,
        "critical_difference": (ranking.ranks.critical_difference if ranking.independent else None),
        "against": {name: asdict(tally) for name, tally in ranking.against.items()},
        "tallies": [
            {"first": one, "second": other, **asdict(tally)}
            for (one, other), tally in ranking.tallies.items()
        ],
        "notes": list(ranking.notes),
    }
