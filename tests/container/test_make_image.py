"""`make image` builds with the engine it is given, or says that none answers."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ENGINE = """#!/bin/sh
echo "$@" >> "{calls}"
[ "$1" != info ] || exit {answers}
"""


def make_image(folder: Path, answers: int) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run it with an engine that only notes what it is asked."""
    engine, calls = folder / "engine", folder / "calls"
    engine.write_text(ENGINE.format(calls=calls, answers=answers), encoding="utf-8")
    engine.chmod(0o755)
    done = subprocess.run(
        ["make", "--no-print-directory", "image", f"ENGINE={engine}"],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, calls.read_text(encoding="utf-8").splitlines()


def test_it_builds_with_the_makefiles_installer_and_names_the_commit(tmp_path: Path) -> None:
    done, calls = make_image(tmp_path, answers=0)
    assert done.returncode == 0, done.stderr
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert version is not None
    assert calls[0] == "info"
    assert re.fullmatch(
        rf"build --build-arg UV_VERSION={re.escape(version[1])} --tag sparsesweep "
        r"--build-arg REVISION=([0-9a-f]{40}(-dirty)?|unknown) \.",
        calls[1],
    )


def test_without_an_engine_it_says_so_and_what_to_do(tmp_path: Path) -> None:
    done, calls = make_image(tmp_path, answers=1)
    assert done.returncode == 2
    assert "no container engine answers here" in done.stdout
    assert "make image ENGINE=podman" in done.stdout
    assert calls == ["info"]
