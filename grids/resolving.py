"""What one cell field comes to when settings of several layers meet.

Each distinct combination is resolved once and shared by all cells that have it, so that a grid of
a hundred thousand cells costs no more work here than its axes have values.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from grids import recipe as recipes
from grids.catalogue import KINDS, Entry
from grids.cell import DEFAULT_ALLOCATION, DEFAULT_SCENARIO, Component
from grids.checking import Checker
from grids.fields import Setting
from grids.meanings import meanings
from grids.options import Value
from grids.problems import GridError, Where

_STANDARD = recipes.defaults()
_DEFAULTS = {"allocation": DEFAULT_ALLOCATION.name, "scenario": DEFAULT_SCENARIO.name}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Resolved:
    """The value of one cell field under some settings.

    `value` is what the cell holds (None: a density that nobody gave), `key` an integer that equal
    values share. `options` are the options that differ from `defaults`. `used` are the settings
    that had a say. `meanings` is what null means for the options that are null. `ignores` are the
    fields a method or an allocation has no use for. `semantics` are those of the entry,
    `inner_semantics` those of the methods that it is built on, by "method.source".
    """

    value: Component | str | tuple[tuple[str, Value], ...] | None
    key: int
    options: tuple[tuple[str, Value], ...] = ()
    defaults: Mapping[str, Value] = field(default_factory=dict)
    used: tuple[Setting, ...] = ()
    meanings: Mapping[str, Value] = field(default_factory=dict)
    semantics: int = 1
    inner_semantics: tuple[tuple[str, int], ...] = ()
    ignores: frozenset[str] = frozenset()

    def name(self) -> str | None:
        """The text of a density or a data ratio, the name of a component."""
        if isinstance(self.value, Component):
            return self.value.name
        return self.value if isinstance(self.value, str) else None

    def full(self) -> dict[str, Value]:
        """Every option, defaults filled in; under "" what `name` answers."""
        return {"": self.name(), **self.defaults, **dict(self.options)}


def without_effect(method: Resolved, allocation: Resolved) -> frozenset[str]:
    """The fields that have no effect in a cell with this method and this allocation."""
    if "allocation" in method.ignores:
        return method.ignores
    return method.ignores | allocation.ignores


class Resolver:
    """Merges settings into the values of cell fields.

    With `tolerant`, a required field that is missing is not noted: it may only be misspelt.

    `used` gathers the settings that had a say in some cell, `reasons` why one had none where it
    was given, `owners` the entries that a dotted option met, whether they have it or not,
    `density_decided` whether the allocation of some cell decides its density.
    """

    def __init__(self, checker: Checker, *, tolerant: bool = False) -> None:
        self.checker = checker
        self.tolerant = tolerant
        self.used: set[Setting] = set()
        self.reasons: dict[Setting, str] = {}
        self.owners: dict[Setting, dict[str, Entry]] = {}
        self.density_decided = False
        self._keys: dict[Hashable, int] = {}
        self._judged: set[Component] = set()

    def resolve(self, name: str, settings: Sequence[Setting], where: Where) -> Resolved | None:
        """The value of a cell field; None after a mistake that leaves nothing to go on with.

        `settings` are all that are in force, lower layers first; `where` is the place to blame
        when a required field is missing. The use of a density or an allocation is not noted here:
        it depends on the method, and that of a density on the allocation (`note_use`).
        """
        if name == "recipe":
            resolved: Resolved | None = self._recipe(settings)
        elif name in KINDS:
            resolved = self._component(name, settings, where)
        else:
            resolved = self._fraction(name, settings)
        if resolved is not None and name not in ("density", "allocation"):
            self.note_use(resolved)
        return resolved

    def note_use(self, resolved: Resolved) -> None:
        """Note that some cell holds this value."""
        self.used.update(resolved.used)

    def note_missing(self, name: str, where: Where, message: str) -> None:
        """Note that a required field was given nowhere."""
        self.checker.broken.add(name)
        if not self.tolerant:
            self.checker.note(name, where, GridError(message))

    def neutral(self, name: str) -> Resolved:
        """What "density" or "allocation" holds in a cell in which it has no effect."""
        if name == "density":
            return self._text("density", "1")
        value = DEFAULT_ALLOCATION
        return Resolved(value=value, key=self._key(name, value))

    def _fraction(self, name: str, settings: Sequence[Setting]) -> Resolved:
        if settings:
            return self._text(name, self.checker.fraction(settings[-1]), settings[-1:])
        return self._text(name, None if name == "density" else "1")

    def _text(self, name: str, text: str | None, used: Sequence[Setting] = ()) -> Resolved:
        return Resolved(value=text, key=self._key(name, text), used=tuple(used))

    def _component(self, kind: str, settings: Sequence[Setting], where: Where) -> Resolved | None:
        whole = [setting for setting in settings if not setting.path.option]
        entry, inline = self._named(kind, whole, where)
        if entry is None:
            return None
        options = dict(inline)
        used = dict.fromkeys(whole[-1:])
        for setting in settings:
            if setting.path.option and self._applies(setting, entry, inline, whole):
                used = {kept: None for kept in used if kept.path != setting.path}
                used[setting] = None
                options[setting.path.option] = self.checker.option(setting, entry)
        component = entry.component(options)
        self._note_conflicts(kind, entry, component, tuple(used))
        return Resolved(
            value=component,
            key=self._key(kind, component),
            options=component.options,
            defaults=entry.defaults(),
            used=tuple(used),
            meanings=meanings(entry.options, entry.settings(component)),
            semantics=entry.semantics,
            inner_semantics=self._inner_semantics(kind, component),
            ignores=self.checker.catalogue.ignores(kind, component),
        )

    def _inner_semantics(self, kind: str, component: Component) -> tuple[tuple[str, int], ...]:
        if kind != "method":
            return ()
        catalogue = self.checker.catalogue
        inner = catalogue.inner_methods(component)
        return tuple(
            (f"{kind}.{option}", catalogue.entry(kind, one.name).semantics)
            for option, one in inner.items()
        )

    def _named(
        self, kind: str, whole: Sequence[Setting], where: Where
    ) -> tuple[Entry | None, dict[str, Value]]:
        """The entry in force and the options written inside it."""
        if whole:
            return self.checker.component(whole[-1]) or (None, {})
        if kind in _DEFAULTS:
            return self.checker.entry(kind, _DEFAULTS[kind], where), {}
        self.note_missing(kind, where, f"{kind} is missing; give it in base or as an axis")
        return None, {}

    def _applies(
        self,
        setting: Setting,
        entry: Entry,
        inline: dict[str, Value],
        whole: Sequence[Setting],
    ) -> bool:
        """Whether a dotted option has a say: the entry has it, and no later layer wrote it."""
        name = setting.path.option
        self.owners.setdefault(setting, {})[entry.name] = entry
        if all(option.name != name for option in entry.options):
            return False
        if name not in inline or setting.layer > whole[-1].layer:
            return True
        self.reasons[setting] = f"{entry.name} gives it in {whole[-1].where}"
        if setting.layer == whole[-1].layer:
            message = f"{setting.path} is given twice; also inside {entry.name}"
            error = GridError(f"{message} in {whole[-1].where}")
            self.checker.note(setting.path.field, setting.where, error)
        return False

    def _recipe(self, settings: Sequence[Setting]) -> Resolved:
        latest = {setting.path.option: setting for setting in settings}
        given = {name: self.checker.recipe_field(setting) for name, setting in latest.items()}
        settings_in_force = _STANDARD | given
        idle = recipes.without_effect(settings_in_force)
        self.reasons |= {latest[name]: idle[name] for name in idle if name in latest}
        self._note_contradictions(settings_in_force, latest)
        busy = sorted(name for name in given if name not in idle)
        value = tuple((name, given[name]) for name in busy if given[name] != _STANDARD[name])
        return Resolved(
            value=value,
            key=self._key("recipe", value),
            options=value,
            defaults=_STANDARD,
            used=tuple(latest[name] for name in busy),
            semantics=recipes.SEMANTICS,
        )

    def _note_contradictions(self, settings: dict[str, Value], latest: dict[str, Setting]) -> None:
        for name, reason in recipes.contradictions(settings).items():
            blamed = latest.get(name) or latest["epochs"]
            self.checker.note("recipe", blamed.where, GridError(f"recipe.{name} {reason}"))

    def _note_conflicts(
        self, kind: str, entry: Entry, component: Component, used: Sequence[Setting]
    ) -> None:
        # A dotted option comes last and is the likelier mistake.
        if component not in self._judged:
            self._judged.add(component)
            for message in entry.conflicts(component):
                self.checker.note(kind, used[-1].where, GridError(message))

    def _key(self, name: str, value: Hashable) -> int:
        return self._keys.setdefault((name, value), len(self._keys))
