"""The JSON schema of a grid file, for completion and marking in editors.

It is derived from the catalogue and says what the reader says, as far as JSON Schema can: which
keys, names and options there are, with types, ranges and help. The reader stays the judge.
"""

import json
from collections.abc import Iterable
from typing import Any

from grids.artifacts import CONSUMED, PATTERN
from grids.catalogue import KINDS, PROBE, Catalogue, Entry
from grids.document import MAX_SEED, NAME
from grids.meanings import explained
from grids.method_texts import METHOD
from grids.options import FRACTION, Option
from grids.recipe import RECIPE
from grids.seed_rules import MOST_SEEDS

Schema = dict[str, Any]

_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_FRACTION = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


def schema_text(catalogue: Catalogue) -> str:
    """The schema as it is committed: sorted, indented, with a final line break."""
    return json.dumps(json_schema(catalogue), indent=2, sort_keys=True) + "\n"


def json_schema(catalogue: Catalogue) -> Schema:
    """The JSON schema (draft 7) of a grid file under this catalogue."""
    fields = _fields(catalogue)
    axes = {path: _values(_ref("fields", path)) for path in fields}
    rule = {path: _condition(_ref("fields", path)) for path in fields}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "sparsesweep grid",
        "type": "object",
        "additionalProperties": False,
        "properties": _top_level(),
        "definitions": {
            "fields": _object(fields, "One value for each of these cell fields."),
            "axes": _object(axes, "Several values for each of these fields."),
            "rule": _object(
                {**rule, "seed": _condition(_seed())}, "Cells for which all of this holds go."
            ),
            "comparison": {"type": "string", "pattern": r"^\s*(<=|>=|!=|==|<|>)"},
            "recipe": _object(
                _options(RECIPE), "How a cell is trained; the rest is at its default."
            ),
            **{kind: _component(catalogue.entries(kind)) for kind in (*KINDS, PROBE)},
        },
    }


def _top_level() -> Schema:
    fields, axes, rule = _ref("fields"), _ref("axes"), _ref("rule")
    name = {"type": "string", "pattern": f"^{NAME.pattern}$"}
    count = {"type": "integer", "minimum": 1}
    seeds = {"anyOf": [count, {**_values(_seed()), "uniqueItems": True}, _seed_rule()]}
    described: dict[str, tuple[Schema, str]] = {
        "name": (name, "The grid's name; without it, that of the file."),
        "description": ({"type": "string"}, "What the grid asks."),
        "base": (fields, "Fields that every cell shares."),
        "axes": (axes, "Every combination of these values becomes a cell."),
        "zip": (_values(axes), "Groups of equally long lists that advance together."),
        "include": (_values(fields), "Further cells: base with these fields changed."),
        "exclude": (_values(rule), "Rules that remove cells."),
        "seeds": (seeds, "A count (5 means 0 to 4), a list, or a rule that asks for more."),
        "artifacts": (_artifacts(), "What the cells leave besides their results."),
        "probes": ({"type": "array", "items": _ref(PROBE)}, "What else is measured of the cells."),
    }
    return {key: {**schema, "description": text} for key, (schema, text) in described.items()}


def _artifacts() -> Schema:
    name = {"type": "string", "pattern": f"^({PATTERN})$"}
    leave = {**_values(name), "description": "What every cell leaves."}
    consumed = {
        "enum": list(CONSUMED),
        "description": "What becomes of it once every cell that needs it has its results.",
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {"leave": leave, "consumed": consumed},
    }


def _fields(catalogue: Catalogue) -> Schema:
    fields: Schema = {
        "density": {**_FRACTION, "description": "Kept fraction of the maskable weights."},
        "data_ratio": {**_FRACTION, "description": "Used fraction of the training split."},
        "recipe": _ref("recipe"),
    }
    for kind in KINDS:
        fields[kind] = _ref(kind)
        fields |= _dotted(kind, catalogue.entries(kind))
    return fields | {f"recipe.{option.name}": _ref("recipe", option.name) for option in RECIPE}


def _dotted(kind: str, entries: Iterable[Entry]) -> Schema:
    """The paths of all options of a kind; one name may be declared by several entries."""
    variants: dict[str, list[Schema]] = {}
    for entry in entries:
        for option in entry.options:
            schemas = variants.setdefault(f"{kind}.{option.name}", [])
            if _option(option) not in schemas:
                schemas.append(_option(option))
    return {
        path: schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        for path, schemas in variants.items()
    }


def _component(entries: Iterable[Entry]) -> Schema:
    names = [{"const": entry.name, "description": entry.summary} for entry in entries]
    return {"anyOf": [*names, *(_entry(entry) for entry in entries)]} if names else {"not": {}}


def _entry(entry: Entry) -> Schema:
    name = {"name": {"const": entry.name}}
    return {**_object(name | _options(entry.options), entry.summary), "required": ["name"]}


def _options(options: Iterable[Option]) -> Schema:
    return {option.name: _option(option) for option in options}


def _option(option: Option) -> Schema:
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    value = _value(option)
    if option.nullable:
        value = {"anyOf": [value, {"type": "null"}]}
    return {**value, "description": explained(option), "default": default}


def _value(option: Option) -> Schema:
    if option.type == METHOD:
        return {"allOf": [_ref("method")]}
    inner = option.type.removeprefix("list[").removesuffix("]")
    given = {name: getattr(option, bound) for bound, name in _BOUNDS.items()}
    schema: Schema = {"type": _TYPES[inner]}
    schema |= {name: bound for name, bound in given.items() if bound is not None}
    if option.choices is not None:
        schema["enum"] = list(option.choices)
    if inner == "float" and option.choices is None:
        # Bounds are of numbers and the pattern is of texts; each passes over the other.
        schema |= {"type": ["number", "string"], "pattern": f"^{FRACTION}$"}
    if inner == option.type:
        return schema
    lengths = {"minItems": option.min_items, "maxItems": option.max_items}
    array: Schema = {"type": "array", "items": schema}
    array |= {name: length for name, length in lengths.items() if length is not None}
    return array | ({"uniqueItems": True} if option.unique else {})


def _seed() -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": MAX_SEED}


def _seed_rule() -> Schema:
    count = {"type": "integer", "minimum": 2, "maximum": MOST_SEEDS}
    until = {
        "type": "string",
        "description": "ci95 < 0.3pp (the half width of an interval), or ranking_settled.",
    }
    keys = {"min": count, "max": count, "until": until}
    rule = _object(keys, "Seeds until a question is closed.")
    return {**rule, "required": ["min", "max", "until"]}


def _values(schema: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": schema}


def _condition(schema: Schema) -> Schema:
    return {"anyOf": [schema, _values(schema), _ref("comparison")]}


def _ref(definition: str, path: str = "") -> Schema:
    """A reference to a definition, or to one of its properties."""
    return {"$ref": f"#/definitions/{definition}" + (f"/properties/{path}" if path else "")}


def _object(properties: Schema, description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
    }
