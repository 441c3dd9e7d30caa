"""The JSON schema for editors: current, and of one mind with the reader."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from grids.catalogue import Catalogue
from grids.finding import STUDIES, shipped_studies
from grids.schema import json_schema, schema_text

COMMITTED = STUDIES.parent / "schema" / "grid.schema.json"
BASE = {"dataset": "digits", "model": "mlp", "method": "rigl", "density": 0.1}


def accepts(catalogue: Catalogue, document: Any) -> bool:
    return valid(json_schema(catalogue), document)


def valid(schema: Any, document: Any) -> bool:
    return bool(jsonschema.Draft7Validator(schema).is_valid(document))


def test_the_committed_schema_is_current() -> None:
    from trainer.describe import describe

    current = schema_text(Catalogue.from_json(describe()))
    assert COMMITTED.read_text() == current, (
        "run: sparsesweep schema > grids/schema/grid.schema.json"
    )


def test_the_schema_is_a_schema(catalogue: Catalogue) -> None:
    jsonschema.Draft7Validator.check_schema(json_schema(catalogue))


@pytest.mark.parametrize("name", shipped_studies())
def test_the_committed_schema_accepts_every_study_and_each_names_it(name: str) -> None:
    text = (STUDIES / f"{name}.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../schema/grid.schema.json\n")
    assert (STUDIES / "../schema/grid.schema.json").resolve() == COMMITTED
    assert valid(json.loads(COMMITTED.read_text()), yaml.safe_load(text))


@pytest.mark.parametrize(
    "document",
    [
        {"base": BASE},
        {"base": BASE | {"method": {"name": "rigl", "update_every": 5}}, "seeds": 3},
        {"base": BASE | {"model.dropout": None, "recipe": {"lr": 1}}, "seeds": [0, 4]},
        {"axes": {"method.drop_fraction": [0.1, 0.2], "recipe": [{"lr": 0.1}]}},
        {"zip": [{"density": [0.1, 0.2], "recipe.epochs": [1, 2]}]},
        {"exclude": [{"density": "<0.1", "method": ["rigl", "set"], "seed": ">3"}]},
        {"include": [{"density": 1}]},
        {"base": BASE | {"recipe.lr": "1/8", "method.drop_fraction": "1 / 4"}},
    ],
)
def test_it_accepts_what_the_reader_reads(catalogue: Catalogue, document: Any) -> None:
    assert accepts(catalogue, document)


@pytest.mark.parametrize(
    "document",
    [
        {"base": BASE | {"density": 0}},
        {"base": BASE | {"density": 1.5}},
        {"base": BASE | {"sparsity": 0.9}},
        {"base": BASE | {"method": "rgl"}},
        {"base": BASE | {"method": {"name": "static", "update_every": 5}}},
        {"base": BASE | {"method": {"update_every": 5}}},
        {"base": BASE | {"method.update_every": 0}},
        {"base": BASE | {"recipe": {"epoch": 5}}},
        {"base": BASE | {"recipe.optimizer": "sdg"}},
        {"base": BASE | {"recipe.lr": "1/0"}},
        {"base": BASE | {"recipe.epochs": "8/2"}},
        {"base": BASE | {"model.hidden": [0]}},
        {"axes": {}},
        {"axes": {"density": []}},
        {"axes": {"density": 0.1}},
        {"seeds": 0},
        {"seeds": [1, 1]},
        {"seeds": [-1]},
        {"exclude": [{"density": "low"}]},
        {"axis": {"density": [0.1]}},
        [1],
    ],
)
def test_it_refuses_what_the_reader_refuses(catalogue: Catalogue, document: Any) -> None:
    assert not accepts(catalogue, document)


def test_help_and_defaults_are_in_it(catalogue: Catalogue) -> None:
    lr = json_schema(catalogue)["definitions"]["recipe"]["properties"]["lr"]
    assert lr == {
        "type": ["number", "string"],
        "pattern": "^-?[0-9]{1,15} */ *0*[1-9][0-9]{0,14}$",
        "exclusiveMinimum": 0,
        "default": 0.1,
        "description": "learning rate after the warm-up",
    }


def test_the_length_of_a_list_is_in_it() -> None:
    from trainer.describe import describe

    entries = json_schema(Catalogue.from_json(describe()))["definitions"]["model"]["anyOf"]
    (lenet,) = (
        entry["properties"]
        for entry in entries
        if entry.get("properties", {}).get("name") == {"const": "lenet5"}
    )
    assert lenet["widths"] == {
        "type": "array",
        "minItems": 3,
        "items": {"type": "integer", "minimum": 1},
        "default": [6, 16, 120, 84],
        "description": lenet["widths"]["description"],
    }


def test_the_text_is_the_same_every_time(catalogue: Catalogue) -> None:
    text = schema_text(catalogue)
    assert text == schema_text(Catalogue.from_json(catalogue.to_json()))
    assert json.loads(text) == json_schema(catalogue)
