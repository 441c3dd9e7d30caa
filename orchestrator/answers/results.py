"""Answers about a grid: the results of exactly its cells, those without a result included."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from grids.cell import COMPONENTS, Cell
from grids.method_texts import method_words
from grids.probe_texts import probe_name
from grids.problems import nearest
from orchestrator.store import COMPLETED, Store
from orchestrator.store.live import read_rows
from orchestrator.store.records import check_same_cell
from orchestrator.store.rows import fields_of
from orchestrator.store.schema import TABLES
from orchestrator.submissions.cell_probes import NO_PROBES, CellProbes
from orchestrator.watching.states import State

_METRICS = tuple(column for column in TABLES["results"] if column.origin == "metric")
_PROVENANCE = tuple(column.name for column in TABLES["results"] if column.origin == "provenance")
_READ = tuple(column.name for column in TABLES["results"] if column.origin != "error")
_NEVER_MIXED = ("tier", "device", "code")

RENAMED: Mapping[str, str] = {
    column.key: column.name for column in _METRICS if column.key != column.name
}
"""A measurement's name in the trainer to its name in answers, where the two differ."""

Row = Mapping[str, Any]


class AnswerError(ValueError):
    """What was asked has no honest answer; the message says what to change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One cell of a grid and, when it completed, its results.

    Attributes:
        cell: Id of the cell.
        fields: Its fields, flat: "method", "method.update_every", "recipe.lr", "seed", ...
        state: How the attempt that answers for it ended: COMPLETED, FAILED, INVALID, ...;
            PENDING for a cell of which no attempt has ended.
        metrics: Measurements by their column in the table results, or by their own name when they
            have none; None for a cell without a completed attempt.
        provenance: What made it, by column of the table results; empty when `metrics` is None.
        chosen: Paths of the options of components that do not stand at their default.
    """

    cell: str
    fields: Row
    state: str
    metrics: Mapping[str, float] | None
    provenance: Row
    chosen: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The results of the asked cells, in their order.

    Attributes:
        answers: One per cell.
        notes: What a reader of any table or plot of them must be told.
        better: The measurements of the probes that are asked for, with the better end of each.
        unasked: Measurements that the store holds of these cells but nobody asks for here, with
            the probe of each.
        halted: Whether the run of these cells was halted, so that nothing more is begun.
    """

    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()
    better: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[str, str] = field(default_factory=dict)
    halted: bool = False

    @property
    def completed(self) -> tuple[Answer, ...]:
        """Those that have results."""
        return tuple(answer for answer in self.answers if answer.metrics is not None)

    def metric_names(self) -> list[str]:
        """Every measurement that at least one cell has, or is asked to get, sorted."""
        measured = {name for answer in self.completed for name in answer.metrics or {}}
        return sorted(measured | self.better.keys() if measured else measured)


def select(
    store: Store,
    cells: Sequence[Cell],
    *,
    where: Mapping[str, Sequence[str]] | None = None,
    allow_mixed: bool = False,
    probes: CellProbes = NO_PROBES,
    metrics: Iterable[Mapping[str, str]] = (),
) -> Answers:
    """The answers for exactly these cells.

    What a probe measured is an answer only where this very probe, with its options, is asked for:
    another grid may have asked for one of the same name with others.

    Args:
        store: Where to look.
        cells: The cells of a grid, in its order.
        where: Keep only cells whose field has one of the values: {"density": ["0.05", "0.1"]}.
        allow_mixed: Accept, and note, results of different tiers, device types or code.
        probes: The probes that are asked of each cell.
        metrics: The metrics of these probes: "name" and "better" of each.

    Raises:
        AnswerError: When a field or value in `where` does not occur, or results are mixed.
        CollisionError: When the store holds another cell under the id of one of these.
    """
    rows, further = _read(store, {cell.id: cell for cell in cells})
    extra, unasked = _asked_for(further, probes)
    answers = [_answer(cell, rows.get(cell.id), extra.get(cell.id, {})) for cell in cells]
    answers = _with_defaults(cells, answers)
    for path, values in (where or {}).items():
        answers = _kept(answers, path, values)
    return Answers(
        answers=tuple(answers),
        notes=tuple(_mixtures(answers, allow_mixed)),
        better={metric["name"]: metric["better"] for metric in metrics},
        unasked=unasked,
    )


def text_of(value: Any) -> str:
    """A field's value as tables and `where` write it: equal texts are equal values.

    A number has up to six digits where these are the number, and all its digits else.
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, list | tuple):
        return "[" + ", ".join(text_of(item) for item in value) + "]"
    if isinstance(value, float):
        return short if float(short := f"{value:g}") == value else repr(value)
    return method_words(str(value))


def not_found(message: str, given: str, allowed: Sequence[str], names: str) -> AnswerError:
    """The error for a name that does not occur: `message`, the names that do, the nearest one."""
    parts = (message, f"{names}: {', '.join(allowed)}", nearest(given, allowed))
    return AnswerError("; ".join(part for part in parts if part))


