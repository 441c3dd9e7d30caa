"""`sparsesweep`: the command line. Commands live in `commands`; here they get their names.

Exit codes: 0 done, or submitted; 1 some cells failed; 2 a mistake in the command or the grid;
75 not finished yet (`status --exit-code`); 130 interrupted.
"""

import gc
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from orchestrator.commands import (
    clean,
    compare,
    cost,
    data,
    merge,
    plot,
    query,
    reference,
    report,
    repro,
    running,
    stats,
    table,
    verdict,
    watching,
)
from orchestrator.commands.arguments import STORE_VARIABLE, tame, tell

_OURS = ("grids", "orchestrator", "sparse", "trainer")
_MISTAKE = 2

app = typer.Typer(
    name="sparsesweep",
    help="Turn one grid file into one trustworthy table.",
    epilog=(
        "Exit codes: 0 done, 1 some cells failed, 2 a mistake in the command or the grid, "
        "75 not finished yet (status --exit-code), 130 interrupted."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    running.plan,
    running.run,
    watching.status,
    watching.logs,
    watching.why,
    watching.cancel,
    running.retry,
    query.query,
    table.table,
    stats.stats,
    plot.plot,
    report.report,
    verdict.verdict,
    cost.cost,
    compare.compare,
    merge.merge,
    repro.repro,
    clean.clean,
    reference.methods,
    reference.schema,
    reference.doctor,
):
    app.command()(command)
app.add_typer(data.data)


@app.callback()
def _before(
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of the results, for any command.")
    ] = None,
) -> None:
    if store is not None:
        os.environ[STORE_VARIABLE] = str(store)  # what the option of every command falls back to


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with the exit code.

    A person's mistake is one message on standard error and code 2. Anything unexpected keeps its
    traceback: it is a fault of the program.
    """
    _show_warnings()
    # Looking at a hundred thousand cells makes as many objects, which live until the end: searching
    # them for garbage again and again would take a fifth of the time.
    gc.set_threshold(200_000, 50, 1000)
    try:
        from orchestrator.environment import check_packages

        check_packages()
        app(args=arguments, prog_name="sparsesweep")
    except ValueError as error:
        if not _is_a_mistake(error):
            raise
        tell(str(error))
        sys.exit(_MISTAKE)
    sys.exit(0)


def _show_warnings() -> None:
    """Show warnings as one line each; what workers in this process log goes to their own files."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Tame("%(message)s"))
    handler.addFilter(lambda record: record.name != "orchestrator.worker.run")
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(True)
    warnings.formatwarning = lambda message, *_, **__: str(message)


class _Tame(logging.Formatter):
    """Messages that a terminal does not obey, though they may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        return tame(super().format(record))


def _is_a_mistake(error: ValueError) -> bool:
    """Whether an error is one of ours about what a person gave, and not a fault of the program."""
    return type(error).__module__.partition(".")[0] in _OURS


if __name__ == "__main__":
    main()
