"""The check of every written value against the catalogue: once per value, not once per cell."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from grids import recipe as recipes
from grids.catalogue import Catalogue, Entry
from grids.components import read_component, read_options, read_value
from grids.fields import Setting
from grids.options import Value, fraction_text
from grids.problems import Collector, GridError, Where

T = TypeVar("T")


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
            option, what = entry.option(setting.path.option), f"{setting.path} of {entry.name}"
            self._values[key] = self._marked(
                setting.path.field,
                lambda: read_value(option, setting.node, what, self.catalogue, self.problems),
            )
        return self._values[key]

    def component(self, setting: Setting) -> tuple[Entry, dict[str, Value]] | None:
        """The entry that a setting names and the options inside it; None for an unknown name."""
        if setting not in self._components:
            self._components[setting] = self._marked(
                setting.path.field, lambda: self._read_component(setting)
            )
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
        kind, catalogue, problems = setting.path.field, self.catalogue, self.problems
        written = read_component(setting.node, kind, kind, catalogue, problems)
        if written is None:
            return None
        entry = written.entry
        options = read_options(
            written, lambda name: f"{kind}.{name} of {entry.name}", catalogue, problems
        )
        return entry, options

    def _marked(self, field: str, read: Callable[[], T]) -> T:
        """What is read for a cell field, which is broken when a mistake is noted meanwhile."""
        before = len(self.problems)
        found = read()
        if len(self.problems) > before:
            self.broken.add(field)
        return found
