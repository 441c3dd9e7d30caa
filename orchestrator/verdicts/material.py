"""What is judged: the answers of one or several grids, each cell once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from grids.cell import Cell
from grids.probe_texts import probe_name
from orchestrator.answers.results import Answer, AnswerError, Answers, select
from orchestrator.store import Store
from orchestrator.store.live import read_rows
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.submission import Submission
from orchestrator.verdicts.verdict import Judgement, Sheet, Verdict

Network = tuple[tuple[tuple[int, ...], int], ...]
"""Shape and active weights of each layer, in the order of the layers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """The cells of some grids, and what is known of them.

    Attributes:
        grids: The grids' names.
        answers: One answer per cell.
        classes: Cell id to the classes that its network tells apart, where a record shows it.
        networks: Cell id to the shape and the active weights of each layer, where a record does.
    """

    grids: tuple[str, ...]
    answers: Answers
    classes: Mapping[str, int]
    networks: Mapping[str, Network] = field(default_factory=dict)

    @property
    def cells(self) -> tuple[Answer, ...]:
        """The answers, those without results included."""
        return self.answers.answers

    def metric_names(self) -> set[str]:
        """Every measurement that at least one cell has, or is asked to get."""
        measured = {name for answer in self.cells for name in answer.metrics or {}}
        return measured | self.answers.better.keys()

    def judgement(
        self, *, name: str, verdicts: Iterable[Verdict], sheets: Iterable[Sheet]
    ) -> Judgement:
        """What a judgement of this material found, with what a reader must know of the material."""
        return Judgement(
            name=name,
            grids=self.grids,
            cells=len(self.cells),
            completed=len(self.answers.completed),
            verdicts=tuple(verdicts),
            sheets=tuple(sheets),
            notes=self.answers.notes,
        )

    def chance(self, answers: Sequence[Answer]) -> float | None:
        """The accuracy of guessing: 1 / classes, where all these cells agree on it."""
        known = {self.classes[each.cell] for each in answers if each.cell in self.classes}
        return 1 / known.pop() if len(known) == 1 else None


def gather(
    store: Store,
    submissions: Sequence[Submission],
    *,
    where: Mapping[str, Sequence[str]] | None = None,
    allow_mixed: bool = False,
) -> Material:
    """The answers of all cells of these submissions.

    Raises:
        AnswerError: When `where` does not fit, results are mixed, or two of the grids ask for one
            probe with different options.
        CollisionError: When the store holds another cell under the id of one of these.
    """
    cells: dict[str, Cell] = {}
    probes: dict[str, set[str]] = {}
    for submission in submissions:
        for cell in submission.cells:
            cells.setdefault(cell.id, cell)
            probes.setdefault(cell.id, set()).update(submission.probes.of(cell.id))
    _check_alike(probes)
    answers = select(
        store,
        list(cells.values()),
        where=where,
        allow_mixed=allow_mixed,
        probes=CellProbes.gathered({cell: tuple(sorted(own)) for cell, own in probes.items()}),
        metrics=[metric for submission in submissions for metric in submission.metrics],
    )
    networks = _networks(store, [answer.cell for answer in answers.answers])
    return Material(
        grids=tuple(submission.grid for submission in submissions),
        answers=answers,
        classes={cell: shapes[-1][0][0] for cell, shapes in networks.items()},
        networks=networks,
    )


def _check_alike(probes: Mapping[str, set[str]]) -> None:
    for own in probes.values():
        names = [probe_name(text) for text in own]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise AnswerError(
                f"the grids ask for the probe {twice[0]} with different options, so that its "
                f"measurements have two values; judge one grid at a time"
            )


def _networks(store: Store, cells: Sequence[str]) -> dict[str, Network]:
    """The layers of each cell that has results; the last one has an output for each class."""
    columns = ["cell", "answers", "position", "shape", "active"]
    layers = read_rows(store, {"layers": columns}, cells)["layers"]
    found: dict[str, list[tuple[int, tuple[int, ...], int]]] = {}
    for row in layers.to_pylist():
        if row["answers"] and row["shape"]:
            layer = (row["position"], tuple(row["shape"]), row["active"])
            found.setdefault(row["cell"], []).append(layer)
    return {cell: tuple((shape, n) for _, shape, n in sorted(own)) for cell, own in found.items()}
