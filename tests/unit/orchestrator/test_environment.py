"""The process environment: what workers get, and what must not be there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator import environment, provenance
from orchestrator.environment import (
    EnvironmentProblem,
    check_packages,
    explain,
    torch_pair_problem,
    worker_environment,
)


def test_a_worker_has_one_thread_a_fixed_code_path_and_our_code_first() -> None:
    made = worker_environment()
    assert made["MKL_CBWR"] in ("AVX512,STRICT", "AVX2,STRICT")
    assert {made[name] for name in made if name.endswith("_NUM_THREADS")} == {"1"}
    assert made["PYTHONPATH"].split(os.pathsep)[0] == str(provenance.ROOT)
    assert made["PYTHONSAFEPATH"] == "1"


def test_threads_come_from_the_recipe() -> None:
    assert worker_environment(4)["OMP_NUM_THREADS"] == "4"


def test_our_own_packages_pass() -> None:
    check_packages()


def test_a_foreign_package_is_refused_by_name_and_place(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as error:
        check_packages(tmp_path)
    assert "import sparse finds" in str(error.value)


def test_the_command_refuses_to_start_beside_a_foreign_package(tmp_path: Path) -> None:
    (tmp_path / "sparse").mkdir()
    (tmp_path / "sparse" / "__init__.py").write_text("")
    code = "from orchestrator.cli import main; main(['methods'])"
    path = os.pathsep.join([str(tmp_path), str(provenance.ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "import sparse finds" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_installed_pair_matches() -> None:
    assert torch_pair_problem() is None


@pytest.mark.parametrize(
    ("torch", "vision", "said"),
    [("2.13.0", "0.29.2", "was built for torch"), ("{}+cpu", "0.29.2+cu130", "different devices")],
)
def test_a_pair_that_does_not_match_is_told(
    torch: str, vision: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_needed_torch", lambda: "2.15.0")
    versions = {"torch": torch.format("2.15.0"), "torchvision": vision}
    monkeypatch.setattr(environment, "installed", lambda: versions)
    problem = torch_pair_problem()
    assert problem is not None
    assert said in problem
    assert "operator torchvision::nms does not exist" in problem


def test_the_symptom_of_a_wrong_pair_is_explained_and_others_are_left_alone() -> None:
    assert "do not match" in explain("RuntimeError: operator torchvision::nms does not exist")
    assert explain("RuntimeError: something else") == "RuntimeError: something else"
