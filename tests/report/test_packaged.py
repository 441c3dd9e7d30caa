"""The template, the style and the script are found where the package is installed."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from orchestrator.report.rendering import PAGE

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_of_the_page_is_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["orchestrator.report"]
    shipped = {file for pattern in patterns for file in PAGE.parent.glob(pattern)}
    assert shipped == set(PAGE.iterdir())
    assert {PAGE / name for name in ("page.html", "report.css", "report.js")} < shipped


@pytest.mark.slow
def test_a_page_is_written_from_a_built_wheel(tmp_path: Path) -> None:
    build = (
        "from setuptools import build_meta; import sys;"
        "print(build_meta.build_wheel(sys.argv[1]), file=sys.stderr)"
    )
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("grids", "orchestrator", "sparse", "trainer", "pyproject.toml", "README.md"):
        (tree / name).symlink_to(ROOT / name)
    (tree / "LICENSE").symlink_to(ROOT / "LICENSE")
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=tree, check=True, capture_output=True
    )
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    # Named, because a safe path of this process would leave the current folder out.
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); "
    code += "from orchestrator.report.rendering import PAGE, _environment; print(PAGE); "
    code += "_environment().get_template('page.html')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path / "installed" / "orchestrator" / "report" / "page")
