"""The `probes:` of a grid file: texts of what to measure, and every mistake with its line."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from grids.catalogue import Catalogue, Entry
from grids.grid import Grid
from grids.options import Option
from grids.probe_texts import joined, plain_probe, probe_name, probe_words
from grids.probes import is_offered, metrics_of_probe, probes_of_scenario
from grids.problems import GridError
from grids.schema import json_schema

ROBUST = Entry(
    name="robust",
    summary="accuracy under attack",
    options=(
        Option(name="attack", type="str", default="pgd", choices=("pgd", "fgsm")),
        Option(name="every", type="int", default=0, ge=0),
        Option(name="steps", type="int", default=20, ge=1, only_with={"attack": "pgd"}),
    ),
    traits={"metrics": [{"name": "robust_test_accuracy"}], "needs_pixels": True},
)
CURVATURE = Entry(
    name="curvature", semantics=3, options=(Option(name="ranks", type="list[int]", default=(1,)),)
)

NEARNESS = Entry(name="nearness", options=(Option(name="of", type="method", default="rigl"),))


@pytest.fixture(scope="module")
def catalogue(catalogue: Catalogue) -> Catalogue:
    datasets = [
        dataclasses.replace(entry, traits={"pixels": entry.name == "digits"})
        for entry in catalogue.datasets
    ]
    return dataclasses.replace(
        catalogue, datasets=tuple(datasets), probes=(CURVATURE, NEARNESS, ROBUST)
    )


def test_a_grid_without_probes_asks_for_none(read: Callable[..., Grid], base: str) -> None:
    assert read(base).probes == ()
    assert read(base + "probes: []\n").probes == ()


def test_names_and_mappings_become_texts_without_defaults(
    read: Callable[..., Grid], base: str
) -> None:
    asked = "probes: [{name: robust, attack: fgsm, every: 0}, curvature]\n"
    assert read(base + asked).probes == (
        '{"attack":"fgsm","name":"robust"}',
        '{"name":"curvature","semantics":3}',
    )


def test_lists_of_options_stand_in_the_text(read: Callable[..., Grid], base: str) -> None:
    [text] = read(base + "probes: [{name: curvature, ranks: [1, 4]}]\n").probes
    assert text == '{"name":"curvature","ranks":[1,4],"semantics":3}'
    assert plain_probe(text) == {"name": "curvature", "ranks": [1, 4]}


def test_a_method_of_a_probe_is_kept_without_defaults(
    read: Callable[..., Grid], base: str, catalogue: Catalogue
) -> None:
    [text] = read(base + "probes: [{name: nearness, of: {name: gmp, scope: global}}]\n").probes
    assert text == '{"name":"nearness","of":"gmp"}'
    assert is_offered(text, catalogue)
    assert not is_offered('{"name":"nearness","of":"gone"}', catalogue)


def test_cells_and_their_ids_are_the_same_with_probes(read: Callable[..., Grid], base: str) -> None:
    assert read(base + "probes: [robust]\n").cells == read(base).cells


@pytest.mark.parametrize(
    ("flag", "texts"),
    [
        ("probes=curvature,robust",
         ('{"name":"curvature","semantics":3}', '{"name":"robust"}')),
        ("probes={name: robust, every: 5}", ('{"every":5,"name":"robust"}',)),
        ("probes=[robust]", ('{"name":"robust"}',)),
        ("probes=[]", ()),
    ],
)  # fmt: skip
def test_a_flag_replaces_what_the_file_asks_for(
    read: Callable[..., Grid], base: str, flag: str, texts: tuple[str, ...]
) -> None:
    assert read(base + "probes: [curvature]\n", flag).probes == texts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("probes: robust", "2: probes is 'robust'; allowed: a list of names or mappings; "
         "write [robust]"),
        ("probes: {name: robust}", "2: probes is {name: 'robust'}; allowed: a list of names or "
         "mappings; write [{name: 'robust'}]"),
        ("probes: [3]", "2: a probe is 3; allowed: a name, or a mapping {name: ..., option: ...}"),
        ("probes:\n  - attack: fgsm", "3: a probe is {attack: 'fgsm'}; allowed: a name, or a "
         "mapping {name: ..., option: ...}"),
        ("probes:\n  - robst", "3: unknown probe 'robst'; allowed: curvature, nearness, robust; "
         "did you mean 'robust'?"),
        ("probes:\n  - name: robust\n    atack: fgsm", "4: unknown option 'atack' of robust; "
         "allowed: attack, every, steps; did you mean 'attack'?"),
        ("probes: [{name: robust, every: -1}]", "2: every of robust is -1; allowed: an integer "
         ">= 0"),
        ("probes: [{name: nearness, of: rigle}]", "2: unknown method 'rigle'; allowed: dense, gmp, "
         "rigl, set, snip, static; did you mean 'rigl'?"),
        ("probes: [{name: robust, attack: fgsm, steps: 5}]", "2: steps has no effect with "
         "attack: fgsm; leave it out (in robust)"),
        ("probes:\n  - robust\n  - {name: robust, every: 5}", "4: the probe robust is asked for "
         "twice; first in grid.yaml:3"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_with_its_line(
    mistakes: Callable[..., list[str]], base: str, text: str, message: str
) -> None:
    assert mistakes(base + text + "\n") == [f"grid.yaml:{message}"]


def test_a_probe_of_images_is_refused_on_other_data(mistakes: Callable[..., list[str]]) -> None:
    text = """\
base: {model: mlp, method: rigl, density: 0.1}
axes: {dataset: [digits, wine]}
probes:
  - curvature
  - robust
"""
    assert mistakes(text) == [
        "grid.yaml:5: probe robust takes images, and dataset wine has none; allowed: digits"
    ]


def scenario(*probes: Any) -> Entry:
    return Entry(name="adversarial", traits={"probes": probes})


def test_the_probes_of_a_scenario_are_named_as_in_a_grid(catalogue: Catalogue) -> None:
    asked = scenario("curvature", {"name": "robust", "every": 20})
    assert probes_of_scenario(asked, catalogue) == (
        '{"name":"curvature","semantics":3}',
        '{"every":20,"name":"robust"}',
    )
    assert probes_of_scenario(Entry(name="clean"), catalogue) == ()
    with pytest.raises(GridError, match="unknown probe 'robst'"):
        probes_of_scenario(scenario("robst"), catalogue)


def test_what_is_asked_for_replaces_the_same_probe_of_others() -> None:
    asked, own = '{"attack":"fgsm","name":"robust"}', '{"name":"robust"}'
    assert joined([asked], [own, '{"name":"curvature"}']) == (asked, '{"name":"curvature"}')


def test_a_probe_is_told_with_its_options() -> None:
    assert probe_words('{"name":"robust"}') == "robust"
    text = '{"attack":"fgsm","every":5,"kinds":["a","b"],"name":"robust","semantics":2}'
    assert probe_words(text) == "robust(attack=fgsm, every=5, kinds=[a, b])"


@pytest.mark.parametrize("text", ["robust", "[]", "{}", '{"name":3}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(GridError, match="is no text of a probe"):
        probe_name(text)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ('{"every":5,"name":"robust"}', True),
        ('{"name":"curvature","semantics":3}', True),
        ('{"name":"curvature"}', False),
        ('{"name":"robust","semantics":2}', False),
        ('{"every":0,"name":"robust"}', False),
        ('{"attack":"cw","name":"robust"}', False),
        ('{"name":"gone"}', False),
    ],
)
def test_older_texts_count_only_as_they_would_be_written_today(
    catalogue: Catalogue, text: str, offered: bool
) -> None:
    assert is_offered(text, catalogue) is offered


def test_the_metrics_of_a_probe_are_described(catalogue: Catalogue) -> None:
    assert metrics_of_probe('{"name":"robust"}', catalogue) == [{"name": "robust_test_accuracy"}]
    assert metrics_of_probe('{"name":"curvature"}', catalogue) == ()


@pytest.mark.parametrize(
    ("probes", "valid"),
    [
        (["robust"], True),
        ([{"name": "robust", "attack": "fgsm", "every": 10}], True),
        ([{"name": "robust", "attack": "cw"}], False),
        (["robst"], False),
        ("robust", False),
    ],
)
def test_editors_know_the_key(catalogue: Catalogue, probes: Any, valid: bool) -> None:
    validator = jsonschema.Draft7Validator(json_schema(catalogue))
    assert validator.is_valid({"probes": probes}) is valid


def test_without_any_probe_editors_refuse_every_name(catalogue: Catalogue) -> None:
    schema = json_schema(dataclasses.replace(catalogue, probes=()))
    jsonschema.Draft7Validator.check_schema(schema)
    assert not jsonschema.Draft7Validator(schema).is_valid({"probes": ["robust"]})


def test_a_catalogue_keeps_its_probes_as_text(catalogue: Catalogue) -> None:
    again = Catalogue.from_json(catalogue.to_json())
    assert [entry.name for entry in again.probes] == ["curvature", "nearness", "robust"]
    assert again.entry("probe", "curvature").semantics == 3
