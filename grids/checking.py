"""The check of every written value against the catalogue: once per value, not once per cell."""

from collections.abc import Callable

from grids import recipe as recipes
from grids.catalogue import Catalogue, Entry
from grids.fields import Setting
from grids.options import Value, fraction_text
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
        self._values: dict[tuple[Setting, str], Value] = {}
        self._components: dict[Setting, tuple[Entry, dict[str, Value]] | None] = {}

    def fraction(self, setting: Setting) -> str:
        """The canonical text of a density or a data ratio."""
        name = setting.path.field

        def check() -> Value:
            return fraction_text(setting.node.plain(), name)

        return str(self._once(setting, "", "1", check))

    def recipe_field(self, setting: Setting) -> Value:
        """The value of a recipe field in its declared type."""
        option = recipes.OPTIONS[setting.path.option]

        def check() -> Value:
            return option.check(setting.node.plain(), str(setting.path))

        return self._once(setting, "", option.default, check)

    def option(self, setting: Setting, entry: Entry) -> Value:
        """The value that a dotted path gives to an option which the entry has."""
        option = entry.option(setting.path.option)

        def check() -> Value:
            return option.check(setting.node.plain(), f"{setting.path} of {entry.name}")

        return self._once(setting, entry.name, option.default, check)

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

    def _once(
        self, setting: Setting, key: str, fallback: Value, check: Callable[[], Value]
    ) -> Value:
        if (setting, key) not in self._values:
            try:
                value = check()
            except GridError as error:
                self.note(setting.path.field, setting.where, error)
                value = fallback
            self._values[setting, key] = value
        return self._values[setting, key]

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
        options = {key: self._inline(kind, entry, key, value) for key, value in given.items()}
        return entry, options

    def _inline(self, kind: str, entry: Entry, name: str, node: Node) -> Value:
        try:
            return entry.option(name).check(node.plain(), f"{kind}.{name} of {entry.name}")
        except GridError as error:
            self.note(kind, node.where, error)
            return entry.defaults().get(name)
