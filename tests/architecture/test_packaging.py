"""What is installed is exactly what the tree holds, from a lock that names no registry."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = ("sparse", "grids", "trainer", "orchestrator")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_listed_packages_are_the_packages_of_the_tree(project: dict) -> None:
    found = {
        file.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for top in TOP
        for file in (ROOT / top).rglob("*.py")
    }
    assert project["tool"]["setuptools"]["packages"] == sorted(found)


def test_every_package_says_what_it_is_for() -> None:
    folders = {file.parent for top in TOP for file in (ROOT / top).rglob("*.py")}
    silent = [
        folder.relative_to(ROOT).as_posix()
        for folder in sorted(folders)
        if not (folder / "__init__.py").is_file() or not (folder / "__init__.py").stat().st_size
    ]
    assert silent == []


def test_the_shipped_studies_and_the_schema_are_package_data(project: dict) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]["grids"]
    shipped = {file for pattern in patterns for file in (ROOT / "grids").glob(pattern)}
    present = {file for file in (ROOT / "grids").rglob("*") if file.suffix in {".yaml", ".json"}}
    assert shipped == present
    assert ROOT / "grids/studies/digits.yaml" in shipped


def test_the_project_can_never_be_uploaded(project: dict) -> None:
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]


@pytest.mark.parametrize("package", TOP)
def test_our_names_resolve_to_our_folders(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin == str(ROOT / package / "__init__.py")


def test_the_lock_names_no_registry_and_no_machine() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert re.findall(r"https?:|--(?:extra-)?index-url|--find-links|file:|(?<!\w)/\w+", lock) == []


def test_every_locked_requirement_is_exact_and_hashed() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n", "", lock))
    loose = [
        entry for entry in entries if not re.match(r"\S+==\S+[^\n]*\\\n +--hash=sha256:", entry)
    ]
    assert len(entries) > 50
    assert loose == []


def test_the_lock_holds_every_requirement_of_the_project(project: dict) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"(?m)^([a-z0-9.-]+)==", lock))
    wanted = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    names = {re.split(r"[\[>=<]", entry)[0].lower().replace("_", "-") for entry in wanted}
    assert names - locked == set()


def test_with_ci_the_real_data_is_there(test_data: Path) -> None:
    assert (test_data / "mnist10k").is_dir()
