"""The data of a cell: read, cut, made hard by its scenario, scaled, on the device."""

import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from grids.cell import Cell
from grids.traits import holds
from sparse.options import build_options
from trainer.augment import augments
from trainer.data import DATASETS
from trainer.data.bundle import Bundle, RawData
from trainer.data.cutting import cut
from trainer.data.scaling import as_bundle
from trainer.recipe import Recipe
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario, Sources


def make_scenario(cell: Cell) -> Scenario:
    """The scenario that a cell names, with its options.

    Raises:
        ValueError: for a scenario or an option that does not exist, or a value out of range.
    """
    entry = SCENARIOS.get(cell.scenario.name)
    assert entry.options is not None
    given, what = cell.scenario.as_dict(), f"scenario {cell.scenario.name}"
    options: Any = build_options(entry.options, given, what)
    made: Scenario = entry.target(options)
    return made


def load_bundle(cell: Cell, sources: Sources | None, device: str) -> Bundle:
    """The data of a cell, kept for the next cells of this process that ask for the same.

    Raises:
        ValueError: for options that the dataset or the scenario does not have, a scenario or an
            augmentation that takes images on data that has none, or a dataset that is not what it
            was registered as.
        FileNotFoundError: when the dataset's files are not where ``sources`` say.
    """
    sources = sources or Sources(dataset=cell.dataset)
    inputs = {name: str(path) for name, path in sources.inputs.items()}
    parts = [cell.data_ratio, cell.scenario.canonical(), _takes_pixels(cell), inputs]
    key = json.dumps([cell.dataset.canonical(), str(sources.data_root), *parts], sort_keys=True)
    return _load(_Wanted(key=key, device=device, cell=cell, sources=sources))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """Data of some key; cells that have it in common get the same."""

    key: str
    device: str
    cell: Cell = field(compare=False)
    sources: Sources = field(compare=False)


@functools.lru_cache(maxsize=2)
def _load(wanted: _Wanted) -> Bundle:
    cell, sources = wanted.cell, wanted.sources
    scenario = make_scenario(cell)
    options = json.dumps(cell.dataset.as_dict(), sort_keys=True)
    splits = cut(_read(cell.dataset.name, options, sources.data_root))
    if cell.data_ratio != "1":
        kept = scenario.subset(splits, cell.data_ratio, sources)
        splits = replace(splits, train=splits.train.take(kept))
    return as_bundle(scenario.transform(splits, sources), wanted.device, pixels=_takes_pixels(cell))


@functools.lru_cache(maxsize=1)
def _read(name: str, options: str, root: Path | None) -> RawData:
    entry = DATASETS.get(name)
    assert entry.options is not None
    chosen: Any = build_options(entry.options, json.loads(options), f"dataset {name}")
    raw: RawData = entry.target(chosen, root)
    rule = entry.traits["pixels"]
    said = holds(rule, asdict(chosen)) if isinstance(rule, Mapping) else bool(rule)
    if said != (raw.white is not None):
        raise ValueError(
            f"dataset {name}: its trait pixels says {said}, and its data "
            f"{'are' if raw.white is not None else 'are not'} pixels: bytes, or with a pixel_max"
        )
    return raw


def _takes_pixels(cell: Cell) -> bool:
    needs = bool(SCENARIOS.get(cell.scenario.name).traits["needs_pixels"])
    return needs or augments(Recipe.of(cell))
