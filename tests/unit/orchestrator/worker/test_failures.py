"""Failures with one cause have one signature."""

from orchestrator.worker.failures import signature_of

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
