"""Removing the cells that `exclude` names, and noticing rules that do nothing or too much."""

from collections.abc import Sequence

from grids.cell import FIELDS
from grids.comparisons import Condition, Rule
from grids.resolving import Resolved


class Exclusions:
    """The rules of a grid at work. `counts` has, per rule, how many cells it matched."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.counts = [0] * len(rules)
        self._seeds = [[c for c in rule.conditions if c.path.field == "seed"] for rule in rules]
        self._fields = [[c for c in rule.conditions if c.path.field != "seed"] for rule in rules]
        self._verdicts: dict[tuple[int, Resolved], bool] = {}

    def kept_seeds(self, point: Sequence[Resolved], seeds: Sequence[int]) -> Sequence[int]:
        """The seeds for which no rule removes the cell at this point."""
        gone: set[int] = set()
        for position in range(len(self.rules)):
            if all(self._holds(condition, point) for condition in self._fields[position]):
                matched = [
                    seed for seed in seeds if all(c.test(seed) for c in self._seeds[position])
                ]
                self.counts[position] += len(matched)
                gone.update(matched)
        return [seed for seed in seeds if seed not in gone] if gone else seeds

    def _holds(self, condition: Condition, point: Sequence[Resolved]) -> bool:
        value = point[FIELDS.index(condition.path.field)]
        key = (id(condition), value)
        if key not in self._verdicts:
            option = condition.path.option
            held = [values[option] for values in (value.full(), value.meanings) if option in values]
            self._verdicts[key] = any(map(condition.test, held))
        return self._verdicts[key]
