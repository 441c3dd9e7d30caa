"""The table of costs in docs/methods/README.md is what the code counts."""

import re
from pathlib import Path

import pytest

from sparse.methods import METHODS
from tests.support.cells import make_cell, train
from tests.support.methods import fitting

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "methods" / "README.md"
ROWS = re.findall(
    r"^\| `(\w+)` \| ([\d.]+) % \| ([\d.]+) % \|$",
    DOCUMENT.read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_method_has_its_row():
    assert [name for name, _, _ in ROWS] == list(METHODS.names())


@pytest.mark.parametrize(("name", "training", "prediction"), ROWS)
def test_a_run_costs_what_the_table_says(name, training, prediction):
    cell = make_cell(
        name, fitting(name, "0.1"), dataset="digits", model_options={"hidden": (100, 100)},
        epochs=20, batch=32, lr=0.1,
    )  # fmt: skip
    metrics = train(cell)[cell.id].metrics
    found = [f"{100 * metrics[f'{part}_flops_ratio']:.1f}" for part in ("train", "inference")]
    # A density that is learned differs a little between machines.
    distance = 2.0 if METHODS.get(name).traits["density"] == "learned" else 0.05
    assert [float(text) for text in found] == pytest.approx(
        [float(training), float(prediction)], abs=distance
    ), f"| `{name}` | {found[0]} % | {found[1]} % |"
