"""A Python environment of a person's own: what this one has, and packages that they install."""

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"


class Environment:
    """An environment beside this one; commands run in it as a person would run them.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.python = folder / "bin" / "python"
        self._folder = folder
        (self.packages / "shared.pth").write_text("\n".join(site.getsitepackages()))

    @property
    def packages(self) -> Path:
        """The folder of its installed packages."""
        return next(self._folder.glob("lib/python*/site-packages"))

    def install(self, source: Path, *, editable: bool = False) -> Path:
        """Install a copy of a package from its folder, without a network; where the copy is."""
        copy = self._folder / "sources" / source.name
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet",
             "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check",
             *(["--editable"] if editable else []), copy],
            check=True,
        )  # fmt: skip
        return copy

    def variables(self) -> dict[str, str]:
        """The variables of its commands, which keep a cache of their own."""
        cache = str(self._folder / "cache")
        return {**os.environ, "XDG_CACHE_HOME": cache, "PYTHONPATH": str(ROOT)}

    def run(self, folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Run `sparsesweep` with these arguments in a folder."""
        return subprocess.run(
            [self.python, "-m", "orchestrator.cli", *map(str, arguments)],
            cwd=folder, env=self.variables(), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def sparsesweep(self, folder: Path, *arguments: object) -> str:
        """What a command that succeeds prints."""
        done = self.run(folder, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout
