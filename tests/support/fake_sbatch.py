"""A stand-in for sbatch that notes what it was given and answers what it is told to."""

import os
import stat
from pathlib import Path

import pytest

from orchestrator.slurm.script import JobRequest
from orchestrator.slurm.task import run_task

_SBATCH = """\
#!/bin/sh
env | grep -E '^(SLURM|SBATCH|SUBMITIT)_' | sort > {folder}/environment
cp "$1" {folder}/script
echo x >> {folder}/calls
sed -n "$(wc -l < {folder}/calls)p" {folder}/refusals > {folder}/refusal
if [ -s {folder}/refusal ]; then cat {folder}/refusal >&2; exit 1; fi
cat {folder}/accepts
"""


class FakeSbatch:
    """The commands `sbatch` and `srun` in a folder that is first on the PATH.

    Args:
        folder: Where to make it.
        monkeypatch: What puts it on the PATH, and takes it off again.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        folder.mkdir()
        self.refuse()
        self.accept_with("Submitted batch job 4711")
        _write(folder / "srun", "#!/bin/sh\n")
        _write(folder / "sbatch", _SBATCH.format(folder=folder))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def refuse(self, *said: str) -> None:
        """Refuse the next calls, each in its words; "" is a call that is taken."""
        (self._folder / "refusals").write_text("".join(f"{words}\n" for words in said))

    def accept_with(self, said: str) -> None:
        """What is printed when a job is taken."""
        (self._folder / "accepts").write_text(f"{said}\n")

    @property
    def script(self) -> str:
        """The script of the last call."""
        return (self._folder / "script").read_text()

    @property
    def environment(self) -> list[str]:
        """The variables about SLURM in which the last call was made."""
        return (self._folder / "environment").read_text().splitlines()

    @property
    def calls(self) -> int:
        """How often it was called."""
        path = self._folder / "calls"
        return len(path.read_text().splitlines()) if path.exists() else 0


def request_of(place: Path, packs: int = 1, **more: object) -> JobRequest:
    """A job of so many packs, whose files are at `place`; `more` are fields of a JobRequest."""
    options: dict[str, object] = {
        "name": "ss-0a1b2c3d-a0",
        "folder": place / "logs",
        "manifests": [place / f"p{number}.json" for number in range(packs)],
        "code": Path("/store/code/c0de"),
        "threads": 2,
        "task": run_task,
    }
    return JobRequest(**{**options, **more})  # type: ignore[arg-type]


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
