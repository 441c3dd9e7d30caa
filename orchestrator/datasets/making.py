"""Files that a dataset makes of what was fetched, in a child process because that may need torch.

`python -m orchestrator.datasets.making MODULE:FUNCTION DATA_ROOT` is that child.
"""

import importlib
import os
import subprocess
import sys
from pathlib import Path

from orchestrator.datasets.sources import DataError, DataFile
from orchestrator.environment import worker_environment
from orchestrator.provenance import ROOT


def make(file: DataFile, root: Path) -> None:
    """Have a dataset make one of its files.

    Raises:
        DataError: When that fails, with what the child wrote, or when the file is not there after.
    """
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.datasets.making", str(file.make), str(root)],
        cwd=ROOT, env={**os.environ, **worker_environment()},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise DataError(f"{file.path} cannot be made: {done.stderr.strip()}")
    if not file.below(root).is_file():
        raise DataError(f"{file.path} was not made by {file.make}")


def main(target: str, root: str) -> None:
    """Call the function that `target` names (in the child)."""
    module, _, name = target.partition(":")
    try:
        getattr(importlib.import_module(module), name)(Path(root))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
