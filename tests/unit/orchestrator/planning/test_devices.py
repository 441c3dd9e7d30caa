"""What the cells of a plan are trained on: packs with GPUs are refused where cells need a CPU."""

from pathlib import Path

import pytest

from orchestrator.planning.devices import refuse_gpus
from orchestrator.planning.request import Planned, Request, RequestError, plan_request
from tests.support.console import sparsesweep

GRID = """\
base: {dataset: digits, model: mlp, method: set, density: 0.1}
axes: {recipe.storage: [masked, csr]}
"""
SAID = "recipe.storage csr is trained on the CPU, and the packs ask for GPUs"


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(GRID)
    return path


def planned(grid: Path, *overrides: str) -> Planned:
    return plan_request(Request(grid=str(grid), store=grid.parent / "store", overrides=overrides))


@pytest.mark.parametrize("gpus", [0.25, 1.0])
def test_truly_sparse_cells_are_refused_where_packs_get_gpus(grid: Path, gpus: float) -> None:
    with pytest.raises(RequestError) as raised:
        refuse_gpus(planned(grid), gpus)
    assert str(raised.value) == (
        f"{SAID} ({gpus:g} each); allowed: none, by --gpus-per-pack 0 or a profile without gpus"
    )
    refuse_gpus(planned(grid), 0)
    refuse_gpus(planned(grid, "recipe.storage=masked"), gpus)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_profile_with_gpus_is_refused_before_anything_is_submitted(
    grid: Path, command: str
) -> None:
    profiles = grid.parent / "profiles.toml"
    profiles.write_text('[fast]\npartition = "gpu"\ngpus = 1\n')
    store = grid.parent / "store"
    carried = ("--backend", "slurm", "--profile", "fast", "--profile-file", profiles)
    said = sparsesweep(command, grid, "--store", store, *carried)
    assert (said.code, SAID in said.err, store.exists()) == (2, True, False)


def test_a_share_of_a_gpu_for_each_pack_is_refused(grid: Path) -> None:
    carried = ("--backend", "ray", "--gpus-per-pack", "0.5")
    said = sparsesweep("run", grid, "--store", grid.parent / "store", *carried)
    assert (said.code, f"{SAID} (0.5 each)" in said.err) == (2, True)
