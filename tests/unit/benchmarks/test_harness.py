"""The harness of the benchmarks: arms in turn, ratios per round, no figures from a busy machine."""

import argparse
import json
import os
from pathlib import Path

import pytest

from harness import Figure, Report, begin, interleave, parser, ratio


def options(*arguments: str) -> argparse.Namespace:
    return parser("A benchmark.").parse_args(arguments)


def test_arms_take_turns_after_a_warm_up_of_each() -> None:
    order: list[str] = []

    def arm(name: str) -> float:
        order.append(name)
        return 1.0

    arms = {"a": lambda: arm("a"), "b": lambda: arm("b")}
    samples = interleave(arms, rounds=2, warmup=1, turns=2)
    assert "".join(order) == "ab" + "abab" + "abab"
    assert samples == {"a": [2.0, 2.0], "b": [2.0, 2.0]}


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    figure = ratio("speed", [10.0, 30.0, 90.0], [10.0, 10.0, 10.0], asked=3.0)
    assert (figure.value, figure.low, figure.high) == (3.0, 1.0, 9.0)
    assert figure.verdict == "met"


@pytest.mark.parametrize(
    ("value", "better", "verdict"),
    [(7.9, "higher", "missed"), (8.0, "higher", "met"), (8.1, "lower", "missed")],
)
def test_a_verdict_knows_which_side_is_better(value: float, better: str, verdict: str) -> None:
    assert Figure(name="f", value=value, unit="x", asked=8.0, better=better).verdict == verdict


def test_nothing_asked_is_neither_met_nor_missed() -> None:
    assert Figure(name="f", value=1.0, unit="x").verdict == ""


def test_a_busy_machine_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (2.6, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(SystemExit) as refusal:
        begin("b", options())
    assert refusal.value.code == 3


def test_what_was_measured_on_a_busy_machine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (2.6, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    report = begin("b", options("--despite-load"))
    assert "MEASURED UNDER LOAD" in report.text()


def test_the_json_report_holds_figures_verdicts_and_raw_samples(tmp_path: Path) -> None:
    report = Report(benchmark="b", quick=True)
    report.keep("cells", {"ours": [1.0], "peer": [9.0]})
    report.add(ratio("speed", [9.0], [1.0], asked=8.0))
    report.finish(tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert written["samples"] == {"cells/ours": [1.0], "cells/peer": [9.0]}
    assert [(entry["value"], entry["verdict"]) for entry in written["figures"]] == [(9.0, "met")]
