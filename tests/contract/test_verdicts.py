"""Verdicts: what they read of cells by name is what the trainer writes and options are called."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from grids.recipe import RECIPE
from orchestrator import verdicts
from orchestrator.verdicts import cells, pairs
from sparse.methods import METHODS
from sparse.options import describe_options
from trainer.data import DATASETS
from trainer.metrics import METRICS
from trainer.models import MODELS
from trainer.probes import PROBES

MODULES = [
    importlib.import_module(f"{verdicts.__name__}.{found.name}")
    for found in pkgutil.iter_modules(verdicts.__path__)
]
OPTIONS_READ = [
    (component, field, values)
    for module in MODULES
    for component, fields in getattr(module, "OPTIONS_READ", {}).items()
    for field, values in fields.items()
]
COMPONENTS = {part for module in MODULES for part in getattr(module, "OPTIONS_READ", {})}
REGISTRIES = {"method": METHODS, "model": MODELS, "dataset": DATASETS}
READERS = (cells.sample, cells.value_of, pairs.differences)
FIELD = re.compile(r"(method|model|dataset|recipe)\.\w+")


def choices_of(component: str) -> Iterator[dict[str, list[object]]]:
    """Option to its choices, of a component, or of each of a kind."""
    kind, _, name = component.partition(" ")
    if kind == "recipe":
        yield {option.name: list(option.choices or ()) for option in RECIPE}
        return
    for each in (name,) if name else REGISTRIES[kind].names():
        options = describe_options(REGISTRIES[kind].get(each).options)
        yield {option["name"]: option.get("choices", []) for option in options}


def read_by(module: ModuleType) -> bool:
    """Whether a module reads measurements of cells."""
    return any(
        inspect.getmodule(reader) is not module and reader in vars(module).values()
        for reader in READERS
    )


def test_every_metric_that_verdicts_read_is_one_that_cells_have() -> None:
    known = {metric["name"] for metric in METRICS}
    for name in PROBES.names():
        known |= {metric["name"] for metric in PROBES.get(name).traits["metrics"]}
    for module in MODULES:
        assert set(getattr(module, "METRICS_READ", ())) <= known, module.__name__


def test_every_component_that_verdicts_name_exists() -> None:
    named = [component.partition(" ") for component in COMPONENTS]
    assert {kind for kind, _, _ in named} == {*REGISTRIES, "recipe"}
    for kind, _, name in named:
        assert not name or name in REGISTRIES[kind].names()


@pytest.mark.parametrize(("component", "field", "values"), OPTIONS_READ)
def test_every_option_that_verdicts_read_exists_with_its_values(
    component: str, field: str, values: tuple[str, ...]
) -> None:
    kind, _, option = field.partition(".")
    found = [own[option] for own in choices_of(component) if option in own]
    assert kind == component.partition(" ")[0]
    assert any(set(values) <= set(choices) for choices in found)


def test_what_reads_measurements_says_which() -> None:
    reading = [module for module in MODULES if read_by(module) and module not in (cells, pairs)]
    assert {"emergence", "collapse", "capacity_widths"} <= {
        module.__name__.rpartition(".")[2] for module in reading
    }
    assert [module.__name__ for module in reading if not hasattr(module, "METRICS_READ")] == []


def test_no_field_is_read_that_is_not_told() -> None:
    told = {field for _, field, _ in OPTIONS_READ}
    for module in MODULES:
        texts = (
            node.value
            for node in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        assert {text for text in texts if FIELD.fullmatch(text)} <= told, module.__name__
