"""What a reader is told of a rule for seeds: beside answers, and where more of them are due."""

from collections import Counter
from collections.abc import Collection, Sequence

from grids.cell import Cell
from grids.seed_rules import SeedRule
from orchestrator.seeds.deciding import Decision, Finding, Standing, decide
from orchestrator.seeds.measuring import failed_cells, measured
from orchestrator.store.index import load_index
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import Submission, submissions_of

SHOWN = 5
"""So many questions are told of one by one where a line is all there is."""


def decision_on(store: Store, submission: Submission) -> Decision | None:
    """How the questions of a submission with a rule stand now; None without a rule."""
    rule = submission.seed_rule
    if rule is None:
        return None
    seen = measured(store, rule, submission.cells, submission.probes.texts())
    failed = failed_cells(load_index(store))
    return decide(submission.cells, rule, seen.values, failed, seen.origins)


def cells_due(decision: Decision | None, submission: Submission) -> int:
    """How many cells the rule of a submission asks for that the submission does not list yet."""
    return max(0, len(decision.cells) - len(submission.cells)) if decision is not None else 0


def notes_on(
    decision: Decision, store: Store, submission: Submission, shown: Collection[str]
) -> tuple[str, ...]:
    """The notes under answers about cells that a rule asked for.

    Args:
        decision: How its questions stand.
        store: Where the submissions of the grid are.
        submission: The one that is answered for.
        shown: Ids of the cells that are shown of it.
    """
    rule = decision.rule
    cells = [cell for cell in submission.cells if cell.id in shown]
    first = (
        f"seeds added until {rule.until}, at most {rule.most}: {_counted(cells)}; "
        f"{_outcome(decision)}; plain intervals and tests take their number as fixed"
    )
    doubts = [f.reading.warning for f in decision.findings if f.reading.warning]
    told = list(dict.fromkeys(doubts))
    more = [f"and {len(told) - SHOWN} more seeds lie far out"] if len(told) > SHOWN else []
    further = [decision.too_few(), changed_rule(store, submission)]
    return (first, *told[:SHOWN], *more, *(note for note in further if note))


def lines_on(decision: Decision, most: int | None = None) -> list[str]:
    """How a rule stands, and each question: those that are not settled first.

    Args:
        decision: How its questions stand.
        most: Tell of so many questions, and count the others; None for all.
    """
    more = decision.most_further
    left = f"; at most {more} more {'cell' if more == 1 else 'cells'} later" if more else ""
    count = len(decision.findings)
    standing = ", ".join(f"{n} {word}" for word, n in decision.counts().items() if n)
    head = f"{decision.rule}: {count} {'question' if count == 1 else 'questions'}, {standing}{left}"
    ordered = sorted(decision.findings, key=lambda found: found.standing is Standing.SETTLED)
    lines = [f"  {line_on(found, decision.rule)}" for found in ordered[:most]]
    if most is not None and count > most:
        lines.append(f"  and {count - most} more")
    few = decision.too_few()
    return [head, *([f"  {few}"] if few else []), *lines]


def line_on(finding: Finding, rule: SeedRule) -> str:
    """How one question stands, in a line."""
    seeds = f"with {finding.seeds} seeds"
    if finding.standing is Standing.EXHAUSTED:
        seeds = f"not reached with the most seeds, {finding.seeds} of {rule.most}"
    parts = (f"{finding.standing} {seeds}: {finding.label}", finding.why, finding.reading.warning)
    return ", ".join(part for part in parts if part)


def changed_rule(store: Store, submission: Submission) -> str:
    """The note that the rule was changed after looking; "" where it was not."""
    earlier = {
        str(before.seed_rule)
        for before in submissions_of(store, submission.grid)
        if before.seed_rule is not None and before.number < submission.number
    } - {str(submission.seed_rule)}
    if not earlier:
        return ""
    listed = "; ".join(sorted(earlier))
    return (
        f"the rule was changed after looking (before: {listed}): its error holds for each rule, "
        f"not for all of them together"
    )


def _counted(cells: Sequence[Cell]) -> str:
    """The fewest and the most seeds of any group among the cells."""
    groups = Counter(cell.canonical_json().replace(f'"seed":{cell.seed}', "") for cell in cells)
    counts = sorted(groups.values())
    if not counts:
        return "none here"
    return str(counts[0]) if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"


def _outcome(decision: Decision) -> str:
    """How many questions stand how: an exhausted one was not reached, whatever its seeds."""
    counts, total = decision.counts(), len(decision.findings)
    parts = [f"{counts[Standing.SETTLED]} of {total} settled"]
    if counts[Standing.EXHAUSTED]:
        exhausted = f"{counts[Standing.EXHAUSTED]} not reached with the most seeds"
        parts.append(f"{exhausted}, {decision.rule.most} of {decision.rule.most}")
    parts += [f"{counts[word]} {word}" for word in (Standing.HELD, Standing.OPEN) if counts[word]]
    return ", ".join(parts)
