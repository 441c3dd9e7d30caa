"""Comparing the masks that cells left, in a child process because reading them needs torch.

`python -m orchestrator.plots.masks` is that child. It is told files and which of them to compare,
and nothing to run; nothing in the files is executed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.answers.results import AnswerError
from orchestrator.environment import worker_environment
from orchestrator.provenance import ROOT

Agreement = Mapping[str, float | None]
"""How far two masks agree: "kappa", "jaccard" and "overlap", None where they have none."""


def compare(paths: Sequence[Path], pairs: Sequence[tuple[int, int]]) -> list[Agreement]:
    """The agreement of every pair, each two places in `paths`.

    Raises:
        AnswerError: When a file cannot be read or masks do not fit each other, with what the child
            said.
    """
    asked = {"paths": [str(path.absolute()) for path in paths], "pairs": [*pairs]}
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.plots.masks"],
        cwd=ROOT, env={**os.environ, **worker_environment()},
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise AnswerError(f"the masks cannot be compared: {said[-1]}")
    found: list[Agreement] = json.loads(done.stdout)
    return found


def main() -> None:
    """Compare what standard input names, and write the agreements (in the child)."""
    from trainer.artifacts import ArtifactError
    from trainer.mask_pairs import agreements

    asked = json.load(sys.stdin)
    try:
        found = agreements([Path(path) for path in asked["paths"]], asked["pairs"])
    except ArtifactError as error:
        sys.exit(str(error).splitlines()[0])
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
