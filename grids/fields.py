"""The fields a grid may set, the paths that name them, and one written value of one of them."""

from dataclasses import dataclass
from decimal import Decimal

from grids import recipe as recipes
from grids.cell import COMPONENTS, FIELDS
from grids.options import plain_decimal
from grids.problems import Collector, GridError, Where, nearest, show, unknown
from grids.reading import Node

BASE, AXIS, FLAG = range(3)
"""The layers of a grid, later ones win: `base`; `axes`, `zip` and `include`; `--set`."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a key names: a cell field ("density"), or one option of it ("recipe.lr")."""

    field: str
    option: str = ""

    def __str__(self) -> str:
        return f"{self.field}.{self.option}" if self.option else self.field


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """One value written for one path. Every place in a grid is its own setting."""

    path: Path
    node: Node
    layer: int

    @property
    def where(self) -> Where:
        """The place the value was written."""
        return self.node.where


def parse_path(key: str) -> Path:
    """The path that a key names. Raises `GridError` with the nearest match for any other key."""
    field, dot, option = key.partition(".")
    if key in ("seed", "seeds"):
        raise GridError(f"{key} is no cell field", "use seeds: a count or a list of integers")
    if field not in FIELDS:
        raise _unknown_field(key, field, option)
    if not dot:
        return Path(field)
    if field == "recipe":
        if option not in recipes.OPTIONS:
            raise unknown("recipe field", option, recipes.OPTIONS)
    elif field not in COMPONENTS:
        raise GridError(f"unknown field {show(key)}: {field} has no options", f"write {field}")
    elif option == "name" or not option.isidentifier():
        raise GridError(f"unknown field {show(key)}", f"write {field}")
    return Path(field, option)


def check_key(key: str, node: Node, problems: Collector) -> Path | None:
    """The path that a key names; None, with the problem noted, when it names nothing."""
    if key == "sparsity":
        problems.add(node.where, "sparsity is not a field of a grid", density_hint(node))
        return None
    try:
        return parse_path(key)
    except GridError as error:
        problems.add_error(node.where, error)
        return None


def density_hint(node: Node) -> str:
    """What to write in place of a sparsity, with its value: "write density: 0.1 (1 - sparsity)"."""
    items = node.value if isinstance(node.value, tuple) else (node,)
    numbers = [item.value for item in items]
    if not all(isinstance(n, float) and 0 < n < 1 for n in numbers) or not numbers:
        return "write density: 1 - value"
    texts = [plain_decimal(1 - Decimal(repr(number))) for number in numbers]
    shown = f"[{', '.join(texts)}]" if isinstance(node.value, tuple) else texts[0]
    return f"write density: {shown} (1 - sparsity)"


def settings_of(mapping: Node, layer: int, problems: Collector) -> list[Setting]:
    """The settings in a mapping of paths to values, as in `base` or an entry of `include`."""
    settings: dict[Path, Setting] = {}
    for key, node in entries_of(mapping).items():
        path = check_key(key, node, problems)
        for setting in one_setting(path, node, layer, problems) if path else ():
            if setting.path in settings:
                first = settings[setting.path].where
                problems.add(setting.where, f"{setting.path} is given twice; first in {first}")
            settings[setting.path] = setting
    return list(settings.values())


def one_setting(path: Path, node: Node, layer: int, problems: Collector) -> list[Setting]:
    """The settings that one value stands for: one, or one per field of a recipe mapping."""
    if path != Path("recipe"):
        return [Setting(path, node, layer)]
    if not isinstance(node.value, dict):
        message = f"recipe is {show(node.plain())}; allowed: a mapping of its fields"
        problems.add(node.where, message, "for example recipe: {epochs: 20, lr: 0.1}")
        return []
    return _recipe_settings(node.value, layer, problems)


def entries_of(node: Node) -> dict[str, Node]:
    """The entries of a mapping that was checked to be one; nothing for an empty value."""
    return node.value if isinstance(node.value, dict) else {}


def _recipe_settings(entries: dict[str, Node], layer: int, problems: Collector) -> list[Setting]:
    known = [name for name in entries if name in recipes.OPTIONS]
    for name, node in entries.items():
        if name not in recipes.OPTIONS:
            problems.add_error(node.where, unknown("recipe field", name, recipes.OPTIONS))
    return [Setting(Path("recipe", name), entries[name], layer) for name in known]


def _unknown_field(key: str, field: str, option: str) -> GridError:
    if not option and key in recipes.OPTIONS:
        return GridError(f"unknown field {show(key)}", f"did you mean 'recipe.{key}'?")
    error = unknown("field", key, FIELDS)
    close = nearest(field, FIELDS)
    return GridError(error.message, close.replace("'?", f".{option}'?") if option else close)
