"""Files that a dataset makes of what was fetched, in a child process because that may need torch.

`python -m orchestrator.datasets.making DATASET DATA_ROOT` is that child. It is told a name and
nothing to run: what makes the files is what the dataset registered there, ours or a plug-in's.
"""

import os
import subprocess
import sys
from pathlib import Path

from orchestrator.datasets.sources import DataError, Source
from orchestrator.environment import worker_environment
from orchestrator.provenance import ROOT


def make(source: Source, root: Path) -> None:
    """Have a dataset make its files.

    Raises:
        DataError: When that fails, with what the child wrote, or when a file is not there after.
    """
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.datasets.making", source.name, str(root)],
        cwd=ROOT, env={**os.environ, **worker_environment()},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    listed = ", ".join(file.path for file in source.made)
    if done.returncode != 0:
        raise DataError(f"{listed} cannot be made: {done.stderr.strip()}")
    for file in source.made:
        if not file.below(root).is_file():
            raise DataError(f"{file.path} was not made by dataset {source.name}")


def main(dataset: str, root: str) -> None:
    """Call what a dataset registered to make its files (in the child)."""
    from trainer.data import MAKERS
    from trainer.describe import load_plugins

    load_plugins()
    try:
        MAKERS.get(dataset).target(Path(root))
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
