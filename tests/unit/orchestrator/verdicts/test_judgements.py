"""Every judgement of a grid of which no cell has a result: nothing is decided, nothing fails."""

from pathlib import Path

import pytest

from grids.grid import load
from orchestrator.catalogue import load_catalogue
from orchestrator.store import Store
from orchestrator.submissions.submission import Submission
from orchestrator.verdicts.capacity_pairs import width_of
from orchestrator.verdicts.judgements import JUDGEMENTS, judge
from orchestrator.verdicts.material import gather
from orchestrator.verdicts.rendering import FORMATS, render
from orchestrator.verdicts.structure_kept import DEFAULTS
from tests.support.verdicts import an_answer, outcomes

WIDTHS = """\
name: widths
base: {dataset: digits, model: {name: mlp, hidden: [8]}, recipe: {epochs: 1}}
axes:
  method:
    - {name: same_capacity}
    - {name: same_capacity, role: dense}
    - {name: same_capacity, width: 0.1}
    - {name: same_capacity, width: 0.1, role: dense}
seeds: 2
probes: [gradient_flow]
"""
GRIDS = {
    "structure": ("structure_ci", "structure_efficient_ci", "structure_sources_ci"),
    "same_capacity": ("scsdc_cifar100_ci", "widths.yaml"),
    "gradient_flow": ("gradient_flow_ci", "widths.yaml"),
    "generalization": ("generalization_ci",),
}


def test_every_judgement_is_tried() -> None:
    assert GRIDS.keys() == JUDGEMENTS.keys()


@pytest.mark.parametrize(
    ("name", "grid"), [(name, grid) for name, grids in GRIDS.items() for grid in grids]
)
def test_without_results_all_is_undecided(name: str, grid: str, tmp_path: Path) -> None:
    (tmp_path / "widths.yaml").write_text(WIDTHS)
    path = str(tmp_path / grid) if grid.endswith("yaml") else grid
    found = load(path, load_catalogue())
    asked = Submission(
        grid=grid, number=1, source="", text="", overrides=(), backend="inline", slots=1,
        data_root=None, code="", submitted_at="", cells=found.cells,
        metrics=tuple({"name": name, "better": ""} for name in ("egf2", "kappa_epoch1_final")),
    )  # fmt: skip
    judgement = judge(name, gather(Store.create(tmp_path / "results"), [asked]))
    assert judgement.completed == 0
    assert set(outcomes(judgement).values()) == {"undecided"}
    for format in FORMATS:
        assert render(judgement, format)


def test_what_is_filled_in_without_a_result_is_what_the_methods_do() -> None:
    catalogue = load_catalogue()
    retrain = catalogue.entry("method", "retrain").defaults()
    assert {f"method.{name}": retrain[name] for name in ("start", "mask")} == DEFAULTS
    same_capacity = catalogue.entry("method", "same_capacity").defaults()
    assert width_of(an_answer("same_capacity", None)) == same_capacity["width"]
    assert (same_capacity["role"], same_capacity["init"]) == ("sparse", "matched")
    assert catalogue.entry("model", "mlp").defaults()["activation"] == "relu"
    rigl = catalogue.entry("method", "rigl").defaults()
    assert (rigl["growth"], rigl["update_stop"]) == ("gradient", 0.75)
