"""The house style that a tool cannot be told: file length, docstrings, prints, names of files."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sparse", "grids", "trainer", "orchestrator")
LIBRARY = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
BENCHMARKS = sorted((ROOT / "benchmarks").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MAX_LINES = 400
Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def undocumented(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of every public class, function and method without a docstring.

    A method that only overrides one of a class it names is documented there; a property, an
    `__init__` or another special method is documented by its class.
    """
    module = ast.parse(source)
    if module.body and ast.get_docstring(module) is None:
        yield 1, "the module"
    yield from _undocumented(module.body, inherits=False)


def _undocumented(body: list[ast.stmt], *, inherits: bool) -> Iterator[tuple[int, str]]:
    for node in body:
        if not isinstance(node, Documented) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not inherits:
            yield node.lineno, node.name
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(node.body, inherits=bool(node.bases))


def prints(source: str) -> list[int]:
    """The lines that call `print`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def test_the_checks_below_find_what_they_look_for() -> None:
    source = 'def told():\n    """Yes."""\n\ndef untold():\n    print()\n\ndef _own(): ...\n'
    assert list(undocumented(source)) == [(1, "the module"), (4, "untold")]
    assert prints(source) == [5]


@pytest.mark.parametrize("file", LIBRARY + BENCHMARKS + TESTS, ids=name_of)
def test_no_file_is_longer_than_one_subject(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("file", LIBRARY + BENCHMARKS, ids=name_of)
def test_every_public_name_has_a_docstring(file: Path) -> None:
    assert list(undocumented(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("file", LIBRARY, ids=name_of)
def test_libraries_do_not_print(file: Path) -> None:
    assert prints(file.read_text(encoding="utf-8")) == []


def test_no_file_is_named_after_nothing() -> None:
    vague = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [name_of(file) for file in LIBRARY + BENCHMARKS + TESTS if file.name in vague] == []


@pytest.mark.parametrize("file", LIBRARY, ids=name_of)
def test_nothing_postpones_annotations_or_imports_everything(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert [node.lineno for node in froms if node.module == "__future__"] == []
    assert [node.lineno for node in froms if node.names[0].name == "*"] == []


def test_tests_are_found_by_path_and_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []
