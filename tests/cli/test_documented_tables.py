"""The tables that docs/results.md and docs/tables.md show are those that their commands write.

Sizes of numbers, and what depends on them (which entry is best or differs), may be others on
another machine; captions, rows, columns, notes and counts may not.
"""

import re
import shlex
from pathlib import Path

import pytest

from tests.support.console import sparsesweep

ROOT = Path(__file__).resolve().parents[2]


def session(page: str, heading: str) -> list[tuple[list[str], str]]:
    """The commands of a section's first session, each with what is shown below it."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(heading)[2]
    body = text.partition("```console\n")[2].partition("```")[0]
    lines = [part.partition("\n") for part in re.split(r"(?m)^\$ ", body)[1:]]
    return [(shlex.split(command), output) for command, _, output in lines]


def shape(text: str) -> list[str]:
    """The lines without the sizes of numbers, which entries are best, and room between columns."""
    unmarked = re.sub(r"\\rlap\{\$\^\{\\d*dagger\}\$\}", "", text)
    plain = re.sub(r"\\textbf\{([^}]*)\}|[*†‡]", r"\1", unmarked)
    masked = re.sub(r"-?\d+\.\d+ (±|\$\\pm\$) \d+\.\d+", "NUMBER", plain)
    return [" ".join(line.replace("-", " ").split()) for line in masked.splitlines()]


def compare(commands: list[tuple[list[str], str]]) -> int:
    """Run the commands; of how many the output was compared."""
    compared = 0
    for (program, *words), output in commands:
        if program == "cat":
            written = Path(words[0]).read_text(encoding="utf-8")
        else:
            done = sparsesweep(*words)
            assert done.code == 0, done.err
            written = done.out
        if output:
            assert shape(written) == shape(output)
            compared += 1
    return compared


def test_the_tables_of_the_section_are_what_its_commands_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compare(session("tables.md", "\n## Tables for papers\n")) == 4


@pytest.mark.slow
@pytest.mark.ray
def test_the_way_from_the_study_digits_to_a_paper_is_as_it_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert compare(session("results.md", "# Results: from a finished store to a paper\n")) == 2
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written >= {"digits.tex", "stats.txt", "digits.pdf", "flops.pdf", "digits.html"}
