"""The data of a cell: read, cut, made hard by its scenario, scaled, on the device."""

import functools
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from grids.cell import Cell
from grids.traits import applies, input_names
from trainer.augment import augments
from trainer.data import DATASETS
from trainer.data.bundle import Bundle, RawData
from trainer.data.cutting import cut
from trainer.data.scaling import as_bundle
from trainer.recipe import Recipe
from trainer.scenarios import SCENARIOS
from trainer.scenarios.base import Scenario
from trainer.sources import Sources


def make_scenario(cell: Cell) -> Scenario:
    """The scenario that a cell names, with its options.

    Raises:
        ValueError: for a scenario or an option that does not exist, or a value out of range.
    """
    made: Scenario = SCENARIOS.get(cell.scenario.name).build(cell.scenario.as_dict())
    return made


def load_bundle(cell: Cell, sources: Sources | None, device: str) -> Bundle:
    """The data of a cell, kept for the next cells of this process that ask for the same.

    Raises:
        ValueError: for options that the dataset or the scenario does not have, a scenario or an
            augmentation that takes images on data that has none, or a dataset that is not what it
            was registered as.
        FileNotFoundError: when the dataset's files are not where ``sources`` say.
    """
    sources = _as_the_scenario_sees(cell, sources or Sources(dataset=cell.dataset))
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
    entry, given = DATASETS.get(name), json.loads(options)
    raw: RawData = entry.build(given, root)
    said = applies(entry.traits["pixels"], asdict(entry.chosen(given)))
    if said != (raw.white is not None):
        raise ValueError(
            f"dataset {name}: its trait pixels says {said}, and its data "
            f"{'are' if raw.white is not None else 'are not'} pixels: bytes, or with a pixel_max"
        )
    return raw


def _as_the_scenario_sees(cell: Cell, sources: Sources) -> Sources:
    """The same sources, but of the cell's inputs those that its scenario needs.

    Cells of one scenario share their data, whatever their methods begin with.
    """
    entry = SCENARIOS.get(cell.scenario.name)
    options = asdict(entry.chosen(cell.scenario.as_dict()))
    names = input_names(entry.traits["needs"], {"data_ratio": cell.data_ratio, **options})
    given = sources.inputs
    return replace(sources, inputs={name: given[name] for name in names if name in given})


def _takes_pixels(cell: Cell) -> bool:
    needs = bool(SCENARIOS.get(cell.scenario.name).traits["needs_pixels"])
    return needs or augments(Recipe.of(cell))
