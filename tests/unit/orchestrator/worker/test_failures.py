"""Failures with one cause have one signature."""

from pathlib import Path

from orchestrator.store import Store, publish
from orchestrator.store.index import load_index
from orchestrator.worker.failures import FailureCluster, cluster, signature_of
from tests.support.grids import a_cell
from tests.support.records import failure

TRACE = """Traceback (most recent call last):
  File "/home/a/trainer/run.py", line 10, in run_group
    work()
  File "/home/a/trainer/loop.py", line {line}, in step
    raise ValueError
"""


def error(message: str = "shape 3 against 4", line: int = 7, kind: str = "ValueError") -> dict:
    return {"type": kind, "message": message, "traceback": TRACE.format(line=line), "phase": "t"}


def test_numbers_and_line_numbers_do_not_matter() -> None:
    assert signature_of(error()) == signature_of(error("shape 30 against 41", line=99))


def test_the_type_the_words_and_the_place_do() -> None:
    other_place = {**error(), "traceback": TRACE.format(line=7).replace("in step", "in load")}
    others = [error(kind="KeyError"), error("size 3 against 4"), other_place]
    assert len({signature_of(one) for one in [error(), *others]}) == 4


def test_folders_do_not_matter() -> None:
    moved = {**error(), "traceback": TRACE.format(line=7).replace("/home/a/", "/srv/b/")}
    assert signature_of(moved) == signature_of(error())


def clusters(folder: Path, errors: list[dict]) -> list[FailureCluster]:
    """The clusters of cells that failed like this, one with each of the seeds."""
    store = Store.create(folder / "results")
    for seed, error in enumerate(errors):
        cell = a_cell("set", seed=seed)
        told = {**error, "signature": signature_of(error)}
        publish(store, failure(seed, cell=cell.id, canonical=cell.canonical(), error=told))
    return cluster(load_index(store).values())


def elsewhere(place: str, message: str) -> dict:
    return {**error(message), "traceback": TRACE.format(line=7).replace("in step", f"in {place}")}


def test_one_message_raised_at_several_places_is_one_cause(tmp_path: Path) -> None:
    errors = [elsewhere("load", "shape 1"), *[elsewhere("step", f"shape {n}") for n in (2, 3)]]
    [found] = clusters(tmp_path, errors)
    assert (len(found.cells), found.places) == (3, 2)
    assert found.signature == signature_of(errors[1])
    assert found.text == f"ValueError: {found.message} (raised at 2 places)"


def test_other_words_are_another_cause_and_without_words_another_place_is(tmp_path: Path) -> None:
    told = clusters(tmp_path / "told", [error("shape 1"), error("size 1")])
    assert [found.text for found in told] in (
        ["ValueError: shape 1", "ValueError: size 1"],
        ["ValueError: size 1", "ValueError: shape 1"],
    )
    mute = clusters(tmp_path / "mute", [elsewhere("load", ""), elsewhere("step", "")])
    assert [found.places for found in mute] == [1, 1]
