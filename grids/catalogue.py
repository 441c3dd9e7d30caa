"""The catalogue: what may be written in a grid, as plain data that needs no torch to read.

It is derived from the registries where methods, datasets, models and the rest live, and cached as
JSON. These are plain dataclasses because every command reads them: importing a validation library
would cost more time than reading the grid.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grids.cell import COMPONENTS, Cell, Component, method_of_text
from grids.meanings import without_meant
from grids.method_texts import METHOD
from grids.options import Option, Value, conflicts
from grids.problems import unknown
from grids.traits import holds

KINDS = {
    "method": "methods",
    "allocation": "allocations",
    "scenario": "scenarios",
    "dataset": "datasets",
    "model": "models",
}
"""The component fields of a cell and the catalogue's name for their entries."""

PROBE = "probe"
"""The kind of an entry that a grid asks for beside its cells; no part of a cell."""

ENTRIES = {**KINDS, PROBE: "probes"}
"""Every kind of entry and the catalogue's name for its entries."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One registered method, allocation, scenario, dataset, model or probe.

    `semantics` is raised when its behaviour or a default changes. `distribution` names the package
    of a user that brings it, and is empty for what comes with sparsesweep. `traits` are plain data
    that others read; grids read `ignores` of a method or an allocation: a list of
    {"field": "density" | "allocation", "when": {option: value} or None}, and of a method
    `ignores_as` (`Catalogue.ignores`), `models` and `densities` (`grids.legality`).
    """

    name: str
    summary: str = ""
    semantics: int = 1
    options: tuple[Option, ...] = ()
    traits: Mapping[str, Any] = field(default_factory=dict)
    distribution: str = ""

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Entry":
        """The entry that a registry describes."""
        options = tuple(Option.from_plain(option) for option in plain.get("options", ()))
        return cls(**{**plain, "options": options})

    def plain(self) -> dict[str, Any]:
        """The JSON-able description."""
        return {
            "name": self.name,
            "summary": self.summary,
            "semantics": self.semantics,
            "options": [option.plain() for option in self.options],
            "traits": dict(self.traits),
            "distribution": self.distribution,
        }

    def option(self, name: str) -> Option:
        """The option of that name; `GridError` with the nearest match when there is none."""
        for option in self.options:
            if option.name == name:
                return option
        raise unknown("option", name, [option.name for option in self.options], of=self.name)

    def defaults(self) -> dict[str, Value]:
        """Every option at its default."""
        return {option.name: option.default for option in self.options}

    def component(self, given: Mapping[str, Value]) -> Component:
        """The part of a cell that holds these checked options.

        Left out are defaults, and what null means.
        """
        standard, kept = self.defaults(), without_meant(self.options, given)
        changed = {name: value for name, value in sorted(kept.items()) if value != standard[name]}
        return Component(name=self.name, options=tuple(changed.items()))

    def settings(self, component: Component) -> dict[str, Value]:
        """Every option of a component, defaults filled in."""
        return self.defaults() | component.as_dict()

    def conflicts(self, component: Component) -> list[str]:
        """What is wrong with the options of a component in view of each other."""
        found = conflicts(self.options, self.settings(component))
        return [f"{text} (in {self.name})" for text in found]

    def ignores(self, component: Component) -> frozenset[str]:
        """The cell fields ("density", "allocation") without effect under these options."""
        options = self.settings(component)
        return frozenset(
            rule["field"] for rule in self.traits.get("ignores", ()) if holds(rule, options)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """Everything that may be named in a grid, and the code it was derived from.

    `metrics` are {"name", "unit", "better", "help"}, those of probes among them, `plugins`
    {"distribution", "version"}, `archives` {"name", "summary", "files"}: what can be fetched and is
    no dataset; `code` is the hash of the code the registries belong to.
    """

    methods: tuple[Entry, ...] = ()
    allocations: tuple[Entry, ...] = ()
    scenarios: tuple[Entry, ...] = ()
    datasets: tuple[Entry, ...] = ()
    models: tuple[Entry, ...] = ()
    probes: tuple[Entry, ...] = ()
    metrics: tuple[Mapping[str, Any], ...] = ()
    plugins: tuple[Mapping[str, str], ...] = ()
    archives: tuple[Mapping[str, Any], ...] = ()
    code: str = ""
    _index: dict[tuple[str, str], Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {(kind, entry.name): entry for kind in ENTRIES for entry in self.entries(kind)}
        object.__setattr__(self, "_index", index)

    @classmethod
    def from_json(cls, data: str | bytes | Mapping[str, Any]) -> "Catalogue":
        """The catalogue in a JSON text, or in the plain data such a text holds."""
        plain = data if isinstance(data, Mapping) else json.loads(data)
        entries = {
            plural: tuple(Entry.from_plain(entry) for entry in plain.get(plural, ()))
            for plural in ENTRIES.values()
        }
        return cls(
            **entries,
            metrics=tuple(plain.get("metrics", ())),
            plugins=tuple(plain.get("plugins", ())),
            archives=tuple(plain.get("archives", ())),
            code=plain.get("code", ""),
        )

    def to_json(self) -> str:
        """The JSON text that `from_json` reads; the same catalogue always gives the same text."""
        plain: dict[str, Any] = {
            plural: [entry.plain() for entry in getattr(self, plural)]
            for plural in ENTRIES.values()
        }
        lists = {"metrics": self.metrics, "plugins": self.plugins, "archives": self.archives}
        plain |= {**{name: list(entries) for name, entries in lists.items()}, "code": self.code}
        return json.dumps(plain, sort_keys=True, indent=1)

    def entries(self, kind: str) -> Sequence[Entry]:
        """All entries of a kind ("method", "dataset", ...)."""
        if kind not in ENTRIES:
            raise unknown("kind of entry", kind, ENTRIES)
        entries: Sequence[Entry] = getattr(self, ENTRIES[kind])
        return entries

    def entry(self, kind: str, name: str) -> Entry:
        """The entry of that name; `GridError` with the nearest match when there is none."""
        found = self._index.get((kind, name))
        if found is None:
            raise unknown(kind, name, [entry.name for entry in self.entries(kind)])
        return found

    def inner_methods(self, method: Component) -> dict[str, Component]:
        """The methods that a method is built on, by the options that hold them.

        Those of options without effect are left out.
        """
        entry = self.entry("method", method.name)
        options = [option for option in entry.options if option.type == METHOD]
        settings = entry.settings(method) if options else {}
        return {
            option.name: method_of_text(str(settings[option.name]))
            for option in options
            if not option.without_effect(settings)
        }

    def ignores(self, kind: str, component: Component) -> frozenset[str]:
        """The cell fields without effect for a component, or for a method that it is built on.

        What the latter ignores counts where the trait `ignores_as` of the former says so:
        {"option": option, "when": ...}.
        """
        entry = self.entry(kind, component.name)
        ignored, rule = entry.ignores(component), entry.traits.get("ignores_as")
        if rule is None or not holds(rule, entry.settings(component)):
            return ignored
        return ignored | self.ignores(kind, self.inner_methods(component)[rule["option"]])

    def named(self, cell: Cell) -> dict[str, Entry]:
        """The entries that a cell names, by "dataset", "method", "method.source", ..."""
        found = {kind: self.entry(kind, getattr(cell, kind).name) for kind in COMPONENTS}
        inner = self.inner_methods(cell.method)
        return found | {f"method.{o}": self.entry("method", one.name) for o, one in inner.items()}

    def distributions(self, cells: Iterable[Cell]) -> set[str]:
        """The users' distributions that bring what these cells name."""
        named = {(kind, getattr(cell, kind)) for cell in cells for kind in COMPONENTS}
        inner = {
            ("method", one)
            for kind, component in named
            if kind == "method"
            for one in self.inner_methods(component).values()
        }
        return {self.entry(kind, one.name).distribution for kind, one in named | inner} - {""}

    def fields(self, cell: Cell) -> dict[str, Value]:
        """Every field of a cell as one flat mapping, defaults filled in.

        Keys are paths: "method", "method.update_every", "density", "recipe.lr", "seed", ...
        """
        flat: dict[str, Value] = {}
        for kind in COMPONENTS:
            component: Component = getattr(cell, kind)
            options = self.entry(kind, component.name).settings(component)
            flat[kind] = component.name
            flat |= {f"{kind}.{name}": value for name, value in options.items()}
        flat |= {"density": cell.density, "data_ratio": cell.data_ratio, "seed": cell.seed}
        flat |= {f"recipe.{name}": value for name, value in cell.settings().items()}
        return flat
