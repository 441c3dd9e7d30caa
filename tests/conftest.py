"""What every test shares: the exact tier's environment, the markers, the real data.

The environment is set while this file is imported, which pytest does before it imports any test
and so before anything can load torch: the variables are read once, when its libraries load.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from orchestrator.environment import worker_environment

ROOT = Path(__file__).resolve().parents[1]
ON_DEMAND = ("slow", "ray", "slurm", "gpu", "browser")
CI = os.environ.get("CI", "").lower() == "true"


def _exact_tier() -> dict[str, str]:
    """The numerical environment of a worker with one thread."""
    worker = worker_environment(1)
    return {name: value for name, value in worker.items() if not name.startswith("PYTHON")}


def _offline_and_alone(cache: str) -> dict[str, str]:
    """No network, no display, no cache or configuration of the person who runs the tests."""
    return {
        "HF_HUB_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "MPLBACKEND": "Agg",
        "XDG_CACHE_HOME": cache,
        "XDG_CONFIG_HOME": cache,
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }


def _set_environment() -> str:
    """Set the environment of this process and of all it starts; return the cache folder."""
    if "torch" in sys.modules:
        raise pytest.UsageError("torch was loaded before tests/conftest.py could set MKL_CBWR")
    for name in list(os.environ):
        own = name.startswith("SPARSESWEEP_") and name != "SPARSESWEEP_TEST_DATA"
        if own or name.startswith(("SLURM_", "SBATCH_")):
            del os.environ[name]
    cache = tempfile.mkdtemp(prefix="sparsesweep-tests-")
    os.environ.update(_exact_tier() | _offline_and_alone(cache))
    return cache


_CACHE = _set_environment()


def pytest_unconfigure() -> None:
    """Remove the caches this run made."""
    shutil.rmtree(_CACHE, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with the reason, what is slow or needs something this machine does not have."""
    asked = config.getoption("markexpr")
    for item in items:
        for name in ON_DEMAND:
            if item.get_closest_marker(name) is None:
                continue
            reason = _missing(name)
            if reason is None and not CI and name not in asked:
                reason = f"marked {name}: runs with CI=true or -m {name}"
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


def _missing(marker: str) -> str | None:
    """Say what this machine lacks for tests with that marker, or None.

    With CI=true SLURM and a browser must be there: their tests then fail where they are not.
    """
    if marker == "slurm" and not CI and shutil.which("sbatch") is None:
        return "no SLURM here: sbatch is not on the PATH"
    if marker == "browser" and not CI and not all(map(shutil.which, ("chromium", "chromedriver"))):
        return "no browser here: chromium or chromedriver is not on the PATH"
    if marker == "gpu" and not any(Path("/dev").glob("nvidia[0-9]*")):
        return "no CUDA device here: /dev/nvidia* does not exist"
    return None


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real data; where it is absent the test is skipped, and with CI=true fails."""
    given = os.environ.get("SPARSESWEEP_TEST_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = f"no test data: {folder} is not a folder (set SPARSESWEEP_TEST_DATA)"
        (pytest.fail if CI else pytest.skip)(message)
    return folder.resolve()
