"""Every module of the libraries can be the first that a process imports: no circle breaks one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# One process per package, so that torch is loaded once: before every module it forgets the whole
# package. A module that its parent loads is loaded in the same order when it is named itself.
WALK = """
import importlib, json, pkgutil, sys

def alone(module):
    for name in [name for name in sys.modules if name.split(".")[0] == root]:
        del sys.modules[name]
    try:
        importlib.import_module(module)
    except ImportError as error:
        failures[module] = str(error)
    tried.append(module)

def walk(package):
    alone(package)
    if package in failures:
        return
    loaded, path = set(sys.modules), sys.modules[package].__path__
    for module in pkgutil.iter_modules(path, package + "."):
        if module.ispkg:
            walk(module.name)
        elif module.name not in loaded:
            alone(module.name)

root, tried, failures = sys.argv[1], [], {}
walk(root)
print(json.dumps([tried, failures]))
"""


def walked(package: str, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The modules that were imported alone, and why some of them could not be."""
    done = subprocess.run(
        [sys.executable, "-c", WALK, package],
        cwd=folder, capture_output=True, text=True, check=True,
        # A run of this process may have closed its children's working folder to imports.
        env={**os.environ, "PYTHONSAFEPATH": ""},
    )  # fmt: skip
    tried, failures = json.loads(done.stdout)
    return tried, failures


@pytest.mark.parametrize(
    ("package", "one"),
    [
        ("grids", "grids.cell"),
        ("sparse", "sparse"),
        ("trainer", "trainer.corruptions.published"),
    ],
)
def test_every_module_can_be_imported_first(package: str, one: str) -> None:
    tried, failures = walked(package, ROOT)
    assert one in tried
    assert failures == {}


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "ring").mkdir()
    for name, text in {
        "__init__": "", "first": "from ring.second import B\nA = 1", "third": "import ring.first",
        "second": "from ring.first import A\nB = A",
    }.items():  # fmt: skip
        (tmp_path / "ring" / f"{name}.py").write_text(text)
    tried, failures = walked("ring", tmp_path)
    assert set(tried) == {"ring", "ring.first", "ring.second", "ring.third"}
    assert set(failures) == {"ring.first", "ring.second", "ring.third"}
