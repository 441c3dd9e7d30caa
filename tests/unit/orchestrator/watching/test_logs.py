"""Following logs: whole lines as they are written, from now on."""

from pathlib import Path

from orchestrator.watching.logs import tail


def test_only_whole_lines_that_are_written_from_now_on_are_told(tmp_path: Path) -> None:
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_text("old\n")
    second.write_text("")
    told = tail([first, second], poll_seconds=0.0)
    with first.open("a") as file:
        file.write("one\ntwo\nhal")
    with second.open("a") as file:
        file.write("other\n")
    assert [next(told) for _ in range(3)] == [(first, "one"), (first, "two"), (second, "other")]
    with first.open("a") as file:
        file.write("f\n")
    assert next(told) == (first, "half")


def test_a_log_that_is_removed_is_silent(tmp_path: Path) -> None:
    gone, kept = tmp_path / "a.log", tmp_path / "b.log"
    gone.write_text("")
    kept.write_text("")
    told = tail([gone, kept], poll_seconds=0.0)
    gone.unlink()
    kept.write_text("line\n")
    assert next(told) == (kept, "line")
