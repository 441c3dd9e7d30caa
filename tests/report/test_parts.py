"""The parts of a report apart: what they say of answers whose results are known."""

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.provenance import host
from orchestrator.report.blocks import tables_of
from orchestrator.report.causes import causes_of, failure_map
from orchestrator.report.comparisons import comparisons_of
from orchestrator.report.explorer import columns_of
from orchestrator.report.figures import in_page_colours, is_picture
from orchestrator.report.material import ReportMaterial, ReportRequest, gather
from orchestrator.report.origins import origins_of
from orchestrator.report.progress import progress_of
from orchestrator.report.question import question_of
from orchestrator.report.spending import spending_of
from orchestrator.slurm.cluster import Slurm
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Manifest, publish_manifests, started
from orchestrator.submissions.submission import find_submission
from orchestrator.worker.heartbeat import Heartbeat, Phase
from tests.support.report_stores import (
    METHODS,
    NOON,
    Outcome,
    cells_of,
    report_store,
)


def test_tables_have_the_spread_and_the_confidence_that_are_asked_for(tmp_path: Path) -> None:
    material = material_of(report_store(tmp_path, cells_of()), spread="ci", confidence=0.9)
    block = tables_of(material)[0]
    assert "half width of the 90 % confidence interval" in block.caption
    assert "--spread ci --against dense --confidence 0.9" in block.command
    assert "<caption" not in block.html


def material_of(store: Store, **asked: object) -> ReportMaterial:
    """The material of the last grid of a store, as of noon."""
    return gather(store, find_submission(store, None), Slurm(), ReportRequest(**asked), at=NOON)  # type: ignore[arg-type]


@pytest.fixture
def whole(tmp_path: Path) -> ReportMaterial:
    """The material of a grid of which every cell completed."""
    return material_of(report_store(tmp_path, cells_of()))


def test_the_question_tells_what_varies_and_what_is_fixed(whole: ReportMaterial) -> None:
    found = question_of(whole)
    assert found.description == "Which method keeps its accuracy?"
    assert found.size == "3 methods, 3 densities, 3 seeds"
    assert found.axes == (
        ("method", ("dense", "static", "rigl")),
        ("density", ("0.05", "0.1", "1")),
        ("seed", ("0 to 2",)),
    )
    assert ("dataset", "digits") in found.base
    assert dict(found.fixed)["recipe.epochs"] == "2"
    assert (found.source, found.overrides) == ("digits.yaml", ())


def test_a_grid_that_this_program_cannot_read_has_no_description(tmp_path: Path) -> None:
    store = report_store(tmp_path, cells_of(), text="name: [digits\n")
    found = question_of(material_of(store))
    assert (found.description, found.text) == ("", "name: [digits\n")


def test_progress_counts_every_cell_once(troubled_store: Store) -> None:
    found = progress_of(material_of(troubled_store))
    assert (found.asked, found.finished, found.failed, found.running, found.waiting) == (
        21, 14, 5, 0, 2,
    )  # fmt: skip
    assert [(share.state, share.count, share.kind) for share in found.shares] == [
        ("COMPLETED", 14, "done"),
        ("FAILED", 3, "failed"),
        ("OUT_OF_MEMORY", 2, "failed"),
        ("PENDING", 2, "waiting"),
    ]
    assert not found.whole
    assert found.seconds_left is None  # nothing runs


def test_what_runs_is_told_with_how_long_the_others_take(tmp_path: Path) -> None:
    cells = cells_of()

    def half(cell: Cell) -> Outcome:
        return Outcome(state="COMPLETED" if cells.index(cell) < 9 else "PENDING")

    store = report_store(tmp_path, cells, half)
    _run(store, cells[9:12])
    found = progress_of(material_of(store))
    assert (found.finished, found.running, found.waiting) == (9, 3, 3)
    [pack] = found.packs
    assert (pack.label, pack.done, pack.total, pack.percent) == ("rigl", 0, 3, 25.0)
    assert found.seconds_left == pytest.approx(6.0)  # nine took nine seconds, six are left


def _run(store: Store, cells: tuple[Cell, ...]) -> None:
    """A pack of these cells whose worker, this process, was heard just now."""
    manifest = Manifest(
        pack="ab12", store=str(store.root), grid="digits", number=1, backend="inline", code="c0de",
        cells=cells, driver=None,
    )  # fmt: skip
    publish_manifests(store, [manifest])
    beat = Heartbeat(
        pack="ab12", attempt="1", phase=Phase.RUNNING, host=host(), pid=os.getpid(),
        started=started(os.getpid()) or 0, driver=None, at=time.time(), cells_total=3,
        cells_running=3, step=25, total_steps=100, label="rigl",
    )  # fmt: skip
    path = store.heartbeat_path("ab12", "1")
    path.parent.mkdir(parents=True)
    path.write_bytes(beat.to_json())


def test_the_failure_map_counts_by_rows_and_columns(troubled_store: Store) -> None:
    found = failure_map(material_of(troubled_store))
    assert found.columns == ("0.05", "0.1", "1")
    rows = {
        row: [spot and (spot.done, spot.failed, spot.open, spot.look) for spot in spots]
        for row, spots in found.rows
        if not row.startswith("gmp")
    }
    assert rows == {
        "dense": [None, None, (3, 0, 0, "whole")],
        "static": [(0, 3, 0, "all"), (3, 0, 0, "whole"), None],
        "rigl": [(2, 0, 1, "open"), (2, 0, 1, "open"), None],
    }


