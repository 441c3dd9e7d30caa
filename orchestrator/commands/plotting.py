"""plot: figures of a grid's answers."""

from pathlib import Path

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    StoreFolder,
    SubmittedGrid,
    tell,
    writing,
)
from orchestrator.commands.asking import AllowMixed, Output, Value, Where, answers_for


def plot(
    grid: SubmittedGrid = None,
    output: Output = None,
    value: Value = "test_accuracy",
    where: Where = [],  # noqa: B006
    allow_mixed: AllowMixed = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Draw accuracy over density, one line per method: SVG, PDF or PNG, by the file's suffix."""
    from orchestrator.plots.density import accuracy_over_density
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    target = output
    if target is None:
        target = Path(f"{find_submission(Store.open(store), grid).grid}.svg")
    answers = answers_for(store, grid, where, allow_mixed)
    with writing(target):
        accuracy_over_density(answers, target, value=value)
    tell(f"wrote {target}")
