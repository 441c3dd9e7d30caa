"""The probes that a grid asks for: measurements of its cells besides those that all cells get.

Names and options are compared with the catalogue here; what comes of them are texts
(`grids.probe_texts`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grids.catalogue import PROBE, Catalogue, Entry
from grids.cell import Cell
from grids.components import of_plain, read_component, read_options
from grids.legality import check_model, has_pixels
from grids.options import Value
from grids.probe_texts import NAME, SEMANTICS, canonical, plain_probe, probe_name
from grids.problems import Collector, GridError, Where, show
from grids.reading import Node
from grids.storages import CSR, MASKED
from grids.traits import holds


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedProbe:
    """A probe that a grid asks for: its text, and where it was written."""

    text: str
    where: Where


def read_probes(
    node: Node | None, catalogue: Catalogue, problems: Collector
) -> tuple[AskedProbe, ...]:
    """The `probes:` of a grid file; every mistake is noted in `problems`."""
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        message = f"probes is {show(node.plain())}; allowed: a list of names or mappings"
        problems.add(node.where, message, f"write {_listed(node)}" if node.value else "")
        return ()
    found: dict[str, AskedProbe] = {}
    for item in node.value:
        asked = _read_one(item, catalogue, problems)
        if asked is None:
            continue
        name = probe_name(asked.text)
        if name in found:
            first = found[name].where
            message = f"the probe {name} is asked for twice; first in {first}"
            problems.add(item.where, message)
        found.setdefault(name, asked)
    return tuple(found.values())


def refuse_without_images(
    asked: Sequence[AskedProbe], cells: Iterable[Cell], catalogue: Catalogue, problems: Collector
) -> None:
    """Note every probe that works on images only where some cell's dataset has none."""
    takers = [one for one in asked if _entry_of(one.text, catalogue).traits.get("needs_pixels")]
    if not takers:
        return
    entries = {used: catalogue.entry("dataset", used.name) for used in {c.dataset for c in cells}}
    without = {e.name for used, e in entries.items() if not has_pixels(e, e.settings(used))}
    if not without:
        return
    images = [entry.name for entry in catalogue.entries("dataset") if entry.traits.get("pixels")]
    for one in takers:
        message = f"probe {probe_name(one.text)} takes images, and dataset"
        listed = f"{', '.join(sorted(without))} has none; allowed: {', '.join(images) or 'none'}"
        problems.add(one.where, f"{message} {listed}")


def refuse_other_models(
    asked: Sequence[AskedProbe], cells: Iterable[Cell], catalogue: Catalogue, problems: Collector
) -> None:
    """Note every probe that does not work on some cell's model, by its trait `models`.

    The trait is that of a method (`grids.legality`), with `when` where options decide whether the
    probe needs such a model.
    """
    choosy = [one for one in asked if _needs_a_model(one.text, catalogue)]
    models = sorted({cell.model for cell in cells}, key=str) if choosy else []
    for one in choosy:
        entry = _entry_of(one.text, catalogue)
        for model in models:
            options = catalogue.entry("model", model.name).settings(model)
            try:
                check_model(PROBE, entry, model.name, options, catalogue=catalogue)
            except GridError as error:
                problems.add_error(one.where, error)
                break


def refuse_without_dense_weights(
    asked: Sequence[AskedProbe], cells: Iterable[Cell], catalogue: Catalogue, problems: Collector
) -> None:
    """Note every probe that looks at dense weights where some cell stores its active ones alone."""
    unfit = [one for one in asked if CSR not in _storages_of(_entry_of(one.text, catalogue))]
    if not unfit or not any(("storage", CSR) in recipe for recipe in {c.recipe for c in cells}):
        return
    for one in unfit:
        message = f"probe {probe_name(one.text)} looks at dense weights, and cells with"
        problems.add(one.where, f"{message} recipe.storage csr have none; allowed: masked")


def probes_of_scenario(scenario: Entry, catalogue: Catalogue) -> tuple[str, ...]:
    """The texts of the probes that a scenario's cells get without being asked, by its trait.

    Raises `GridError` when the trait names a probe or an option that does not exist.
    """
    given = scenario.traits.get("probes", ())
    return tuple(_text_of_plain(one, catalogue) for one in given)


def is_offered(text: str, catalogue: Catalogue) -> bool:
    """Whether the catalogue still has this probe with these options and these semantics."""
    try:
        return _text_of_plain(plain_probe(text), catalogue) == text
    except GridError:
        return False


def distributions_of(texts: Iterable[str], catalogue: Catalogue) -> set[str]:
    """The users' distributions that bring these probes."""
    return {_entry_of(text, catalogue).distribution for text in texts} - {""}


def metrics_of_probe(text: str, catalogue: Catalogue) -> Sequence[Mapping[str, str]]:
    """The final metrics that a probe may write: name, unit, better end and meaning of each."""
    metrics: Sequence[Mapping[str, str]] = _entry_of(text, catalogue).traits.get("metrics", ())
    return metrics


def _read_one(node: Node, catalogue: Catalogue, problems: Collector) -> AskedProbe | None:
    before = len(problems)
    written = read_component(node, PROBE, "a probe", catalogue, problems)
    if written is None:
        return None
    entry = written.entry
    options = read_options(written, lambda name: f"{name} of {entry.name}", catalogue, problems)
    for message in entry.conflicts(entry.component(options)) if len(problems) == before else ():
        problems.add(node.where, message)
    return AskedProbe(text=_text(entry, options), where=node.where)


def _text_of_plain(given: str | Mapping[str, Any], catalogue: Catalogue) -> str:
    return of_plain(given, lambda node, problems: _read_one(node, catalogue, problems)).text


def _text(entry: Entry, options: Mapping[str, Value]) -> str:
    plain: dict[str, Any] = {**entry.component(options).as_dict(), NAME: entry.name}
    if entry.semantics != 1:
        plain[SEMANTICS] = entry.semantics
    return canonical(plain)


def _entry_of(text: str, catalogue: Catalogue) -> Entry:
    return catalogue.entry(PROBE, probe_name(text))


def _needs_a_model(text: str, catalogue: Catalogue) -> bool:
    entry = _entry_of(text, catalogue)
    given = {name: value for name, value in plain_probe(text).items() if name != NAME}
    return "models" in entry.traits and holds(entry.traits["models"], entry.defaults() | given)


def _storages_of(probe: Entry) -> Sequence[str]:
    storages: Sequence[str] = probe.traits.get("storages", (MASKED,))
    return storages


def _listed(node: Node) -> str:
    return f"[{node.value}]" if isinstance(node.value, str) else show([node.plain()])
