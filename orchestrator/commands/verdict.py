"""verdict: claims with rules fixed beforehand, judged by the results of grids."""

from typing import Annotated

import typer

from orchestrator.commands.arguments import DEFAULT_STORE, StoreFolder, deliver
from orchestrator.commands.asking import AllowMixed, Output, Where, conditions


def verdict(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="structure, same_capacity, gradient_flow or generalization."
        ),
    ],
    grids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GRID ...]",
            help="Grids that were run, judged together; by default the last one.",
        ),
    ] = None,
    where: Where = [],  # noqa: B006 - typer reads the default, nobody changes it
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|markdown|csv|json", help="How to write it.")
    ] = "text",
    allow_mixed: AllowMixed = False,
    output: Output = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Judge the claims of a study by its grid's results: supported, not supported or undecided."""
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission
    from orchestrator.verdicts.judgements import check_name, judge
    from orchestrator.verdicts.material import gather
    from orchestrator.verdicts.rendering import render

    check_name(name)
    opened = Store.open(store)
    asked: list[str | None] = list(dict.fromkeys(grids)) if grids else [None]
    submissions = [find_submission(opened, grid) for grid in asked]
    material = gather(opened, submissions, where=conditions(where), allow_mixed=allow_mixed)
    text = render(judge(name, material), output_format)
    deliver(text, output)
