"""The page without a browser: whole, alone, escaped, and the same for the same answers."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from grids.cell import Cell
from orchestrator.report.material import ReportRequest, gather
from orchestrator.report.rendering import render
from orchestrator.slurm.cluster import Slurm
from orchestrator.store.layout import Store
from orchestrator.submissions.submission import find_submission
from tests.support.report_stores import (
    EVIL,
    EVIL_ERROR,
    NOON,
    Outcome,
    cells_of,
    page_of,
    report_store,
)

VOID = {"meta", "link", "input", "br", "img", "hr"}
SECTIONS = [
    "progress", "grid", "tables", "figures", "statistics", "failures", "cells", "cost",
    "provenance",
]  # fmt: skip
TABLE = "sparsesweep table digits --rows method --columns density --value test_accuracy"


class Skeleton(HTMLParser):
    """What a page is made of, as a parser sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.open += [] if tag in VOID else [tag]
        self.ids += [str(found["id"])] if "id" in found else []
        self.loads += [str(found[key]) for key in ("src", "href", "action") if key in found]
        self.handlers += [key for key in found if key.startswith("on")]
        self.scripts += [str(found.get("type", ""))] if tag == "script" else []
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = str(found["content"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        within = self.open[-1] if self.open else ""
        self.headings += [data] if within in ("h1", "h2") else []
        (self.styles if within == "style" else self.texts).append(data)

    @property
    def text(self) -> str:
        """All of it, with single blanks."""
        return " ".join(" ".join(self.texts).split())


def skeleton(page: str) -> Skeleton:
    """The skeleton of a page."""
    found = Skeleton()
    found.feed(page)
    found.close()
    return found


@pytest.fixture(scope="module")
def page(troubled_page: Path) -> str:
    """The page of the troubled store."""
    return troubled_page.read_text(encoding="utf-8")


def cells_in(page: str) -> Any:
    """The data of the table of cells."""
    [text] = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_the_page_has_these_sections_in_this_order(page: str) -> None:
    found = skeleton(page)
    assert (found.wrong, found.open) == ([], [])
    assert [name[3:] for name in found.ids if name[3:] in SECTIONS] == SECTIONS
    assert found.headings == [
        "digits", "Progress", "The grid", "Results", "Figures", "Statistics", "Failures", "Cells",
        "Cost", "Provenance",
    ]  # fmt: skip


def test_no_id_stands_twice(page: str) -> None:
    ids = skeleton(page).ids
    assert sorted(set(ids)) == sorted(ids)


def test_the_page_loads_nothing_and_names_no_address(page: str) -> None:
    loads = skeleton(page).loads
    assert [load for load in loads if not load.startswith(("#", "data:"))] == []
    assert re.findall(r"\bhttps?:|@import|url\((?!#)", page) == []


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(page: str) -> None:
    found = skeleton(page)
    [script], [style] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL), found.styles
    assert found.policy == (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_what_comes_from_data_is_text(page: str) -> None:
    found = skeleton(page)
    assert found.scripts == ["application/json", ""]  # no third one came in with the data
    assert found.handlers == []
    texts = "\n".join(found.texts)
    assert f"Is <b>it</b> shown? {EVIL}" in texts
    assert EVIL_ERROR in texts
    assert f"</pre>{EVIL}" in texts
    assert f"--set method={EVIL}" in texts


def test_cells_are_embedded_as_data_that_no_parser_mistakes_for_markup(page: str) -> None:
    cells = cells_in(page)
    assert [column["key"] for column in cells["columns"]] == [
        "state", "method", "density", "seed", "test_accuracy", "test_loss", "realised_density",
        "seconds", "attempts", "host", "failure", "cell",
    ]  # fmt: skip
    assert len(cells["rows"]) == 21
    assert cells["rows"][0][:5] == ["COMPLETED", "dense", 1, 0, 96.0]
    assert cells["repeat"] == ["sparsesweep repro ", ""]
    assert cells["kinds"] == {
        "COMPLETED": "done", "FAILED": "failed", "OUT_OF_MEMORY": "failed", "PENDING": "waiting",
    }  # fmt: skip


def test_an_unfinished_grid_says_how_far_it_is(page: str) -> None:
    text = skeleton(page).text
    assert "14 of 21 cells have results. 2 are still to come. 5 failed, or wait for" in text
    assert "as of 2026-11-20 12:00 UTC" in text


def test_mixed_results_are_shown_with_a_warning_and_the_commands_allow_them(tmp_path: Path) -> None:
    def outcome(cell: Cell) -> Outcome:
        return Outcome(made_by={"tier": "fast"} if cell.seed == 2 else {})

    text = skeleton(page_of(report_store(tmp_path, cells_of(), outcome))).text
    assert "These results were not made alike." in text
    assert "mixed tier: 10 cells exact, 5 cells fast" in text
    assert f"{TABLE} --against dense --best --allow-mixed" in text


def test_a_grid_without_any_result_has_a_report(tmp_path: Path) -> None:
    store = report_store(tmp_path, cells_of(), lambda _: Outcome(state="PENDING"))
    text = skeleton(page_of(store)).text
    assert "0 of 15 cells have results. 15 are still to come." in text
    assert "Nothing has results yet." in text


def test_fields_that_a_table_cannot_average_have_tables_of_their_own(tmp_path: Path) -> None:
    cells = [replace(cell, recipe=(("epochs", n),)) for n in (2, 4) for cell in cells_of()]
    text = skeleton(page_of(report_store(tmp_path, cells))).text
    for epochs in (2, 4):
        assert f"{TABLE} --against dense --best --where recipe.epochs={epochs}" in text


def test_equal_answers_give_equal_pages(troubled_store: Store, page: str) -> None:
    assert page_of(troubled_store) == page


def test_asked_fields_and_values_are_those_of_the_tables(troubled_store: Store) -> None:
    asked = ReportRequest(
        values=("test_loss", "test_accuracy"), rows="density", columns="method",
        where={"method": ["static", "rigl"]}, against="0.1", folder="there",
    )  # fmt: skip
    text = skeleton(page_of(troubled_store, asked)).text
    for value in asked.values:
        assert (
            f"sparsesweep table digits --rows density --columns method --value {value} "
            "--against 0.1 --best --where method=static,rigl --store there"
        ) in text


def test_several_grids_are_chapters_of_one_page(tmp_path: Path) -> None:
    cells = cells_of()
    store = report_store(tmp_path, cells)
    report_store(tmp_path, cells[:6], grid="other", text="name: other\n")
    materials = [
        gather(store, find_submission(store, name), Slurm(), ReportRequest(), at=NOON)
        for name in ("digits", "other")
    ]
    found = skeleton(render(materials))
    assert (found.wrong, found.open) == ([], [])
    assert sorted(set(found.ids)) == sorted(found.ids)
    assert [text for text in found.headings if text in ("digits", "other")] == ["digits", "other"]
    assert found.scripts == ["application/json", "application/json", ""]
    assert "sparsesweep table other --rows method" in found.text


def test_a_report_is_about_something() -> None:
    with pytest.raises(ValueError, match="at least one grid"):
        render([])


def test_a_store_that_may_only_be_read_has_the_same_report(
    troubled_store: Store, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in troubled_store.root.rglob("*")}
    monkeypatch.setattr(Store, "writable", False)
    assert page_of(troubled_store) == page
    assert {path: path.stat().st_mtime_ns for path in troubled_store.root.rglob("*")} == before
