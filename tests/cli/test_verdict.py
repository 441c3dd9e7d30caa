"""verdict on the command line: real cells judged, formats, and what cannot be judged."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import sparsesweep

GRID = """\
name: NAME
base:
  dataset: wine
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 64}
axes:
  method: METHODS
seeds: 2
"""


STRUCTURE = """\
name: structured
base:
  dataset: wine
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 64}
axes:
  method:
    - {name: retrain, source: static, start: reinit}
    - {name: retrain, source: static, start: reinit, mask: shuffled}
    - {name: same_capacity, width: 0.25}
    - {name: same_capacity, width: 0.25, role: dense}
    - {name: same_capacity, width: 0.75}
    - {name: same_capacity, width: 0.75, role: dense}
  density: [0.5]
probes: [gradient_flow]
seeds: 3
"""


@pytest.fixture(scope="module")
def structured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a grid of retrained networks and pairs of equal capacity that was run."""
    folder = tmp_path_factory.mktemp("structured")
    (folder / "structured.yaml").write_text(STRUCTURE)
    done = sparsesweep(
        "run", folder / "structured.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert done.code == 0, done.err
    return folder / "results"


def judged(name: str, store: Path) -> dict[str, dict[str, Any]]:
    """Id to verdict, and to table, as JSON tells them."""
    said = sparsesweep("verdict", name, "--store", store, "--format", "json")
    assert said.code == 0, said.err
    plain = json.loads(said.out)
    return {part["id"]: part for part in (*plain["verdicts"], *plain["sheets"])}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of two small grids that were run: the dense networks lie in a grid of their own."""
    folder = tmp_path_factory.mktemp("verdict")
    for name, methods in (("thick", "[dense]"), ("thin", "[set, set_np]\n  density: [0.5]")):
        text = GRID.replace("NAME", name).replace("METHODS", methods)
        (folder / f"{name}.yaml").write_text(text)
        done = sparsesweep(
            "run", folder / f"{name}.yaml", "--backend", "inline", "--store", folder / "results"
        )
        assert done.code == 0, done.err
    return folder / "results"


def test_cells_of_several_grids_are_judged_together(store: Path) -> None:
    said = sparsesweep(
        "verdict", "generalization", "thin", "thick", "--store", store, "--format", "json"
    )
    assert said.code == 0, said.err
    judged = json.loads(said.out)
    assert judged["name"] == "generalization"
    assert [verdict["id"] for verdict in judged["verdicts"]] == [
        "i accuracy set",
        "i gap set",
        "ii accuracy set_np",
        "ii gap set_np",
    ]
    first = judged["verdicts"][0]
    assert first["outcome"] == "undecided"
    assert first["evidence"][0]["about"] == {"dataset": "wine"}
    assert "of 5 pairs that differ, for 1 test" in first["evidence"][0]["missing"]


def test_every_format_says_the_outcome(store: Path, tmp_path: Path) -> None:
    words = ("verdict", "generalization", "thin", "thick", "--store", store)
    text = sparsesweep(*words)
    assert text.code == 0, text.err
    first, _, second, *_ = text.out.splitlines()
    assert first == "generalization: 6 of 6 cells of thin, thick have results"
    assert second.startswith("i accuracy set      undecided")
    markdown = sparsesweep(*words, "--format", "markdown").out
    assert markdown.splitlines()[2] == "| id | claim | verdict | numbers |"
    rows = list(csv.DictReader(io.StringIO(sparsesweep(*words, "--format", "csv").out)))
    assert rows[0] == {
        "part": "i accuracy set", "of": "", "quantity": "verdict", "value": "undecided",
    }  # fmt: skip
    path = tmp_path / "verdict.txt"
    written = sparsesweep(*words, "--output", path)
    assert (written.code, written.out, written.err) == (0, "", f"wrote {path}\n")
    assert path.read_text() == text.out


def test_the_last_grid_is_judged_where_none_is_named(store: Path) -> None:
    told = sparsesweep("verdict", "generalization", "--store", store)
    assert told.code == 2
    assert told.err == (
        "thin has cells of set, set_np; add set or set_np, and dense (and static, for fixed random "
        "masks) with the same seeds\n"
    )


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("structure", "add cells of method retrain"),
        ("same_capacity", "add it with method.role: [sparse, dense]"),
        ("gradient_flow", "add the probe gradient_flow"),
    ],
)
def test_a_grid_without_the_needed_cells_is_told_what_to_add(
    name: str, needed: str, store: Path
) -> None:
    told = sparsesweep("verdict", name, "thin", "--store", store)
    assert told.code == 2
    assert needed in told.err
    assert len(told.err.splitlines()) == 1


def test_a_misspelt_name_or_format_gets_the_nearest(store: Path) -> None:
    told = sparsesweep("verdict", "structur", "--store", store)
    assert told.code == 2
    assert told.err == (
        "unknown judgement 'structur'; allowed: generalization, gradient_flow, same_capacity, "
        "structure; did you mean 'structure'?\n"
    )
    told = sparsesweep(
        "verdict", "generalization", "thin", "thick", "--store", store, "--format", "markdwn"
    )
    assert told.code == 2
    assert "did you mean 'markdown'?" in told.err


def test_cells_can_be_chosen(store: Path) -> None:
    said = sparsesweep(
        "verdict", "generalization", "thin", "thick", "--where", "method=set,dense",
        "--store", store, "--format", "json",
    )  # fmt: skip
    missing = {v["id"]: v["missing"] for v in json.loads(said.out)["verdicts"]}
    assert missing["i accuracy set"] == []
    assert missing["ii accuracy"] == ["pairs of set_np and dense cells"]


def test_real_cells_are_told_by_their_fields(structured: Path) -> None:
    structure = judged("structure", structured)
    gain = structure["H1b static"]["evidence"][0]
    assert (gain["n"], gain["missing"], gain["about"]["source"]) == (3, "", "static")
    assert structure["H1b static"]["outcome"] != "undecided"
    assert "0 of 5 shuffled-mask draws" in structure["H1a"]["evidence"][0]["missing"]

    pairs = judged("same_capacity", structured)
    [momentum] = pairs["tests"]["rows"]
    assert (momentum["optimizer"], momentum["variant"]) == ("momentum 0.9", "L2")
    assert pairs["R2"]["evidence"][0]["missing"] == momentum["undecided because"]
    assert [row["width"] for row in pairs["by_width"]["rows"]] == ["0.25", "0.75"]
    assert pairs["by_width"]["rows"][0]["extra parameters of S"] > 0

    flow = judged("gradient_flow", structured)
    measures = [row["measure"] for row in flow["correlations_wine"]["rows"]]
    assert measures[:2] == ["gf1, masked", "gf1, all weights"]
