"""Packs as trials of Ray Tune: a trial is a pack, never a cell, and actors are reused.

So Tune's cost per trial and the load of torch are paid once per worker. Tune keeps no results of
ours: its loggers are off, its storage is a temporary folder that is removed, and its `restore` is
never used.
"""

import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.backends.base import PackEnd
from orchestrator.environment import torch_is_exact, worker_environment

if TYPE_CHECKING:
    from orchestrator.worker.run import Trainer

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "100000",
    "TUNE_WARN_THRESHOLD_S": "600",
}
"""Ray reads these when it is imported or started: no telemetry, no logs of its own, no chdir."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one trial gets, and how often it may be begun again.

    Attributes:
        threads: CPUs, and threads of its numerical libraries.
        gpus: GPUs, or a fraction of one that is shared.
        losses: How often a trial whose worker died is begun again elsewhere.
    """

    threads: int = 1
    gpus: float = 0.0
    losses: int = 0


def run_trials(
    manifests: Sequence[Path],
    *,
    slots: int,
    share: Share,
    storage: Path | None = None,
    trainer: "Trainer | None" = None,
) -> list[PackEnd]:
    """Run every manifest as a trial, on the Ray that this process is connected to.

    Args:
        manifests: Files of pack manifests, in the order in which to begin them.
        slots: Trials at a time.
        share: What each of them gets.
        storage: Folder that all nodes share, for what Tune writes meanwhile; this machine's
            temporary folder when None.
        trainer: What trains a pack instead of `trainer.run.run_pack`.
    """
    with tempfile.TemporaryDirectory(prefix=".sparsesweep-tune-", dir=storage) as folder:
        results = _fit(manifests, slots, share, trainer, folder)
        # One trial per manifest, in their order; a trial that never started has no config.
        return [
            _end_of(manifest, result) for manifest, result in zip(manifests, results, strict=True)
        ]


def import_tune() -> None:
    """Load Tune, quietly."""
    import ray.tune  # noqa: F401

    # Ray sets its loggers up when it is imported. What becomes of a pack is told from our records.
    logging.getLogger("ray").setLevel(logging.CRITICAL)


def _fit(
    manifests: Sequence[Path],
    slots: int,
    share: Share,
    trainer: "Trainer | None",
    storage: str,
) -> Any:
    from ray import tune

    trial = tune.with_parameters(_trial_type(), threads=share.threads, trainer=trainer)
    resources = {"cpu": share.threads, **({"gpu": share.gpus} if share.gpus else {})}
    tuner = tune.Tuner(
        tune.with_resources(trial, resources),
        param_space={"manifest": tune.grid_search([str(path) for path in manifests])},
        tune_config=tune.TuneConfig(
            reuse_actors=True,
            max_concurrent_trials=slots,
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="packs",
            storage_path=storage,
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=share.losses, fail_fast=False),
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_frequency=0, checkpoint_at_end=False
            ),
        ),
    )
    return tuner.fit()


def _trial_type() -> type:
    """The trial: one step is one pack. Made here because its base class is Ray's."""
    from ray import tune

    class PackTrial(tune.Trainable):
        """Runs the manifest in its configuration; reset to the next one without a new process."""

        def setup(
            self, config: dict[str, Any], threads: int = 1, trainer: "Trainer | None" = None
        ) -> None:
            self._manifest = Path(config["manifest"])
            self._threads = threads
            self._trainer = trainer
            if torch_is_exact(threads):
                os.environ.update(worker_environment(threads))

        def step(self) -> dict[str, Any]:
            end = _run_pack(self._manifest, self._threads, self._trainer)
            return {"done": True, "error": end.error}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._manifest = Path(new_config["manifest"])
            return True

    return PackTrial


def _run_pack(manifest: Path, threads: int, trainer: "Trainer | None") -> PackEnd:
    """Run a pack in an actor, as the inline backend would in a process of its own."""
    from orchestrator.backends.inline import Inline

    [end] = Inline().run(
        [manifest], slots=1, threads=threads, should_stop=lambda: False, trainer=trainer
    )
    return end


def _end_of(manifest: Path, result: Any) -> PackEnd:
    pack = manifest.stem
    if result.error is not None:
        lines = [line for line in str(result.error).splitlines() if line.strip()]
        return PackEnd(pack=pack, error=lines[-1].strip() if lines else "its worker died")
    return PackEnd(pack=pack, error=(result.metrics or {}).get("error", ""))
