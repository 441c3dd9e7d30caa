"""The ray backend on one machine: Ray Tune on a local Ray that is started for the run."""

import functools
import logging
import os
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.backends.base import Backend, BackendError, PackEnd
from orchestrator.backends.ray_trials import QUIET, Share, import_tune, run_trials
from orchestrator.backends.warming import accept_waiting_workers
from orchestrator.environment import worker_environment
from orchestrator.planning.machine import default_slots, gpus_here, packs_on_gpus, this_machine
from orchestrator.planning.packing import Capacity

if TYPE_CHECKING:
    from orchestrator.worker.run import Trainer

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

    A Ray that this process has started already is used as it is; else a local Ray is started on
    loopback, with as many CPUs as the workers have threads.

    Args:
        gpus: GPUs of each pack, or a fraction of one; 0 trains on CPUs.
    """

    name = "ray"

    def __init__(self, gpus: float = 0.0) -> None:
        self.device = "cuda" if gpus else "cpu"
        self.gpus = gpus
        self._started = False
        self._before: dict[str, str] = {}
        self._tune: threading.Thread | None = None

    def capacity(self, threads: int) -> Capacity | None:
        """As many workers as the GPUs of this machine carry, where packs ask for any."""
        if not self.gpus:
            return None
        here = gpus_here()
        if here < self.gpus:
            raise BackendError(
                f"--gpus-per-pack is {self.gpus:g}, but this machine has {here} GPUs that may be "
                "used (device files /dev/nvidia*, CUDA_VISIBLE_DEVICES)"
            )
        return this_machine(min(default_slots(threads), packs_on_gpus(here, self.gpus)))

    def prepare(self, *, slots: int, threads: int) -> None:
        """Start Ray, and load Tune meanwhile."""
        running = _is_running()
        environment = worker_environment(threads)
        self._before = _variables_of_ray()
        # All must be there before ray is imported, and workers inherit them from a local Ray.
        os.environ.update(QUIET)
        if not running:
            os.environ.update({**environment, **_WORKERS})
            # Begun with the node instead of with the first driver: two seconds earlier.
            os.environ.update({"RAY_num_prestart_python_workers": str(slots)})
            _lock_others_out()
        import ray  # noqa: F401

        self._tune = threading.Thread(target=import_tune, name="import-tune")
        self._tune.start()
        if running:
            return
        inherited = dict(os.environ)
        _start_local(slots * threads)
        self._tune.join()
        accept_waiting_workers(inherited)
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
        return run_trials(
            manifests, slots=slots, share=Share(threads=threads, gpus=self.gpus), trainer=trainer
        )

    def close(self) -> None:
        """Stop what `prepare` started; a Ray that was there before stays."""
        if self._started:
            import ray

            ray.shutdown()
            self._started = False
            # A Ray that this process connects to later has settings of its own.
            for name in _variables_of_ray():
                del os.environ[name]
            os.environ.update(self._before)


def _is_running() -> bool:
    """Whether this process has started Ray, or connected to one, already."""
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized()


def _variables_of_ray() -> dict[str, str]:
    """What this process's environment tells Ray and Tune."""
    return {name: v for name, v in os.environ.items() if name.startswith(("RAY_", "TUNE_"))}


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