def test_failures_of_one_cause_are_told_as_one_with_a_traceback(troubled_store: Store) -> None:
    first, second = causes_of(material_of(troubled_store, folder="there"))
    assert (first.name, first.state, len(first.cells)) == ("F1 RuntimeError", "FAILED", 3)
    assert first.traceback.endswith("RuntimeError: loss is nan")
    assert first.labels[0][1] == "static density=0.05 seed=0"
    assert first.command == f"sparsesweep logs {first.cells[0]} --store there"
    assert (second.name, len(second.cells)) == ("F2 RuntimeError", 2)


def test_every_row_is_compared_with_the_reference_by_seed(whole: ReportMaterial) -> None:
    [found] = comparisons_of(whole)
    assert found.command == (
        "sparsesweep stats digits --rows method --columns density --value test_accuracy "
        "--against dense"
    )
    # dense has 0.002 x 5 less at even seeds and twice that at odd ones; static, of six letters,
    # 0.002 more of each, and 0.01 x (1 - density) less.
    [(mean, text, marked)] = re.findall(
        r'>static</th><th scope="row" data-value="0.05">0.05</th><td data-value="3">3</td>'
        r'<td data-value="(.*?)">(.*?)(<sup>.*?</sup>)?</td>',
        found.html,
    )
    assert float(mean) == pytest.approx(-0.0095 - (0.002 + 0.004 + 0.002) / 3)
    assert text == "-1.22"
    assert marked == "<sup>&#8225;</sup>"
    assert found.html.count("<td>0/0/3</td>") == 4
    assert "blocks of the same data and seeds are not independent" in found.html


def test_without_the_reference_row_the_reason_is_told(tmp_path: Path) -> None:
    store = report_store(tmp_path, cells_of(METHODS[1:]))
    [found] = comparisons_of(material_of(store))
    assert found.html == ""
    assert "no row 'dense'" in found.problem


def test_provenance_counts_values_and_marks_what_must_not_be_mixed(tmp_path: Path) -> None:
    def outcome(cell: Cell) -> Outcome:
        other = {"tier": "fast", "host": "node2", "device": "cuda:1"}
        return Outcome(made_by=other if cell.seed == 2 else {"device": "cuda:0"})

    material = material_of(report_store(tmp_path, cells_of(), outcome))
    found = {origin.label: origin for origin in origins_of(material)}
    assert found["Tier"].values == (("exact", 10), ("fast", 5))
    assert found["Tier"].warned
    assert found["Device"].values == (("cuda", 15),)  # two devices of one kind are not mixed
    assert found["Host"].values == (("node1", 10), ("node2", 5))
    assert not found["Host"].warned
    assert "Plug-ins" not in found  # there are none
    assert material.mixed == ("mixed tier: 10 cells exact, 5 cells fast",)


def test_the_ledger_is_the_same_as_that_of_cost(whole: ReportMaterial) -> None:
    found = spending_of(whole)
    assert found.lines[0].spent.attempts == 15
    assert found.lines[0].spent.device_hours == pytest.approx(15 * 2.5 / 3600)
    methods = {line.name: line.percent for line in found.lines if line.part == "method"}
    assert methods == pytest.approx({"dense": 20.0, "static": 40.0, "rigl": 40.0})
    assert found.command == "sparsesweep cost digits"


def test_columns_that_say_nothing_are_left_out(whole: ReportMaterial) -> None:
    keys = [column.key for column in columns_of(whole, ())]
    assert keys == [
        "state", "method", "density", "seed", "test_accuracy", "test_loss", "realised_density",
        "seconds", "cell",
    ]  # fmt: skip


def test_a_value_that_is_not_finite_is_embedded_as_text(tmp_path: Path) -> None:
    def outcome(cell: Cell) -> Outcome:
        return Outcome(metrics={"test_loss": float("nan") if cell.seed else 0.5})

    material = material_of(report_store(tmp_path, cells_of(seeds=2), outcome))
    losses = next(c.values for c in columns_of(material, ()) if c.key == "test_loss")
    assert set(losses) == {0.5, "nan"}


def test_options_that_tell_variants_apart_stand_in_the_name(tmp_path: Path) -> None:
    cells = cells_of()
    swept = [
        replace(cell, method=Component(name="rigl", options=(("update_every", every),)))
        for every in (50, 100)
        for cell in cells
        if cell.method.name == "rigl"
    ]
    material = material_of(report_store(tmp_path, swept))
    methods = next(c.values for c in columns_of(material, ()) if c.key == "method")
    assert set(methods) == {"rigl(update_every=50)", "rigl(update_every=100)"}
    assert len(material.panels) == 1


def test_a_figure_takes_the_colours_of_the_page_unless_they_mean_something() -> None:
    svg = '<svg xmlns="a" viewBox="0 0 1 1"><path style="fill: #ffffff; stroke: #000000"/>{}</svg>'
    assert in_page_colours(svg.format("")) == (
        '<svg viewBox="0 0 1 1"><path style="fill: var(--paper); stroke: var(--ink)"/></svg>'
    )
    heat_map = svg.format('<image href="data:image/png;base64,"/>')
    assert in_page_colours(heat_map) == heat_map.replace(' xmlns="a"', "")
    assert (is_picture(svg), is_picture(heat_map)) == (False, True)
