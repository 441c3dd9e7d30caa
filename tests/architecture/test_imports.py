"""The import directions: grids and sparse know nobody, and nothing points back up."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sparse", "grids", "trainer", "orchestrator")

MAY_IMPORT = {
    "sparse": {"sparse"},
    "grids": {"grids"},
    "trainer": {"trainer", "sparse", "grids"},
    "orchestrator": {"orchestrator", "grids"},
}
# The doors from the orchestrator to the trainer: inside a worker, which also turns what the trainer
# returns into records, and in the children that build the catalogue, let a dataset make files and
# compare masks.
DOORS_TO_TRAINER = {
    "orchestrator/worker/run.py",
    "orchestrator/worker/attempts.py",
    "orchestrator/catalogue.py",
    "orchestrator/datasets/making.py",
    "orchestrator/plots/masks.py",
}

# The rooms of the orchestrator, each above all that it may know. `provenance`, `environment`,
# `catalogue`, `notebook` and `doctor` are single modules.
ROOMS = (
    "statistics", "provenance", "environment", "catalogue", "datasets", "store", "health",
    "submissions", "worker", "watching", "seeds", "planning", "backends", "slurm", "running",
    "answers", "tables", "contrasts", "plots", "keeping", "report", "verdicts", "notebook",
    "doctor", "commands", "cli",
)  # fmt: skip

HEAVY = {
    "torch", "torchvision", "torchattacks", "ray", "submitit", "pyarrow", "duckdb", "pandas",
    "matplotlib", "scipy", "sklearn", "jinja2", "polars",
}  # fmt: skip
NEEDS_NO = {"grids": HEAVY, "orchestrator": HEAVY, "sparse": HEAVY - {"torch"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One import statement: the module it names, and whether loading the file runs it."""

    path: str
    line: int
    module: str
    at_load: bool

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def imports_of(source: str, path: str) -> Iterator[Import]:
    """Yield every import of a module's source, those inside functions with `at_load` False."""
    yield from _walk(ast.parse(source), path, at_load=True)


def _walk(node: ast.AST, path: str, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            yield from _walk(child, path, at_load=False)
            continue
        for module in _modules(child, path):
            yield Import(path=path, line=child.lineno, module=module, at_load=at_load)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from _walk(child, path, at_load=at_load and not inside)


def _modules(node: ast.AST, path: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        package = ".".join(Path(path).parts[: -node.level]) if node.level else ""
        return [".".join(part for part in (package, node.module) if part)]
    return []


def all_imports() -> list[Import]:
    """Every import statement of the four packages."""
    found: list[Import] = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            found += imports_of(file.read_text(encoding="utf-8"), path)
    return found


def test_the_reader_of_imports_sees_through_every_spelling() -> None:
    source = (
        "import torch.nn\n"
        "from trainer import run\n"
        "from . import packing\n"
        "from .store import layout\n"
        "if TYPE_CHECKING:\n    import ray\n"
        "def late():\n    import duckdb\n"
        "class Early:\n    import scipy\n"
    )
    found = [(item.module, item.at_load) for item in imports_of(source, "orchestrator/plan.py")]
    assert found == [
        ("torch.nn", True), ("trainer", True), ("orchestrator", True), ("orchestrator.store", True),
        ("ray", False), ("duckdb", False), ("scipy", True),
    ]  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        str(item)
        for item in all_imports()
        if item.path.startswith(f"{package}/")
        and item.top in PACKAGES
        and item.top not in MAY_IMPORT[package]
        and not (item.top == "trainer" and item.path in DOORS_TO_TRAINER)
    ]
    assert wrong == []


def test_a_room_of_the_orchestrator_knows_only_rooms_below_it() -> None:
    wrong = []
    for item in all_imports():
        parts = item.module.split(".")
        if (
            parts[0] != "orchestrator"
            or len(parts) < 2
            or not item.path.startswith("orchestrator/")
        ):
            continue
        own = item.path.split("/")[1].removesuffix(".py")
        if own != parts[1] and ROOMS.index(own) < ROOMS.index(parts[1]):
            wrong.append(str(item))
    assert wrong == []


def test_only_the_registry_imports_what_a_text_names() -> None:
    calls = re.compile(r"import_module\((?!\")|__import__|run_module|run_path")
    by_name = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if calls.search(path.read_text("utf-8"))
    ]
    assert by_name == ["sparse/registry.py"]


def test_the_doors_to_the_trainer_open_late() -> None:
    early = [
        str(item)
        for item in all_imports()
        if item.path in DOORS_TO_TRAINER and item.top == "trainer" and item.at_load
    ]
    assert early == []


@pytest.mark.parametrize("package", sorted(NEEDS_NO))
def test_heavy_modules_are_imported_only_where_they_are_used(package: str) -> None:
    early = [
        str(item)
        for item in all_imports()
        if item.path.startswith(f"{package}/") and item.at_load and item.top in NEEDS_NO[package]
    ]
    assert early == []


@pytest.mark.parametrize("module", ["grids.grid", "orchestrator.cli", "orchestrator.planning.plan"])
def test_loading_these_modules_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({sorted(HEAVY)!r})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
