"""The small twins of the studies run on Ray; what is asked of them prints what their pages show.

In the exact tier equal machine types give equal bits. On another one than a page names, rows,
columns and counts are compared, and not the numbers.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from orchestrator.backends.ray_tune import RayTune
from tests.support.console import sparsesweep

ROOT = Path(__file__).resolve().parents[2]
TWINS = {
    path.stem: path.read_text(encoding="utf-8")
    .partition("\n## The twins\n")[2]
    .partition("\n## ")[0]
    for path in sorted((ROOT / "docs" / "studies").glob("*.md"))
}
"""What each page of a study says of its twins."""

NOT_ON_A_PAGE = {"digits_ci", "zoo_ci"}

BLOCK = re.compile(
    r"```console\n(\$ sparsesweep .*?)```\n\n(?:```text\n(.*?)```|(.*?)(?=\n```|\Z))", re.DOTALL
)
"""Commands, and what they print: in a block of its own, or as Markdown up to the next block."""

MACHINE = re.compile(r"machine\s+type\s+`(.*?)`,\s+arithmetic\s+`(.*?)`,\s+torch\s+`(.*?)`")
"""What the numbers of a page were made on."""

CPU_SECONDS = 2 * 60
"""Of two cores in a minute: all that a twin may take, Ray's start included."""


def twins_of(words: Iterable[str]) -> list[str]:
    """The twins that a command names; it is asked of the last one when all are trained."""
    return [word for word in words if word.endswith("_ci")]


def documented(page: str) -> dict[str, list[tuple[list[str], str]]]:
    """Of every twin of a page: the commands that ask for results, each with what is shown below."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for commands, text, markdown in BLOCK.findall(TWINS[page]):
        for line in commands.splitlines():
            words = shlex.split(line, comments=True)[2:]
            *_, twin = twins_of(words)
            asked = found.setdefault(twin, [])
            if words[0] != "run":
                asked.append((words, text or markdown))
    return found


ASKED = {name: (page, asked) for page in TWINS for name, asked in documented(page).items()}


def shape(printed: str) -> list[str]:
    """The lines of what is printed without the sizes of its numbers."""
    return [re.sub(r"\d+\.\d+", "N", line) for line in printed.splitlines()]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all: a cell that two studies have is trained once."""
    return tmp_path_factory.mktemp("studies") / "results"


def run(name: str, store: Path, data: Path) -> None:
    """Train what is missing of a twin."""
    said = sparsesweep("run", name, "--backend", "ray", "--data-root", data, "--store", store)
    assert said.code == 0, said.out + said.err


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """One local Ray, which every run of this process takes as it is."""
    backend = RayTune()
    backend.prepare(slots=2, threads=1)
    yield
    backend.close()


def test_every_twin_has_a_table_on_a_page_that_names_its_machine() -> None:
    twins = {path.stem for path in (ROOT / "grids" / "studies").glob("*_ci.yaml")} - NOT_ON_A_PAGE
    assert {name for name, (_, asked) in ASKED.items() if asked} == twins
    assert all(MACHINE.search(text) for text in TWINS.values())


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("name", ASKED)
def test_a_twin_runs_on_ray_and_prints_what_its_page_shows(
    name: str, store: Path, test_data: Path
) -> None:
    run(name, store, test_data)
    facts = "machine, cbwr, torch, sum(device_seconds) as seconds"
    asked = f"select {facts} from results where grid = '{name}' group by all"
    [made] = json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)
    assert made["seconds"] < CPU_SECONDS
    page, commands = ASKED[name]
    (machine,) = MACHINE.findall(TWINS[page])
    same_machine = (made["machine"], made["cbwr"], made["torch"]) == machine
    for words, shown in commands:
        for beside in twins_of(words)[:-1]:
            run(beside, store, test_data)
        printed = sparsesweep(*words, "--store", store).out
        if same_machine:
            assert printed == shown
        elif words[0] == "table":  # what other numbers are judged to show may be something else
            assert shape(printed) == shape(shown)
