"""The inline backend: packs one after another, in this process, where a debugger can follow."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.backends.base import Backend, BackendError, PackEnd
from orchestrator.environment import torch_is_exact, worker_environment

if TYPE_CHECKING:
    from orchestrator.worker.run import Trainer


class Inline(Backend):
    """Runs packs in this process; in a child where torch lacks a worker's variables."""

    name = "inline"
    max_workers = 1

    def run(
        self,
        manifests: Sequence[Path],
        *,
        slots: int,
        threads: int = 1,
        should_stop: Callable[[], bool],
        trainer: "Trainer | None" = None,
    ) -> list[PackEnd]:
        if not torch_is_exact(threads):
            if trainer is not None:
                raise BackendError("a stand-in trainer cannot be handed to a child process")
            return [_in_a_child(path, threads) for path in manifests if not should_stop()]
        os.environ.update(worker_environment(threads))
        return [_here(path, should_stop, trainer) for path in manifests if not should_stop()]


def _here(path: Path, should_stop: Callable[[], bool], trainer: "Trainer | None") -> PackEnd:
    from orchestrator.worker.run import run_manifest

    report = run_manifest(path, should_stop=should_stop, trainer=trainer)
    return PackEnd(pack=path.stem, error=report.error)


def _in_a_child(path: Path, threads: int) -> PackEnd:
    """Run a pack in a process whose torch is loaded with a worker's variables.

    It is in a session of its own, so that Ctrl-C reaches it once, through the store.
    """
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.worker", str(path)],
        env={**os.environ, **worker_environment(threads)},
        stderr=subprocess.PIPE, text=True, check=False, start_new_session=True,
    )  # fmt: skip
    if done.returncode in (0, 130):
        return PackEnd(pack=path.stem)
    ended = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    lines = done.stderr.strip().splitlines()
    return PackEnd(pack=path.stem, error=lines[-1] if lines else f"its process ended with {ended}")