def fields_of_cell(cell: Cell) -> dict[str, Any]:
    """The flat fields of a cell that can be known without the catalogue.

    The recipe comes with its defaults; options of components only where they differ from theirs.
    """
    fields: dict[str, Any] = {}
    for name in COMPONENTS:
        component = getattr(cell, name)
        fields[name] = component.name
        fields |= {f"{name}.{option}": value for option, value in component.options}
    fields |= {f"recipe.{option}": value for option, value in cell.settings().items()}
    fields |= {f"semantics.{name}": value for name, value in cell.semantics}
    return fields | {"density": cell.density, "data_ratio": cell.data_ratio, "seed": cell.seed}


def _read(store: Store, cells: Mapping[str, Cell]) -> tuple[dict[str, Row], list[Row]]:
    """Rows of the table results by cell, and rows of the table metrics, for these cells."""
    import pyarrow.compute as pc

    tables = read_rows(store, {"results": _READ, "metrics": None}, cells)
    answering = pc.field("answers")
    rows = {}
    for row in tables["results"].filter(answering).to_pylist():
        check_same_cell(row["cell"], cells[row["cell"]].canonical_json(), row["canonical"])
        rows[row["cell"]] = row
    return rows, tables["metrics"].filter(answering).to_pylist()


def _asked_for(
    rows: Iterable[Row], probes: CellProbes
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Cell to its metrics without a column, and those of probes that nobody asks for here."""
    extra: dict[str, dict[str, float]] = {}
    unasked: dict[str, str] = {}
    for row in rows:
        if row["probe"] is None or row["probe"] in probes.of(row["cell"]):
            extra.setdefault(row["cell"], {})[row["metric"]] = row["value"]
        else:
            unasked[row["metric"]] = probe_name(row["probe"])
    return extra, unasked


def _answer(cell: Cell, row: Row | None, extra: Mapping[str, float]) -> Answer:
    fields = fields_of_cell(cell)
    chosen = frozenset(
        f"{name}.{option}" for name in COMPONENTS for option, _ in getattr(cell, name).options
    )
    state = State.PENDING.value if row is None else row["state"]
    if row is None or state != COMPLETED:
        return Answer(
            cell=cell.id, fields=fields, state=state, metrics=None, provenance={}, chosen=chosen
        )
    recorded = {
        path: _plain(value)
        for path, value in fields_of(row).items()
        if path.partition(".")[0] in COMPONENTS
    }
    known = {column.name: value for column in _METRICS if (value := row[column.name]) is not None}
    return Answer(
        cell=cell.id,
        fields=recorded | fields,
        state=state,
        metrics={**known, **extra},
        provenance={name: row[name] for name in _PROVENANCE},
        chosen=chosen,
    )


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _with_defaults(cells: Sequence[Cell], answers: Sequence[Answer]) -> list[Answer]:
    """Fill in the options at their defaults of cells without a record from cells with one."""
    defaults: dict[tuple[str, str], dict[str, Any]] = {}
    for cell, answer in zip(cells, answers, strict=True):
        known = fields_of_cell(cell)
        for path, value in answer.fields.items():
            component, _, option = path.partition(".")
            if option and path not in known and component in known:
                defaults.setdefault((component, known[component]), {})[path] = value
    filled = []
    for answer in answers:
        fields: dict[str, Any] = {}
        for component in COMPONENTS:
            fields |= defaults.get((component, answer.fields[component]), {})
        filled.append(replace(answer, fields=fields | dict(answer.fields)))
    return filled


def _kept(answers: Sequence[Answer], path: str, values: Sequence[str]) -> list[Answer]:
    known = {name for answer in answers for name in answer.fields}
    if path not in known:
        raise not_found(f"no cell has a field {path!r}", path, sorted(known), "fields")
    present = list(dict.fromkeys(text_of(answer.fields.get(path)) for answer in answers))
    absent = [value for value in values if not any(_same(value, other) for other in present)]
    if absent:
        raise not_found(f"no cell has {path} = {', '.join(absent)}", absent[0], present, "values")
    return [
        answer
        for answer in answers
        if any(_same(value, text_of(answer.fields.get(path))) for value in values)
    ]


def _same(given: str, value: str) -> bool:
    try:
        return given == value or float(given) == float(value)
    except ValueError:
        return False


def _mixtures(answers: Iterable[Answer], allow_mixed: bool) -> list[str]:
    notes = []
    for name in _NEVER_MIXED:
        counts: dict[str, int] = {}
        for answer in answers:
            if answer.metrics is not None:
                kind = _kind(name, answer.provenance[name])
                counts[kind] = counts.get(kind, 0) + 1
        if len(counts) > 1:
            parts = ", ".join(f"{counts[kind]} cells {kind}" for kind in sorted(counts))
            notes.append(f"mixed {name}: {parts}")
    if notes and not allow_mixed:
        raise AnswerError(
            f"results of {'; '.join(notes)} are not compared; choose with --where, run the "
            f"others again with --stale rerun, or say --allow-mixed"
        )
    return notes


def _kind(name: str, value: Any) -> str:
    text = "unknown" if value is None else str(value)
    return text.partition(":")[0] if name == "device" else text  # cuda:0 and cuda:1 are one type
