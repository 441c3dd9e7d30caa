"""The legend below a table that is compared with a reference row."""

from orchestrator.answers.contrasts import Contrasts
from orchestrator.answers.grouping import Grouped
from orchestrator.answers.marks import legend_of
from orchestrator.answers.measurements import better_end, words_of
from orchestrator.answers.smallness import family_notes, rank_limit, warnings_of


def comparison_notes(grouped: Grouped, compared: Contrasts) -> list[str]:
    """What the marks say, then what keeps comparisons from having one."""
    limit = rank_limit(compared) if compared.test == "wilcoxon" else ""
    asked = f"{words_of(compared.value)} against {compared.against}"
    return [
        *legend_of(grouped, compared, better_end(grouped)),
        *([limit] if limit else []),
        *(f"{asked}, {text}" for text in (*family_notes(compared), *warnings_of(compared))),
    ]
