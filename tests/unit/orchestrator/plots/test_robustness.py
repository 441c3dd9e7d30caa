"""Accuracy under damage: by kind from probes, over its size from the scenario."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from grids.cell import Cell, Component
from orchestrator.answers.results import AnswerError, fields_of_cell, select
from orchestrator.plots.choices import Choices
from orchestrator.plots.density import EPSILONS
from orchestrator.plots.material import Material, gather
from orchestrator.plots.robustness import robustness_chart
from orchestrator.store import Store, publish_batch
from orchestrator.store.measured import described
from orchestrator.submissions.cell_probes import CellProbes
from tests.support.grids import HIDDEN, a_cell
from tests.support.records import PROVENANCE, record
from trainer import attacks

ROBUST = {'{"name":"robust"}': ["robust_test_accuracy", "fgsm_test_accuracy"]}
CORRUPTIONS = {
    '{"name":"corruptions"}': ["corruption_accuracy", "snow_accuracy", "gaussian_noise_accuracy"]
}


def material_of(
    folder: Path,
    found: Sequence[tuple[Cell, Mapping[str, float]]],
    probes: Mapping[str, Sequence[str]] | None = None,
) -> Material:
    store = Store.create(folder / "results")
    outcomes = [
        record(
            number,
            cell=cell.id,
            canonical=cell.canonical(),
            fields={**HIDDEN, **fields_of_cell(cell)},
            metrics=dict(metrics),
            provenance={**PROVENANCE, "probes": described(probes or {})},
        )
        for number, (cell, metrics) in enumerate(found)
    ]
    publish_batch(store, [(outcome, None) for outcome in outcomes])
    asked = CellProbes(common=tuple(probes or ()))
    return gather(store, select(store, [cell for cell, _ in found], probes=asked))


UNDER_ATTACK = {"test_accuracy": 0.9, "fgsm_test_accuracy": 0.5, "robust_test_accuracy": 0.4}


def test_kinds_of_damage_are_words_from_none_to_the_strongest(tmp_path: Path) -> None:
    damaged = {**UNDER_ATTACK, "corruption_accuracy": 0.6, "snow_accuracy": 0.7}
    found = [(a_cell("set", "0.1", seed), {**damaged, "gaussian_noise_accuracy": 0.1 + seed})
             for seed in (0, 1)]  # fmt: skip
    chart = robustness_chart(material_of(tmp_path, found, ROBUST | CORRUPTIONS), Choices())
    assert chart.x.ticks is not None
    words = [text for _, text in chart.x.ticks]
    assert words == ["none", "FGSM", "PGD", "gaussian noise", "snow"]
    [line] = chart.panels[0].lines
    assert [(x, round(s.mean, 9)) for x, s in line.points] == [
        (0.0, 90), (1.0, 50), (2.0, 40), (3.0, 60), (4.0, 70),
    ]  # fmt: skip
    assert not chart.joined


def test_lines_stand_beside_each_other(tmp_path: Path) -> None:
    found = [(a_cell(method, "0.1"), UNDER_ATTACK) for method in ("set", "rigl", "gmp")]
    chart = robustness_chart(material_of(tmp_path, found, ROBUST), Choices())
    assert [round(line.points[0][0], 9) for line in chart.panels[0].lines] == [-0.2, 0.0, 0.2]


def test_what_no_cell_under_damage_measured_clean_images_is_beside_it(tmp_path: Path) -> None:
    metrics = {**UNDER_ATTACK, "clean_test_accuracy": 0.95}
    chart = robustness_chart(material_of(tmp_path, [(a_cell(), metrics)], ROBUST), Choices())
    assert chart.panels[0].lines[0].points[0][1].mean == pytest.approx(95)


def corrupted(severity: int, seed: int = 0) -> Cell:
    options = (("corruption", "snow"), ("severity", severity))
    return a_cell("set", "0.1", seed, scenario=Component(name="corrupted", options=options))


def test_the_size_of_a_scenarios_damage_is_an_axis(tmp_path: Path) -> None:
    found = [(corrupted(severity), {"test_accuracy": 1 - severity / 10}) for severity in (6, 2, 4)]
    chart = robustness_chart(material_of(tmp_path, found), Choices())
    assert chart.x.label == "scenario.severity"
    assert chart.x.ticks == ((2.0, "2"), (4.0, "4"), (6.0, "6"))
    [line] = chart.panels[0].lines
    assert [(x, round(s.mean, 9)) for x, s in line.points] == [(2, 80), (4, 60), (6, 40)]


def attacked(epsilon: float | None) -> Cell:
    options = (("norm", "linf"),) if epsilon is None else (("epsilon", epsilon), ("norm", "linf"))
    return a_cell("set", "0.1", scenario=Component(name="adversarial", options=options))


def test_an_epsilon_at_its_default_has_its_place(tmp_path: Path) -> None:
    found = [(attacked(e), {"test_accuracy": 0.5}) for e in (None, 2 / 255, 12 / 255)]
    chart = robustness_chart(material_of(tmp_path, found), Choices(x="scenario.epsilon"))
    assert chart.x.ticks is not None
    assert [text for _, text in chart.x.ticks] == ["2/255", "8/255", "12/255"]
    assert EPSILONS == attacks.EPSILONS


def test_nothing_damaged_says_what_to_ask_for(tmp_path: Path) -> None:
    material = material_of(tmp_path, [(a_cell(), {"test_accuracy": 0.9})])
    with pytest.raises(AnswerError, match=r"or `probes: \[corruptions\]` into the grid"):
        robustness_chart(material, Choices())


def test_all_kinds_of_damage_take_no_value(tmp_path: Path) -> None:
    material = material_of(tmp_path, [(a_cell(), UNDER_ATTACK)], ROBUST)
    with pytest.raises(AnswerError, match=r"^--value test_loss: a figure of all kinds of damage"):
        robustness_chart(material, Choices(value="test_loss"))
