"""What the documents say is true: their links lead somewhere, their commands run.

A fenced block that opens with ```console is a session. Its lines that begin with `$ ` are
commands; all other lines show output and are not compared. The commands of a block are run in
order, in an empty folder, when the line before the fence is `<!-- run -->`, or
`<!-- run: slow -->` for those that take more than a few seconds. A block without such a line is
only read: the verbs and flags of each `sparsesweep` command must exist.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.architecture.test_imports import ROOMS

MAIN = "from orchestrator.cli import main; main()"
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
GROUPS = ("data",)  # verbs that are followed by another: `sparsesweep data fetch`
FENCE = re.compile(
    r"(?:^<!-- run(?P<speed>: slow)? -->\n)?^```console\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One console block: where it stands, its commands, and whether a test may run them."""

    where: str
    commands: tuple[str, ...]
    runnable: bool
    slow: bool


def sessions_of(text: str, path: str) -> list[Session]:
    """The console blocks of one document's text."""
    found = []
    for match in FENCE.finditer(text):
        lines = match["body"].splitlines()
        found.append(
            Session(
                where=f"{path}:{text.count(chr(10), 0, match.start('body'))}",
                commands=tuple(line[2:] for line in lines if line.startswith("$ ")),
                runnable=match.group().startswith("<!-- run"),
                slow=match["speed"] is not None,
            )
        )
    return found


def all_sessions() -> list[Session]:
    """The console blocks of every document."""
    return [
        session
        for file in DOCUMENTS
        for session in sessions_of(
            file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix()
        )
    ]


def runnable() -> list[ParameterSet]:
    """The blocks marked to be run; the slow ones carry the marks of tests that take long."""
    long = [pytest.mark.slow, pytest.mark.ray]
    return [
        pytest.param(item, id=item.where, marks=long if item.slow else [])
        for item in all_sessions()
        if item.runnable
    ]


def test_a_block_is_read_as_it_is_marked() -> None:
    slow = "<!-- run: slow -->\n```console\n$ one --two\nits output\n$ three\n```\n"
    text = f"{slow}\n```console\n$ four\n```\n"
    first, second = sessions_of(text, "README.md")
    assert (first.commands, first.runnable, first.slow) == (("one --two", "three"), True, True)
    assert (second.commands, second.runnable, second.slow) == (("four",), False, False)
    assert (first.where, second.where) == ("README.md:2", "README.md:8")


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_links_inside_the_project_lead_somewhere(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [match["target"] for match in LINK.finditer(text)]
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in local if target and not (file.parent / target).exists()] == []


@pytest.mark.parametrize("session", runnable())
def test_commands_of_the_documents_run(session: Session, tmp_path: Path) -> None:
    run_session(session, tmp_path)


@pytest.mark.parametrize("session", all_sessions(), ids=lambda item: item.where)
def test_quoted_commands_exist(session: Session) -> None:
    for command in session.commands:
        words = shlex.split(command.partition("#")[0])
        if words[0] == "make":
            targets = re.findall(
                r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")
            )
            assert set(words[1:]) <= set(targets), command
        if words[0] == "sparsesweep" and len(words) > 1:
            flags = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
            help_text = help_of(*words[1 : 3 if words[1] in GROUPS else 2])
            assert {flag for flag in flags if flag not in help_text} == set(), command


@cache
def help_of(*verb: str) -> str:
    """What `sparsesweep VERB --help` prints; fails when there is no such verb."""
    arguments = verb if verb == ("--help",) else [*verb, "--help"]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=ROOT, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_session(session: Session, folder: Path) -> None:
    """Run the commands of a block in one shell in an empty folder; every one must succeed."""
    command = f"sparsesweep() {{ '{sys.executable}' -c '{MAIN}' \"$@\"; }}\nset -e\n"
    script = command + "\n".join(session.commands)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{session.where}\n{done.stdout}\n{done.stderr}"


TREE = (ROOT / "docs" / "architecture.md").read_text().partition("## The tree")[2]
PACKAGES = ("grids", "sparse", "trainer", "orchestrator", "tests")


def part_of_the_tree(package: str) -> str:
    """What the page's tree says of one package, and nothing of the next."""
    following = PACKAGES[PACKAGES.index(package) + 1]
    return TREE[TREE.index(f"\n{package}/") : TREE.index(f"\n{following}/")]


@pytest.mark.parametrize("package", ["grids", "sparse", "trainer"])
def test_the_tree_names_every_module(package: str) -> None:
    modules = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}
    assert modules <= set(re.findall(r"\w+\.py", part_of_the_tree(package)))


def test_the_tree_names_every_room_and_says_their_order() -> None:
    rooms = [room for room in ROOMS if (ROOT / "orchestrator" / room).is_dir()]
    assert set(rooms) <= set(re.findall(r"(\w+)/", part_of_the_tree("orchestrator")))
    said = TREE.partition("knows only those below it, in this order:")[2].partition(".")[0]
    assert [room.strip() for room in said.split(",")] == rooms
