"""The answers of a submission, with the notes that come with it and not with its results."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orchestrator.answers.results import Answers, select
from orchestrator.seeds.telling import decision_on, notes_on
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import Submission
from orchestrator.worker.spending import ended_early


def select_asked(
    store: Store,
    submission: Submission,
    *,
    where: Mapping[str, Sequence[str]] | None = None,
    allow_mixed: bool = False,
) -> Answers:
    """The answers for the cells of a submission, with all that it asks to be measured of them.

    Args:
        store: Where to look.
        submission: What was asked for.
        where: Keep only cells whose field has one of the values.
        allow_mixed: Accept, and note, results of different tiers, device types or code.

    Raises:
        AnswerError: When a field or value in `where` does not occur, or results are mixed.
        CollisionError: When the store holds another cell under the id of one of these.
    """
    answers = select(
        store,
        submission.cells,
        where=where,
        allow_mixed=allow_mixed,
        probes=submission.probes,
        metrics=submission.metrics,
    )
    return noted(store, answers, submission)


def noted(store: Store, answers: Answers, submission: Submission) -> Answers:
    """The answers with what a reader must be told of the submission that named their cells."""
    halted = ended_early(store, submission.grid, submission.number) is not None
    answers = replace(answers, halted=halted)
    decision = decision_on(store, submission)
    if decision is None:
        return answers
    shown = {answer.cell for answer in answers.answers}
    return replace(answers, notes=(*answers.notes, *notes_on(decision, store, submission, shown)))
