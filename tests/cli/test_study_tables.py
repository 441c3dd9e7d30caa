"""The small twins of the studies of hard samples run on Ray; their tables are the documented ones.

In the exact tier equal machine types give equal bits. On another one than the page names, rows,
columns and counts are compared, and not the numbers.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.backends.ray_tune import RayTune
from tests.support.console import sparsesweep

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "studies" / "hard_samples.md").read_text()
TWINS = PAGE.partition("\n## The twins\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```console\n(\$ sparsesweep .*?)```\n\n(.*?)(?=\n```|\Z)", TWINS, re.DOTALL)

MACHINE = re.search(r"machine type `(.*?)`, arithmetic `(.*?)`, torch `(.*?)`", TWINS)
"""What the numbers of the page were made on."""

CPU_SECONDS = 2 * 60
"""Of two cores in a minute: all that a twin may take, Ray's start included."""


def documented() -> dict[str, list[tuple[list[str], str]]]:
    """Of every twin: the words of its table commands, each with what the page shows below it."""
    found: dict[str, list[tuple[list[str], str]]] = {}
    for commands, shown in BLOCKS:
        for line in commands.splitlines():
            verb, name, *words = line.removeprefix("$ sparsesweep ").split()
            tables = found.setdefault(name, [])
            if verb == "table":
                tables.append((words, shown))
    return found


TABLES = documented()


def shape(table: str) -> list[str]:
    """The lines of a table without the sizes of its numbers."""
    return [re.sub(r"\d+\.\d+", "N", line) for line in table.splitlines()]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all: a cell that two studies have is trained once."""
    return tmp_path_factory.mktemp("studies") / "results"


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    """One local Ray, which every run of this process takes as it is."""
    backend = RayTune()
    backend.prepare(slots=2, threads=1)
    yield
    backend.close()


def test_every_twin_has_a_table_on_the_page() -> None:
    studies = Path(__file__).resolve().parents[2] / "grids" / "studies"
    twins = {path.stem for path in studies.glob("*_ci.yaml")} - {"digits_ci", "zoo_ci"}
    assert {name for name, tables in TABLES.items() if tables} == twins
    assert MACHINE is not None


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("name", TABLES)
def test_a_twin_runs_on_ray_and_its_table_is_the_documented_one(
    name: str, store: Path, test_data: Path
) -> None:
    said = sparsesweep("run", name, "--backend", "ray", "--data-root", test_data, "--store", store)
    assert said.code == 0, said.out + said.err
    facts = "machine, cbwr, torch, sum(device_seconds) as seconds"
    asked = f"select {facts} from results where grid = '{name}' group by all"
    [made] = json.loads(sparsesweep("query", asked, "--format", "json", "--store", store).out)
    assert made["seconds"] < CPU_SECONDS
    assert MACHINE is not None
    same_machine = (made["machine"], made["cbwr"], made["torch"]) == MACHINE.groups()
    for words, shown in TABLES[name]:
        printed = sparsesweep("table", name, *words, "--store", store).out
        assert shape(printed) == shape(shown)
        assert printed == shown or not same_machine
