"""Running `sparsesweep` in the process of a test."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

from orchestrator.cli import main


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


def sparsesweep(*arguments: object) -> Said:
    """Run a command line; an unexpected exception comes out as it would with a traceback."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with _undisturbed(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
    return Said(code=int(str(code or 0)), out=out.getvalue(), err=err.getvalue())


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Take back what the command line sets for its whole process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with mock.patch.dict(os.environ), mock.patch.object(warnings, "formatwarning"):
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.handlers[:], root.level = handlers, level
