"""Commands that people type all day load nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.provenance import ROOT

HEAVY = {
    "torch", "torchvision", "ray", "submitit", "pyarrow", "duckdb", "pandas", "numpy", "matplotlib",
    "scipy", "sklearn", "jinja2", "rich",
}  # fmt: skip


def loaded_by(*arguments: str) -> set[str]:
    """The heavy modules that a command line loads in a process of its own."""
    code = (
        "import sys\n"
        "from orchestrator.cli import main\n"
        "try:\n"
        f"    main({list(arguments)!r})\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"sys.stderr.write(' '.join(set(sys.modules) & {HEAVY!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.support.console import sparsesweep

    root = tmp_path_factory.mktemp("startup") / "results"
    small = ["--set", "seeds=1", "--set", "recipe.epochs=1", "--set", "density=0.5"]
    done = sparsesweep("run", "digits_ci", "--backend", "inline", "--store", root, *small)
    assert done.code == 0, done.err
    return root


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by("--help") == set()


def test_status_loads_nothing_heavy(store: Path) -> None:
    assert loaded_by("status", "--store", str(store)) == set()


def test_logs_loads_nothing_heavy(store: Path) -> None:
    assert loaded_by("logs", "digits_ci", "--paths", "--store", str(store)) == set()


def test_a_plan_with_the_catalogue_cached_loads_numpy_alone_for_its_forecast(store: Path) -> None:
    loaded_by("plan", "digits_ci", "--store", str(store))
    assert loaded_by("plan", "digits_ci", "--store", str(store)) == {"numpy"}


def test_a_plan_of_which_nothing_is_known_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded_by("plan", "digits_ci", "--store", str(tmp_path / "none"))
    assert loaded_by("plan", "digits_ci", "--store", str(tmp_path / "none")) == set()


def test_a_plan_with_nothing_to_train_loads_nothing_heavy(store: Path) -> None:
    done = ["--set", "seeds=1", "--set", "recipe.epochs=1", "--set", "density=0.5"]
    assert loaded_by("plan", "digits_ci", *done, "--store", str(store)) == set()
