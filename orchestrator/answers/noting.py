"""Notes that come with a submission and not with its results."""

from dataclasses import replace

from orchestrator.answers.results import Answers
from orchestrator.seeds.telling import note_on
from orchestrator.submissions.submission import Submission


def noted(answers: Answers, submission: Submission) -> Answers:
    """The answers with what a reader must be told of the submission that named their cells."""
    if submission.seed_rule is None:
        return answers
    note = note_on(submission.seed_rule, submission.cells)
    return replace(answers, notes=(*answers.notes, note))
