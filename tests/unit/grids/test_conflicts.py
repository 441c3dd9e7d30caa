"""Options of one entry that contradict each other are refused while the grid is read."""

from pathlib import Path

import pytest

from grids.catalogue import Catalogue, Entry
from grids.grid import load
from grids.options import Option, Value, conflicts
from grids.problems import GridProblems

RAMP = Entry(
    name="ramp",
    options=(
        Option(name="mode", type="str", default="flat", choices=("flat", "ramp", "spiral")),
        Option(name="first", type="float", default=1.0, below="last"),
        Option(name="last", type="float", default=2.0),
        Option(
            name="height", type="float", default=0.0, at_most="last", only_with={"mode": "ramp"}
        ),
        Option(name="turn", type="int", default=0, only_with={"mode": ["ramp", "spiral"]}),
        Option(
            name="rail",
            type="bool",
            default=False,
            only_with=({"mode": ["ramp", "spiral"]}, {"turn": 3}),
        ),
        Option(name="step", type="float", default=0.5, at_most="height", unless={"height": 0}),
        Option(name="ledge", type="float", default=0.7, at_most="rise"),
        Option(name="rise", type="float", default=0.9, only_with={"mode": "spiral"}),
    ),
)
CATALOGUE = Catalogue(
    methods=(RAMP,),
    allocations=(Entry(name="erk"),),
    scenarios=(Entry(name="clean"),),
    datasets=(Entry(name="digits"),),
    models=(Entry(name="mlp"),),
)


def problems_of(method: str, folder: Path) -> list[str]:
    path = folder / "grid.yaml"
    path.write_text(
        f"name: g\nbase: {{dataset: digits, model: mlp, density: 0.1}}\n{method}\nseeds: 1\n"
    )
    with pytest.raises(GridProblems) as caught:
        load(str(path), CATALOGUE)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        (
            "axes: {method: [{name: ramp, first: 3}]}",
            ["3: first is 3.0; it must be below last, 2.0 (in ramp)"],
        ),
        (
            "axes: {method: [{name: ramp, height: 1}]}",
            ["3: height has no effect with mode: flat; leave it out (in ramp)"],
        ),
        (
            "axes:\n  method: [{name: ramp, mode: ramp}]\n  method.height: [1, 5]",
            ["5: height is 5.0; it must be at most last, 2.0 (in ramp)"],
        ),
        (
            "axes: {method: [{name: ramp, turn: 1}]}",
            ["3: turn has no effect with mode: flat; leave it out (in ramp)"],
        ),
        (
            "axes: {method: [{name: ramp, rail: true}]}",
            ["3: rail has no effect with mode: flat and turn: 0; leave it out (in ramp)"],
        ),
    ],
)
def test_a_contradiction_is_told_with_its_line(
    method: str, lines: list[str], tmp_path: Path
) -> None:
    assert problems_of(method, tmp_path) == lines


def test_one_of_several_values_is_enough() -> None:
    chosen = {"mode": "spiral", "turn": 1, "rail": True}
    assert conflicts(RAMP.options, RAMP.defaults() | chosen) == []


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"mode": "ramp", "height": 1.0}, []),
        # A limit does not count where one of the two has no effect.
        ({"step": 0.5}, []),
        ({"mode": "ramp", "height": 0.2}, ["step is 0.5; it must be at most height, 0.2"]),
        ({"step": 0.1}, ["step has no effect with height: 0.0; leave it out"]),
        ({"ledge": 2.0}, []),
        ({"ledge": 2.0, "mode": "spiral"}, ["ledge is 2.0; it must be at most rise, 0.9"]),
        ({"height": 5.0}, ["height has no effect with mode: flat; leave it out"]),
    ],
)
def test_limits_count_while_both_options_have_an_effect(
    chosen: dict[str, Value], found: list[str]
) -> None:
    assert conflicts(RAMP.options, RAMP.defaults() | chosen) == found


def test_relations_survive_the_catalogue_s_json() -> None:
    assert Catalogue.from_json(CATALOGUE.to_json()).entry("method", "ramp") == RAMP
