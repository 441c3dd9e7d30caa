"""What the tests' jobs run instead of training: functions of a manifest's path and a job's name."""

import os
import time
from pathlib import Path

GO = "go"
"""Name of the file, beside the manifests, for which `wait_and_note` waits."""


def note(manifest: str, name: str) -> None:
    """Leave beside the manifest which job and which element of it this is."""
    element = os.environ.get("SLURM_ARRAY_TASK_ID", "-")
    part = Path(f"{manifest}.part")
    part.write_text(f"{name} {element}\n")
    part.rename(f"{manifest}.done")


def wait_and_note(manifest: str, name: str) -> None:
    """The same, once there is a file `go` beside the manifest."""
    while not Path(manifest).with_name(GO).exists():
        time.sleep(0.1)
    note(manifest, name)
