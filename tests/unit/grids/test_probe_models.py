"""Probes that do not work on every model: a grid with another is refused, with the probe's line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.grid import load
from grids.problems import GridProblems

BASE = "base: {dataset: digits, method: set, density: 0.1, model: MODEL}\n"
NNSTD = "{name: emergence, nnstd: true}"
SKIPPING = "{name: mlp, hidden: [8, 8], skip: true}"

Told = Callable[[str, str], list[str]]


@pytest.fixture
def told(shipped: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What is said of a model with probes; nothing where the grid is read."""
    monkeypatch.chdir(tmp_path)

    def lines(model: str, probes: str) -> list[str]:
        Path("grid.yaml").write_text(BASE.replace("MODEL", model) + f"probes: [{probes}]\n")
        try:
            load("grid.yaml", shipped)
        except GridProblems as error:
            return str(error).splitlines()
        return []

    return lines


@pytest.mark.parametrize("probe", ["neurons", NNSTD])
def test_a_model_that_is_no_chain_is_told_with_those_that_are(told: Told, probe: str) -> None:
    name = "emergence" if probe == NNSTD else probe
    [line] = told("resnet18", probe)
    assert line.startswith(f"grid.yaml:2: probe {name} does not work on model resnet18; allowed: ")
    assert "mlp" in line
    assert told("mlp", probe) == told("lenet_300_100", probe) == []


@pytest.mark.parametrize("probe", ["neurons", NNSTD])
def test_options_that_break_the_chain_are_named(told: Told, probe: str) -> None:
    [line] = told(SKIPPING, f"gradient_flow, {probe}")
    assert line.endswith("does not work on model mlp with skip: true")


def test_only_what_needs_a_chain_is_refused(told: Told) -> None:
    assert told("resnet18", "emergence, effective") == []
    assert told(SKIPPING, "emergence") == []
