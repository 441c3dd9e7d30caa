"""Is the difference real? Every entry of a table against a reference, then the average ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.contrasts import Contrasts, contrasts, test_named
from orchestrator.answers.grouping import Grouped, Key, group
from orchestrator.answers.marks import Mark, marks_of
from orchestrator.answers.measurements import better_end
from orchestrator.answers.naming import Parts, fields_in
from orchestrator.answers.rankings import Ranking, Unranked, ranking_of
from orchestrator.answers.results import AnswerError, Answers
from orchestrator.statistics.paired import Better


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Contrasts and ranks of one measurement; make it with `build_comparison`.

    Attributes:
        row_fields: The fields that name the rows, the outer one first.
        column_fields: The fields that name the columns, the outer one first.
        grouped: What is compared.
        contrasts: Every entry against its reference.
        better: The end of the measurement that wins.
        ranking: Average ranks, or why there are none.
    """

    row_fields: Parts
    column_fields: Parts
    grouped: Grouped
    contrasts: Contrasts
    better: Better
    ranking: Ranking | Unranked

    @property
    def marks(self) -> Mapping[Key, Mark]:
        """The entries that differ significantly."""
        return marks_of(self.grouped, self.contrasts, better_end(self.grouped))


def build_comparison(
    answers: Answers,
    *,
    rows: str = "method",
    columns: str = "density",
    value: str = "test_accuracy",
    average: Sequence[str] = (),
    against: str = "dense",
    confidence: float = 0.95,
    test: str = "t",
) -> Comparison:
    """Compare every entry of a table with a reference row, and rank its rows.

    Args:
        answers: The cells.
        rows: The field that names the rows, or several with commas, the outer one first. Of the
            innermost one `against` is a value.
        columns: The same for the columns.
        value: The measurement.
        average: Fields to average over within each seed; everything else must be equal.
        against: The reference row.
        confidence: Of the intervals, 0.5 to 0.9999.
        test: Whose p is corrected for being so many: "t" or "wilcoxon".

    Raises:
        AnswerError: When a field, the value or the reference does not occur, or is not there to be
            compared with, or when cells that would be averaged differ in a field that was not
            asked for.
    """
    grouped = group(answers, rows=rows, columns=columns, value=value, average=average)
    better: Better = "lower" if better_end(grouped) == "lower" else "higher"
    found = contrasts(
        grouped,
        against=against,
        confidence=confidence,
        test=test_named(test),
        better=better,
    )
    if not found.contrasts:
        raise AnswerError(f"there is no row to compare with {against}: the cells have no other")
    return Comparison(
        row_fields=fields_in(rows),
        column_fields=fields_in(columns),
        grouped=grouped,
        contrasts=found,
        better=better,
        ranking=ranking_of(grouped, found, better),
    )
