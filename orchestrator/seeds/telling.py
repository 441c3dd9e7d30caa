"""What a reader is told of a rule for seeds: beside answers, and where more of them are due."""

from collections.abc import Sequence

from grids.cell import Cell
from grids.seed_rules import SeedRule
from orchestrator.seeds.deciding import decide
from orchestrator.seeds.measuring import failed_cells, measured
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import Submission


def note_on(rule: SeedRule, cells: Sequence[Cell]) -> str:
    """The note under answers about the cells that a rule asked for: how many seeds they have."""
    counts: list[int] = []
    for cell in cells:
        if cell.seed == 0:
            counts.append(0)
        counts[-1] += 1
    found = f"{min(counts)} to {max(counts)}" if len(set(counts)) > 1 else str(counts[0])
    return (
        f"seeds added until {rule.until}, at most {rule.most}: {found}; plain intervals and tests "
        f"take their number as fixed"
    )


def cells_due(store: Store, submission: Submission) -> int:
    """How many cells the rule of a submission asks for that the submission does not list yet."""
    rule = submission.seed_rule
    if rule is None:
        return 0
    values = measured(store, rule.until.value, submission.probes.texts())
    decision = decide(submission.cells, rule, values, failed_cells(load_index(store)))
    return max(0, len(decision.cells) - len(submission.cells))
