"""The tables that docs/results.md shows are those that its commands write.

Sizes of numbers, and what depends on them (which entry is best or differs), may be others on
another machine; captions, rows, columns, notes and counts may not.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.support.console import sparsesweep

ROOT = Path(__file__).resolve().parents[2]
SECTION = (
    (ROOT / "docs" / "results.md")
    .read_text(encoding="utf-8")
    .partition("\n## Tables for papers\n")[2]
    .partition("\n## ")[0]
)
SESSION = SECTION.partition("```console\n")[2].partition("```")[0]


def shown() -> list[tuple[list[str], str]]:
    """The commands of the section, each with what is shown below it."""
    parts = re.split(r"(?m)^\$ ", SESSION)[1:]
    lines = [part.partition("\n") for part in parts]
    return [(shlex.split(command), output) for command, _, output in lines]


def shape(text: str) -> list[str]:
    """The lines without the sizes of numbers, which entries are best, and room between columns."""
    plain = re.sub(r"\\textbf\{([^}]*)\}|[*†‡]", r"\1", text)
    masked = re.sub(r"-?\d+\.\d+ (±|\$\\pm\$) \d+\.\d+", "NUMBER", plain)
    return [" ".join(line.replace("-", " ").split()) for line in masked.splitlines()]


def test_the_tables_of_the_section_are_what_its_commands_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    compared = 0
    for (program, *words), output in shown():
        if program == "cat":
            written = Path(words[0]).read_text(encoding="utf-8")
        else:
            done = sparsesweep(*words)
            assert done.code == 0, done.err
            written = done.out
        if output:
            assert shape(written) == shape(output)
            compared += 1
    assert compared == 4
