"""A person's folder on a login node, and what is looked at from there while SLURM works."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.console import Said, sparsesweep
from tests.support.slurm_cluster import SlurmCluster

PROFILES = """\
[main]
partition = "main"
time = "30"
concurrency = 4

[short]
partition = "main"
time = "1"
concurrency = 1
signal_seconds = 10

[held]
partition = "main"
time = "30"
extra = {hold = true}

[brief]
partition = "main"
time = "1"
hand_over = "none"

[single]
partition = "main"
time = "30"
max_array = 1

[once]
partition = "main"
time = "30"
concurrency = 1
hand_over = "none"
"""


class Site:
    """A person's folder on a login node: grids, profiles, a store."""

    def __init__(self, folder: Path, slurm: SlurmCluster) -> None:
        self.slurm = slurm
        self.store = folder / "results"
        self.folder = folder
        self.profiles = folder / "profiles.toml"
        self.profiles.write_text(PROFILES)

    def grid(self, text: str) -> Path:
        path = self.folder / f"{text.split()[1]}.yaml"
        path.write_text(text)
        return path

    def run(self, grid: Path, profile: str | None = None, *more: str) -> Said:
        chosen = [] if profile is None else ["--backend", "slurm", "--profile", profile]
        said = sparsesweep(
            "run", grid, *chosen, "--profile-file", self.profiles, "--store", self.store, *more
        )
        assert said.code == 0, said.err
        return said

    def status(self) -> dict[str, object]:
        return dict(json.loads(sparsesweep("status", "--json", "--store", self.store).out))

    def counts(self) -> dict[str, int]:
        return dict(self.status()["counts"])  # type: ignore[call-overload]

    def batches(self, number: int) -> list[dict[str, Any]]:
        """The jobs of a submission, the first ones first."""
        folder = self.store / "grids" / "quick" / str(number) / "jobs"
        paths = [path for path in folder.glob("ss-*.json") if not path.name.endswith(".id.json")]
        found = [json.loads(path.read_text()) for path in paths]
        return sorted(found, key=lambda batch: (batch["sequence"], batch["name"]))

    def reasons(self, grid: str, reason: str) -> list[str]:
        """The reason of every hand-over in the first submission of a grid that had this one."""
        folder = self.store / "grids" / grid / "1" / "jobs"
        paths = [path for path in folder.glob("ss-*.json") if not path.name.endswith(".id.json")]
        found = [str(json.loads(path.read_text())["reason"]) for path in paths]
        return [one for one in found if one == reason]

    def displace(self) -> None:
        """Have a job of higher priority take all nodes for a moment."""
        self.slurm.run(
            "sbatch", "-p", "urgent", "-N2", "-n2", "-c4", "-o", "/dev/null", "--wrap=sleep 2"
        )

    def why(self) -> str:
        """The evidence for the first cell of the last run."""
        cell = next(iter(self.status()["states"]))  # type: ignore[call-overload]
        return sparsesweep("why", cell, "--store", self.store).out

    def table(self) -> str:
        return sparsesweep("table", "--format", "csv", "--store", self.store).out

    def wait(self, holds: Callable[[dict[str, int]], bool], seconds: float = 90) -> dict[str, int]:
        end = time.monotonic() + seconds
        while not holds(counts := self.counts()):
            if time.monotonic() > end:
                said = sparsesweep("status", "--store", self.store).out
                raise TimeoutError(f"{said}\n{self.slurm.squeue()}\n{self.logs()}")
            time.sleep(0.5)
        return counts

    def logs(self) -> str:
        paths = sorted(self.store.rglob("*_log.out"))
        return "\n".join(f"== {path.name}\n{path.read_text()[-1500:]}" for path in paths)

    def all_completed(self, seconds: float = 120) -> None:
        self.wait(lambda counts: set(counts) == {"COMPLETED"}, seconds)

    def is_training(self, seconds: float = 60) -> None:
        """Wait until some worker has told of steps that it took."""

        def steps(_: dict[str, int]) -> bool:
            running = self.status()["running"]
            return any(beat["step"] > 0 for beat in running)  # type: ignore[attr-defined]

        self.wait(steps, seconds)
