"""What a person's own package brings, trained by jobs of a real SLURM."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.chips import write_chips
from tests.support.environments import EXAMPLES, Environment
from tests.support.slurm_cluster import SlurmCluster
from tests.support.slurm_site import Site

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(240)]

GRID = """\
name: ours
base:
  dataset: chips
  model: {name: separable, channels: [4, 8]}
  scenario: label_noise
  recipe: {epochs: 2, batch: 16}
axes: {method: [static, set], density: [0.5]}
seeds: 2
probes: [weight_norms]
"""

ELSEWHERE = """
[elsewhere]
partition = "main"
time = "30"
hand_over = "none"
python = "{python}"
"""


@pytest.fixture
def site(tmp_path: Path, slurm: SlurmCluster) -> Site:
    return Site(tmp_path, slurm)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the examples' package installed."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    environment.install(EXAMPLES / "ourlab")
    return environment


def submit(environment: Environment, site: Site, profile: str) -> None:
    """Hand the grid to SLURM, as a person in that environment does."""
    environment.sparsesweep(
        site.folder, "run", site.grid(GRID), "--backend", "slurm", "--profile", profile,
        "--profile-file", site.profiles, "--store", site.store,
        "--data-root", write_chips(site.folder / "data"),
    )  # fmt: skip


def test_jobs_train_what_the_package_brings_and_record_its_version(
    environment: Environment, site: Site
) -> None:
    submit(environment, site, "main")
    site.all_completed()
    columns = "backend, plugins, dataset, model, scenario, metric"
    query = f"SELECT DISTINCT {columns} FROM results JOIN metrics USING (cell)"
    said = environment.sparsesweep(
        site.folder, "query", query, "--format", "json", "--store", site.store
    )
    [row] = json.loads(said)
    assert row == {
        "backend": "slurm", "plugins": '["ourlab 1.0"]', "dataset": "chips", "model": "separable",
        "scenario": "label_noise", "metric": "weight_norm",
    }  # fmt: skip


def test_a_job_whose_python_lacks_the_package_says_which_one_and_trains_nothing(
    environment: Environment, site: Site
) -> None:
    site.profiles.write_text(ELSEWHERE.format(python=sys.executable))
    submit(environment, site, "elsewhere")
    site.wait(lambda counts: not counts.keys() & {"PENDING", "RUNNING"})
    assert "COMPLETED" not in site.counts()
    lacking = f"ourlab 1.0, whose names these cells use, is not installed for {sys.executable} on "
    assert lacking in site.why()
    assert not list((site.store / "records").rglob("*.json"))
