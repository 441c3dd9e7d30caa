"""The study of gradient flow: its axes, its pairs, and what its page says of them and of tests."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.finding import STUDIES
from grids.grid import load
from grids.options import Value

ROOT = STUDIES.parents[1]
PAGE = (ROOT / "docs" / "studies" / "gradient_flow.md").read_text(encoding="utf-8")

Fields = Mapping[str, Value]


@pytest.fixture(scope="module")
def study(shipped: Catalogue) -> list[tuple[Cell, Fields]]:
    return [(cell, shipped.fields(cell)) for cell in load("gradient_flow", shipped).cells]


def variant(fields: Fields) -> str:
    """The label of a cell's variant, as the slides write it."""
    decay = "WD" if fields["recipe.optimizer"] == "adamw" else "L2"
    parts = {
        "DA": fields["recipe.crop"] == 4 and fields["recipe.flip"],
        decay: fields["recipe.weight_decay"],
        "SC": fields["model.skip"],
        "BN": fields["model.batch_norm"],
    }
    return "_".join(name for name, on in parts.items() if on) or "NR"


def test_every_optimizer_has_its_variants(study: list[tuple[Cell, Fields]]) -> None:
    found: dict[tuple[Value, Value], set[str]] = {}
    for _, fields in study:
        key = (fields["recipe.optimizer"], fields["recipe.momentum"])
        found.setdefault(key, set()).add(variant(fields))
    both = {"NR", "DA", "L2", "SC", "BN", "DA_BN", "L2_BN", "SC_BN"}
    idle = 0.9
    assert found == {
        ("sgd", 0.0): both,
        ("sgd", 0.9): both,
        ("adagrad", idle): both,
        ("rmsprop", idle): both,
        ("adam", idle): both,
        ("adamw", idle): {"WD", "WD_BN"},
    }


def test_networks_have_the_published_widths_and_lengths(study: list[tuple[Cell, Fields]]) -> None:
    found = {(c.dataset.name, f["model.hidden"], f["recipe.epochs"]) for c, f in study}
    deep = {(name, (3076,) * n, 1000) for name in ("cifar10", "cifar100") for n in (1, 2, 4)}
    assert found == deep | {("fashion_mnist", (788,) * 4, 500)}
    assert {fields["method.width"] for _, fields in study} == {0.1, 0.3, 0.5, 0.7, 0.9}
    assert {cell.seed for cell, _ in study} == {0, 1, 2}


def test_every_cell_has_its_partner(study: list[tuple[Cell, Fields]]) -> None:
    sides: dict[tuple[object, ...], set[Value]] = {}
    for cell, fields in study:
        rest = {name: value for name, value in fields.items() if name != "method.role"}
        key = (cell.dataset.name, cell.seed, *sorted(rest.items(), key=lambda item: item[0]))
        sides.setdefault(key, set()).add(fields["method.role"])
    assert set(map(frozenset, sides.values())) == {frozenset({"sparse", "dense"})}


def test_other_activations_run_where_the_page_says(study: list[tuple[Cell, Fields]]) -> None:
    others = [(c, f) for c, f in study if f["model.activation"] != "relu"]
    assert {
        (c.dataset.name, len(str(f["model.hidden"]).split()), variant(f)) for c, f in others
    } == {("cifar100", 4, "DA_BN")}
    counts = Counter(fields["model.activation"] for _, fields in others)
    assert counts == dict.fromkeys(("swish", "prelu", "srelu", "sigmoid", "elu"), 300)
    assert sum(counts.values()) == 1500
    assert f"{len(study):,} cells" in PAGE
    assert "1,500 of other activations" in PAGE


def test_it_shares_cells_with_the_study_of_pairs(
    study: list[tuple[Cell, Fields]], shipped: Catalogue
) -> None:
    others = {cell.id for cell in load("scsdc_cifar100", shipped).cells}
    assert len(others & {cell.id for cell, _ in study}) == 3960
    assert "3,960 cells in common with" in PAGE


def test_no_network_of_one_hidden_layer_has_a_skip(study: list[tuple[Cell, Fields]]) -> None:
    assert not [f for _, f in study if f["model.skip"] and f["model.hidden"] == (3076,)]


@pytest.mark.parametrize("name", ["gradient_flow", "gradient_flow_ci"])
def test_both_ask_for_the_probes_of_the_study_of_pairs(name: str, shipped: Catalogue) -> None:
    probes = load(name, shipped).probes
    assert probes == tuple(f'{{"name":"{n}"}}' for n in ("gradient_flow", "effective", "signal"))
    assert probes == load("scsdc_cifar100", shipped).probes


def test_the_page_names_tests_that_exist_and_every_golden_number() -> None:
    rows = re.findall(r"^\| ((?:[GPRA]\d+(?:, | to )?)+) \|.*\| (.*) \|$", PAGE, flags=re.MULTILINE)
    named = {label for first, _ in rows for label in re.findall(r"[GPRA]\d+", first)}
    assert named >= {f"G{n}" for n in range(1, 11)} | {f"A{n}" for n in range(1, 10)} | {"P8"}
    files = [file for _, last in rows for file in re.findall(r"`(\S+\.py)`", last)]
    assert files
    missing = [file for file in files if not (Path(ROOT) / "tests" / file).is_file()]
    assert missing == []
