"""Figures as files and as pieces of a page: equal bytes, ids of their own, honest refusals."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from orchestrator.answers.results import AnswerError, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.drawing import available, drawn, svg_of
from orchestrator.plots.material import Material, gather
from orchestrator.plots.style import paper_of
from orchestrator.store import Store
from tests.support.grids import a_cell, a_grid, publish_results

GRID = a_grid(methods=["set", "rigl"], densities=["0.05", "0.5"], seeds=2)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    store = Store.create(tmp_path_factory.mktemp("store"))
    publish_results(store, GRID)
    return gather(store, select(store, GRID))


def test_a_piece_of_a_page_is_an_image_with_a_title(material: Material) -> None:
    text = svg_of("density", material, "first")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert text.startswith("<svg ")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "first-title first-description"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == (
        "a measurement over the density, or over another field that is a number: "
        "test accuracy (%) over density (kept fraction of the maskable weights)"
    )
    assert description.text == "Mean over n = 2 seeds; bands: 95 % confidence intervals."
    assert root.get("width") is None
    assert (root.get("viewBox") or "").startswith("0 0 403.2 ")


def test_two_pieces_of_one_page_share_no_id(material: Material) -> None:
    first, second = (svg_of("density", material, prefix) for prefix in ("one", "two"))
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (first, second)]
    assert ids[0] & ids[1] == set()
    named = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', first)
    assert named
    assert {one or other for one, other in named} <= ids[0]


def test_a_piece_of_a_page_styles_and_runs_nothing_else(material: Material) -> None:
    text = svg_of("density", material, "a")
    for foreign in ("<style", "<script", "<!--", "<metadata", "<?xml", "<!DOCTYPE", "http://purl"):
        assert foreign not in text
    assert svg_of("density", material, "a") == text


@pytest.mark.parametrize("prefix", ["", "1a", 'a"b', "a b", "a<"])
def test_a_prefix_is_a_plain_name(material: Material, prefix: str) -> None:
    with pytest.raises(ValueError, match="cannot begin ids of a figure"):
        svg_of("density", material, prefix)


def test_what_the_results_cannot_fill_is_said_with_its_reason(material: Material) -> None:
    told = {one.kind: one for one in available(material)}
    assert told["density"].choices == Choices()
    assert told["density"].reason == ""
    assert told["layers"].choices is None
    assert told["layers"].reason == "there is nothing to draw: 10 cells completed without layers"
    assert told["curves"].reason == (
        "there is nothing to draw: 10 cells completed without a curve of val_accuracy"
    )


def test_a_field_that_varies_gets_panels_where_nothing_is_chosen(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "results")
    ratios = ("0.5", "1")
    cells = [
        a_cell("set", d, s, data_ratio=r) for r in ratios for d in ("0.1", "0.2") for s in (0, 1)
    ]
    publish_results(store, cells)
    found = gather(store, select(store, cells))
    [density] = [one for one in available(found) if one.kind == "density"]
    assert density.choices == Choices(facet=("data_ratio",))
    text = svg_of("density", found, "a", density.choices)
    assert text.count('id="a-axes_') == 2


def test_an_unknown_kind_names_the_nearest(material: Material) -> None:
    expected = r"there is no kind 'curve' of figure; kinds: density, .*; did you mean 'curves'\?$"
    with pytest.raises(AnswerError, match=expected):
        drawn("curve", material, ".svg")


def test_a_choice_that_means_nothing_to_a_kind_is_refused(material: Material) -> None:
    with pytest.raises(AnswerError, match=r"^a figure of kind layers has no --value, --x-log$"):
        drawn("layers", material, ".svg", Choices(value="test_loss", x_log=True))


def test_a_width_is_a_place_in_a_paper_or_inches(material: Material) -> None:
    for width, points in (("column", 241.2), ("page", 496.8), ("4", 288.0)):
        figure = drawn("density", material, ".svg", Choices(paper=paper_of(width))).decode()
        assert f'width="{points:g}pt"' in figure
    for width in ("wide", "1.9", "21", "nan", "-3"):
        with pytest.raises(AnswerError, match=rf"^--width {width}: write column, page, or inches"):
            paper_of(width)


def test_a_pdf_embeds_its_fonts_as_truetype(material: Material) -> None:
    content = drawn("density", material, ".pdf")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
