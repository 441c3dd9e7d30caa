"""The check of every written value against the catalogue: once per value, not once per cell."""

from collections.abc import Callable, Hashable

from grids import recipe as recipes
from grids.catalogue import Catalogue, Entry
from grids.fields import Setting
from grids.inner_methods import read_method
from grids.method_texts import METHOD
from grids.options import Option, Value, fraction_text
from grids.problems import Collector, GridError, Where, show
from grids.reading import Node


class Checker:
    """Checks settings, notes what is wrong with them, and remembers the answers.

    A value that is not legal is noted and answered with a legal one, so that checking goes on;
    `broken` has the cell fields for which that happened.
    """

    def __init__(self, catalogue: Catalogue, problems: Collector) -> None:
        self.catalogue = catalogue
        self.problems = problems
        self.broken: set[str] = set()
        self._values: dict[Hashable, Value] = {}
        self._components: dict[Setting, tuple[Entry, dict[str, Value]] | None] = {}

    def fraction(self, setting: Setting) -> str:
        """The canonical text of a density or a data ratio."""
        if setting not in self._values:
            name = setting.path.field
            self._keep(setting, setting, "1", lambda given: fraction_text(given, name))
        return str(self._values[setting])

    def recipe_field(self, setting: Setting) -> Value:
        """The value of a recipe field in its declared type."""
        if setting not in self._values:
            option = recipes.OPTIONS[setting.path.option]
            what = str(setting.path)
            self._keep(setting, setting, option.default, lambda given: option.check(given, what))
        return self._values[setting]

    def option(self, setting: Setting, entry: Entry) -> Value:
        """The value that a dotted path gives to an option which the entry has."""
        key = (setting, entry.name)
        if key not in self._values:
            option = entry.option(setting.path.option)
            what = f"{setting.path} of {entry.name}"
            self._values[key] = self._value(option, setting.path.field, setting.node, what)
        return self._values[key]

    def component(self, setting: Setting) -> tuple[Entry, dict[str, Value]] | None:
        """The entry that a setting names and the options inside it; None for an unknown name."""
        if setting not in self._components:
            self._components[setting] = self._read_component(setting)
        return self._components[setting]

    def entry(self, kind: str, name: str, where: Where) -> Entry | None:
        """The catalogue's entry; None, with the problem noted, when there is none."""
        try:
            return self.catalogue.entry(kind, name)
        except GridError as error:
            self.note(kind, where, error)
            return None

    def note(self, field: str, where: Where, error: GridError) -> None:
        """Note a mistake in a cell field."""
        self.problems.add_error(where, error)
        self.broken.add(field)

    def _keep(
        self, key: Hashable, setting: Setting, fallback: Value, check: Callable[[object], Value]
    ) -> None:
        try:
            self._values[key] = check(setting.node.plain())
        except GridError as error:
            self.note(setting.path.field, setting.where, error)
            self._values[key] = fallback

    def _read_component(self, setting: Setting) -> tuple[Entry, dict[str, Value]] | None:
        kind, node = setting.path.field, setting.node
        given = dict(node.value) if isinstance(node.value, dict) else {"name": node}
        name = given.pop("name", None)
        if name is None or not isinstance(name.value, str):
            plain = show(node.plain())
            message = f"{kind} is {plain}; allowed: a name, or a mapping {{name: ..., option: ...}}"
            self.note(kind, setting.where, GridError(message))
            return None
        entry = self.entry(kind, name.value, name.where)
        if entry is None:
            return None
        options = {}
        for key, value in given.items():
            try:
                option = entry.option(key)
            except GridError as error:
                self.note(kind, value.where, error)
                continue
            options[key] = self._value(option, kind, value, f"{kind}.{key} of {entry.name}")
        return entry, options

    def _value(self, option: Option, kind: str, node: Node, what: str) -> Value:
        """What was written for an option of a component; its default after a mistake."""
        if option.type == METHOD:
            text = read_method(node, what, self.catalogue, self.problems)
            if text is None:
                self.broken.add(kind)
            return option.default if text is None else text
        try:
            return option.check(node.plain(), what)
        except GridError as error:
            self.note(kind, node.where, error)
            return option.default
