"""The studies: planned where their data is not, and run on small images."""

import json
import shlex
from pathlib import Path

import pytest

from tests.support.console import sparsesweep

ROOT = Path(__file__).resolve().parents[2]
GENERALIZATION = (ROOT / "docs" / "studies" / "generalization.md").read_text(encoding="utf-8")

PLANNED = {
    "accuracy_vs_flops": (276, 277, {"el2n@20e": 1, "final": 6}),
    "adversarial_cifar10": (66, 66, {"final": 6}),
    "adversarial_cifar100": (66, 66, {"final": 6}),
    "corrupted_cifar100_resnet18": (828, 828, {"final": 18}),
    "corrupted_cifar100_vgg19": (828, 828, {"final": 18}),
    "corrupted_severities": (1242, 1242, {"final": 27}),
    "corrupted_tinyimagenet": (828, 828, {"final": 18}),
    "density_allocation": (114, 115, {"el2n@20e": 1, "final": 6}),
    "el2n_cifar100": (276, 277, {"el2n@20e": 1, "final": 6}),
    "el2n_ratios": (270, 271, {"el2n@20e": 1}),
    "el2n_tinyimagenet": (276, 277, {"el2n@20e": 1, "final": 6}),
    "generalization": (24750, 24750, {}),
    "gradient_flow": (17_940, 17_940, {}),
    "scsdc_cifar100": (5520, 5520, {}),
    "structure": (8640, 9396, {"final": 756, "rewind@500": 12}),
    "structure_efficient": (1944, 1944, {}),
    "structure_sources": (576, 828, {"final": 828, "rewind@500": 12}),
}
"""Cells, the same with what they need, and what some cells leave for others, by study."""


@pytest.mark.parametrize("name", sorted(PLANNED))
def test_a_study_is_planned_where_its_data_is_not(name: str, tmp_path: Path) -> None:
    said = sparsesweep("plan", name, "--json", "--store", tmp_path / "results")
    assert said.code == 0, said.err
    planned = json.loads(said.out)
    cells, trained, artifacts = PLANNED[name]
    assert planned["cells"] == cells
    assert planned["counts"]["new"] == sum(len(wave["cells"]) for wave in planned["waves"])
    assert planned["counts"]["new"] == trained
    assert planned["artifacts"]["missing"] == artifacts


def test_generalization_is_planned_truly_sparse_with_the_words_of_its_page(tmp_path: Path) -> None:
    [command] = [line for line in GENERALIZATION.splitlines() if "recipe.storage=csr" in line]
    _, _, name, *words = shlex.split(command.removeprefix("$ ").replace(" /data", f" {tmp_path}"))
    said = sparsesweep("plan", name, *words, "--json", "--store", tmp_path / "results")
    assert said.code == 0, said.err
    assert json.loads(said.out)["cells"] == 3 * 10 * (26 * 2 * 3 + 3 * 3)
