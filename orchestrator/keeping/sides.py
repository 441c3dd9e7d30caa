"""What is compared: a store, the last run of a grid, or one certain run of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grids.cell import Cell
from orchestrator.answers.results import Answers, select
from orchestrator.store.index import CellState, load_index
from orchestrator.store.layout import Store, StoreError
from orchestrator.submissions.cell_lists import ids_of
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.submission import Submission, find_submission, read_submission


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of two things that are compared.

    Attributes:
        name: What a person calls it.
        answers: Its cells, with the results of those that completed.
        attempts: Cell id to the attempt that answers, and where: the same pair is the same record.
    """

    name: str
    answers: Answers
    attempts: Mapping[str, str]


def read_side(given: str, root: Path, grid: str | None, where: Mapping[str, Sequence[str]]) -> Side:
    """One side of a comparison.

    Args:
        given: Folder of a store, the name or file of a grid, or "GRID@NUMBER" for a certain run.
        root: Folder of the store that holds the grids.
        grid: The grid whose cells are compared, where a store is given; None for all its cells.
        where: Keep only cells whose field has one of the values.

    Raises:
        StoreError: When there is no such store, grid or run, or when cells of the run have been
            answered anew since.
        AnswerError: When a field or value in `where` does not occur.
    """
    if _is_store(given):
        store = Store.open(given)
        submission = find_submission(store, grid) if grid is not None else None
        return _side(given, store, submission, where)
    if grid is not None:
        raise StoreError(f"--grid chooses the cells of stores, and {given} is no store")
    store = Store.open(root)
    submission = _submission(store, given)
    _check_still_answered(store, given, submission)
    return _side(given, store, submission, where)


def _is_store(given: str) -> bool:
    """Whether a store was meant: it is one, or a path that cannot be a grid."""
    path = Path(given)
    return (path / "store.json").exists() or ("/" in given and not path.is_file())


def _submission(store: Store, given: str) -> Submission:
    name, at, number = given.rpartition("@")
    if not at or not number.isdecimal():
        return find_submission(store, given)
    last = find_submission(store, name)
    numbers = store.submission_numbers(last.grid)
    if int(number) not in numbers:
        listed = ", ".join(f"{last.grid}@{known}" for known in numbers)
        raise StoreError(f"there is no run {given} in {store.root}; there are {listed}")
    return read_submission(store, last.grid, int(number))


def _check_still_answered(store: Store, given: str, submission: Submission) -> None:
    """Refuse a run some of whose cells are answered by results that came after it."""
    later = [n for n in store.submission_numbers(submission.grid) if n > submission.number]
    if not later:
        return
    index = load_index(store)
    until = read_submission(store, submission.grid, later[0]).submitted_at
    anew = [
        cell
        for cell in ids_of(submission.cells)
        if cell in index and index[cell].answer.started_at >= until
    ]
    if anew:
        raise StoreError(
            f"{given} cannot be compared: {len(anew)} of its {len(submission.cells)} cells are "
            f"answered by results that came after it, {anew[0]} for one. Runs differ where they "
            "ask for other cells; to compare results that were made anew, keep a copy of the store"
        )


def _side(
    name: str, store: Store, submission: Submission | None, where: Mapping[str, Sequence[str]]
) -> Side:
    index = load_index(store)
    if submission is None:
        every = (Cell.from_canonical(state.canonical) for state in index.values())
        cells: Sequence[Cell] = sorted(every, key=_place)
        probes = CellProbes.gathered({c: tuple(sorted(s.probes)) for c, s in index.items()})
    else:
        cells, probes = submission.cells, submission.probes
    answers = select(
        store,
        cells,
        where=where,
        allow_mixed=True,
        probes=probes,
        metrics=() if submission is None else submission.metrics,
    )
    return Side(name=name, answers=answers, attempts=_attempts(index))


def _place(cell: Cell) -> tuple[str, str, str, float, int]:
    """The order of cells that no grid orders."""
    density = float(cell.density or 1)
    return cell.dataset.name, cell.model.name, cell.method.name, density, cell.seed


def _attempts(index: Mapping[str, CellState]) -> dict[str, str]:
    return {cell: state.answer.attempt for cell, state in index.items()}
