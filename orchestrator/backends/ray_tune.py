"""The ray backend: Ray Tune on a local Ray or on a running cluster.

A trial is a pack, never a cell, and actors are reused, so that Tune's cost per trial and the load
of torch are paid once per worker. Tune keeps no results of ours: its loggers are off, its storage
is a temporary folder that is removed, and its `restore` is never used.
"""

import functools
import logging
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.backends.base import Backend, BackendError, PackEnd
from orchestrator.backends.warming import accept_waiting_workers
from orchestrator.environment import torch_is_exact, worker_environment

if TYPE_CHECKING:
    from orchestrator.worker import Trainer

_QUIET = {
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

_WORKERS = {
    "RAY_preload_python_modules": "orchestrator.backends.preloading",
    # As soon as Tune reserves the CPUs, Ray counts waiting workers as superfluous and may end them.
    "RAY_idle_worker_killing_time_threshold_ms": "3600000",
    "PL_DISABLE_FORK": "1",  # Tune wants it in every trial
}
"""For the workers of a local Ray: what they load before a task, and what Tune asks of them."""

_OBJECT_STORE_BYTES = 96 * 1024 * 1024  # nothing but paths goes through it


class RayTune(Backend):
    """Runs packs as trials of Ray Tune.

    A Ray that this process has started already is used as it is; else `address` names a cluster;
    else a local Ray is started on loopback, with as many CPUs as the workers have threads.

    Args:
        address: Address of a running cluster ("host:port" or "auto"), or None.
    """

    name = "ray"

    def __init__(self, address: str | None = None) -> None:
        self._address = address
        self._started = False
        self._tune: threading.Thread | None = None

    def prepare(self, *, slots: int, threads: int) -> None:
        """Start Ray, or connect to it, and load Tune meanwhile."""
        running = _is_running()
        environment = worker_environment(threads)
        # All must be there before ray is imported, and workers inherit them from a local Ray.
        os.environ.update(_QUIET)
        if self._address is None and not running:
            os.environ.update({**environment, **_WORKERS})
            # Begun with the node instead of with the first driver: two seconds earlier.
            os.environ.update({"RAY_num_prestart_python_workers": str(slots)})
            _lock_others_out()
        import ray  # noqa: F401

        self._tune = threading.Thread(target=_import_tune, name="import-tune")
        self._tune.start()
        if running:
            return
        if self._address is None:
            inherited = dict(os.environ)
            _start_local(slots * threads)
            self._tune.join()
            accept_waiting_workers(inherited)
        else:
            _connect(self._address, environment)
        self._started = True

    def run(
        self,
        manifests: Sequence[Path],
        *,
        slots: int,
        threads: int = 1,
        should_stop: Callable[[], bool],
        trainer: "Trainer | None" = None,
    ) -> list[PackEnd]:
        if self._tune is None:
            self.prepare(slots=slots, threads=threads)
        if self._tune is not None:
            self._tune.join()
        if should_stop() or not manifests:
            return []
        with tempfile.TemporaryDirectory(prefix="sparsesweep-tune-") as storage:
            results = _fit(manifests, slots, threads, trainer, storage)
            # One trial per manifest, in their order; a trial that never started has no config.
            return [
                _end_of(manifest, result)
                for manifest, result in zip(manifests, results, strict=True)
            ]

    def close(self) -> None:
        """Stop what `prepare` started; a Ray that was there before stays."""
        if self._started:
            import ray

            ray.shutdown()
            self._started = False


def _is_running() -> bool:
    """Whether this process has started Ray, or connected to one, already."""
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


def _lock_others_out() -> None:
    """Bind the local Ray to loopback, and ask a token of everyone on this machine who talks to it.

    On Linux `ray.init` replaces a loopback address by the machine's own. This switch, made for
    systems where Ray runs on one machine only, keeps every server of Ray on 127.0.0.1.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", _own_token())


@functools.cache
def _own_token() -> str:
    """The token of every local Ray of this process: Ray reads it once and keeps it."""
    return secrets.token_hex(32)


def _import_tune() -> None:
    import ray.tune  # noqa: F401

    # Ray sets its loggers up when it is imported. What becomes of a pack is told from our records.
    logging.getLogger("ray").setLevel(logging.CRITICAL)


def _start_local(cpus: int) -> None:
    import ray

    try:
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=_OBJECT_STORE_BYTES,
        )
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        raise BackendError(
            f"Ray cannot be started here: {error}. `sparsesweep doctor` looks for the cause; "
            "--backend inline works without Ray."
        ) from error


def _connect(address: str, environment: Mapping[str, str]) -> None:
    import ray

    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": dict(environment)},
        )
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        raise BackendError(f"cannot connect to a Ray cluster at {address}: {error}") from error


def _fit(
    manifests: Sequence[Path],
    slots: int,
    threads: int,
    trainer: "Trainer | None",
    storage: str,
) -> Any:
    from ray import tune

    trial = tune.with_parameters(_trial_type(), threads=threads, trainer=trainer)
    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": threads}),
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
            failure_config=tune.FailureConfig(max_failures=0, fail_fast=False),
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
