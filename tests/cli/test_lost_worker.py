"""A worker that dies takes nothing with it: told as LOST, trained by the next run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.base import Backend, PackEnd
from orchestrator.backends.inline import Inline
from orchestrator.backends.ray_tune import RayTune
from orchestrator.planning.request import Request, plan_request
from orchestrator.running.launching import Result, launch
from orchestrator.running.progress import Snapshot

GRID = """\
name: lost
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  method: static
  density: 0.5
  recipe: {epochs: 1, batch: 256}
seeds: 4
"""


class Silent:
    def show(self, snapshot: Snapshot) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was opened."""


def deadly() -> Callable[..., Any]:
    """A trainer whose process is killed in the pack that holds seed 1."""

    def train(cells: Sequence[Any], *, publish: Any, request: Any) -> Any:
        import os
        import signal

        from trainer.run import run_pack

        if any(cell.seed == 1 for cell in cells):
            run_pack(cells[:1], publish=publish, request=request)
            os.kill(os.getpid(), signal.SIGKILL)
        return run_pack(cells, publish=publish, request=request)

    return train


class DeadlyRay(RayTune):
    def run(self, manifests: Sequence[Path], **options: Any) -> list[PackEnd]:
        return super().run(manifests, **{**options, "trainer": deadly()})


def go(grid: Path, store: Path, backend: Backend) -> Result:
    planned = plan_request(Request(grid=str(grid), store=store, slots=2))
    return launch(planned, backend, display=Silent, on_stop=lambda: None)


@pytest.mark.ray
@pytest.mark.slow
def test_cells_of_a_killed_worker_are_lost_and_the_next_run_trains_them(tmp_path: Path) -> None:
    grid, store = tmp_path / "lost.yaml", tmp_path / "results"
    grid.write_text(GRID)
    first = go(grid, store, DeadlyRay())
    [lost] = first.lost
    assert first.exit_code == 1
    assert lost.error
    assert first.completed + len(lost.cells) == 4
    assert first.completed >= 2
    second = go(grid, store, Inline())
    assert (second.exit_code, second.completed) == (0, 4)
    assert second.trained == len(lost.cells)
