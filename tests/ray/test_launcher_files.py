"""The files for Ray's cluster launcher: valid by Ray's own schema, in step with lock and image."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = ("cluster.yaml", "cluster.onprem.yaml")


@pytest.fixture(params=FILES)
def config(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / request.param).read_text()))


def validated(config: dict[str, Any]) -> dict[str, Any]:
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared: dict[str, Any] = prepare_config(config)
    validate_config(prepared)
    return prepared


def test_ray_takes_it(config: dict[str, Any]) -> None:
    prepared = validated(config)
    assert prepared["max_workers"] >= 1
    assert prepared["head_node_type"] in prepared["available_node_types"]


def test_ray_s_validation_finds_a_mistake(config: dict[str, Any]) -> None:
    config["dockr"] = config.pop("docker")
    with pytest.raises(Exception, match="dockr"):
        validated(config)


def test_every_node_runs_the_image_with_a_shell_and_the_store(config: dict[str, Any]) -> None:
    docker = config["docker"]
    assert docker["image"].startswith("lab/sparsesweep:")
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version is not None
    assert docker["image"].endswith(f":{version[1]}")
    assert "--entrypoint=" in docker["run_options"]
    assert any(option.endswith(":/work") for option in docker["run_options"])
    assert "WORKDIR /work" in (ROOT / "Dockerfile").read_text()


def test_the_ray_that_is_expected_is_that_of_the_lock(config: dict[str, Any]) -> None:
    [locked] = re.findall(r"^ray==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert f"ray --version | grep -Fx 'ray, version {locked}'" in config["setup_commands"]


def test_the_head_trains_nothing_and_all_share_a_token(config: dict[str, Any]) -> None:
    start = config["head_start_ray_commands"][-1]
    assert "--num-cpus=0 --num-gpus=0" in start
    assert "--env=RAY_AUTH_MODE=token" in config["docker"]["run_options"]
    assert list(config["file_mounts"]) == ["/home/sparsesweep/.ray/auth_token"]


def test_workers_have_gpus() -> None:
    onprem = yaml.safe_load((ROOT / "cluster.onprem.yaml").read_text())
    assert onprem["docker"]["worker_run_options"] == ["--gpus=all"]
    assert onprem["min_workers"] == onprem["max_workers"] == len(onprem["provider"]["worker_ips"])
    cloud = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    assert cloud["available_node_types"]["gpu"]["node_config"]["InstanceType"].startswith("g")
