"""Registries: named things that plug in by a decorator, and the plain data derived from them."""

import dataclasses
import importlib
import importlib.metadata
import pkgutil
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from sparse.options import NoOptions, build_options, describe_options, nearest

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One registered thing.

    `semantics` is raised whenever its behaviour or one of its defaults changes, because it is part
    of the identity of every cell that uses it. `traits` are JSON-able facts about it. `kind` is
    that of its registry.
    """

    kind: str
    name: str
    summary: str
    target: Any
    options: type
    semantics: int
    traits: Mapping[str, Any]

    def chosen(self, given: Mapping[str, Any]) -> Any:
        """Return the options object made from what a person wrote.

        Every mistake is in one ValueError whose lines begin with the kind and the name.
        """
        return build_options(self.options, given, f"{self.kind} {self.name}")

    def build(self, given: Mapping[str, Any], *others: Any) -> Any:
        """Return what the target makes of the options, checked, and `others` behind them."""
        return self.target(self.chosen(given), *others)


class Registry:
    """Names of one kind ("method", "dataset", ...) and what they stand for.

    traits: a dataclass of the traits that its entries may declare; those that are None are left
        out of an entry.
    derived: the traits that follow from the type of an entry's options and from what it declares,
        beside those.
    """

    def __init__(
        self,
        kind: str,
        plugin_group: str | None = None,
        *,
        traits: type,
        derived: Callable[[type, Mapping[str, Any]], Mapping[str, Any]] | None = None,
    ) -> None:
        self.kind = kind
        self.plugin_group = plugin_group
        self._traits = traits
        self._derived = derived
        self._entries: dict[str, Entry] = {}

    def register(
        self,
        name: str,
        *,
        summary: str,
        options: type = NoOptions,
        semantics: int = 1,
        **traits: Any,
    ) -> Callable[[T], T]:
        """Return a decorator that registers a class or function under `name`.

        A name that is already taken is a ValueError that names both places; so is a trait that the
        registry does not know, lacks, or takes otherwise.
        """
        declared = self._declared(name, traits)
        if self._derived is not None:
            declared |= self._derived(options, declared)

        def add(target: T) -> T:
            if name in self._entries:
                places = f"{_place(self._entries[name].target)} and {_place(target)}"
                raise ValueError(f"the {self.kind} {name!r} is registered twice: by {places}")
            self._entries[name] = Entry(
                kind=self.kind,
                name=name,
                summary=summary,
                target=target,
                options=options,
                semantics=semantics,
                traits=declared,
            )
            return target

        return add

    def get(self, name: str) -> Entry:
        """Return the entry of `name`; an unknown name is a ValueError that lists the known ones."""
        if name not in self._entries:
            hint = nearest(name, self.names())
            allowed = ", ".join(self.names())
            raise ValueError(f"unknown {self.kind} {name!r}; allowed: {allowed}{hint}")
        return self._entries[name]

    def names(self) -> tuple[str, ...]:
        """Return all registered names, sorted."""
        return tuple(sorted(self._entries))

    def describe(self) -> list[dict[str, Any]]:
        """Return the catalogue's plain data: one JSON-able dict per entry, sorted by name."""
        return [_described(self._entries[name]) for name in self.names()]

    def _declared(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        known = [field.name for field in dataclasses.fields(self._traits)]
        if unknown := [trait for trait in given if trait not in known]:
            allowed = ", ".join(known) + nearest(unknown[0], known)
            raise ValueError(
                f"{self.kind} {name}: unknown trait {unknown[0]!r}; allowed: {allowed}"
            )
        try:
            traits = self._traits(**given)
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{self.kind} {name}: {problem}") from problem
        plain = {trait: getattr(traits, trait) for trait in known}
        return {trait: value for trait, value in plain.items() if value is not None}

    def load_plugins(self) -> list[str]:
        """Import what installed distributions offer under `plugin_group`.

        Importing a plug-in registers it. One that fails is a warning that names its distribution,
        never an error. Returns the names of the distributions that loaded, sorted.
        """
        if self.plugin_group is None:
            return []
        loaded = set()
        for point in importlib.metadata.entry_points(group=self.plugin_group):
            distribution = point.dist.name if point.dist else point.value
            try:
                point.load()
            except Exception as error:
                text = f"the {self.kind} plug-in {point.name!r} of {distribution} failed: {error!r}"
                warnings.warn(text, stacklevel=2)
            else:
                loaded.add(distribution)
        return sorted(loaded)


def import_modules(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, so that what they define registers itself.

    Packages inside it hold what its modules share, and are left alone.

    A package calls it with its `__name__` and `__path__`, below its registry.
    """
    for module in pkgutil.iter_modules(path):
        if not module.ispkg:
            importlib.import_module(f"{package}.{module.name}")


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "summary": entry.summary,
        "semantics": entry.semantics,
        "options": describe_options(entry.options),
        "traits": dict(entry.traits),
    }


def _place(target: Any) -> str:
    return f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', target)}"
