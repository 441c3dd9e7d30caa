"""query on the command line: formats, files, and the list of views."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestrator.commands.arguments import tame
from orchestrator.store import Store, publish
from tests.support.asked import asked_store
from tests.support.console import sparsesweep
from tests.support.records import failure

SQL = "SELECT method, count(*) AS n FROM cells GROUP BY ALL ORDER BY ALL"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asking") / "results"
    asked_store(folder)
    error = {"type": "X", "message": "\x1b]0;title\x07\x1b[2J", "traceback": "", "phase": "train"}
    publish(Store.open(folder), failure(8, seed=77, error=error))
    return folder


def on_a_terminal(*arguments: object) -> tuple[int, str]:
    """Exit code and output of the command, run on a terminal of its own."""
    ours, theirs = pty.openpty()
    code = "from orchestrator.cli import main; main()"
    line = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(line, cwd=ROOT, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        chunks = []
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
    os.close(ours)
    return process.returncode, b"".join(chunks).decode()


def test_an_answer_is_a_table_unless_told_otherwise(store: Path) -> None:
    shown = sparsesweep("query", SQL, "--store", store)
    assert shown.out.splitlines()[:3] == ["method  n", "dense   1", "gmp     1"]
    as_json = sparsesweep("query", SQL, "--store", store, "--format", "json")
    assert json.loads(as_json.out)[0] == {"method": "dense", "n": 1}
    markdown = sparsesweep("query", SQL, "--store", store, "--format", "markdown")
    assert markdown.out.startswith("| method | n |\n| --- | ---: |\n| dense | 1 |\n")


def test_the_name_of_the_file_says_the_format(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    done = sparsesweep("query", SQL, "--store", store, "--output", path)
    assert (done.code, done.out, done.err) == (0, "", f"wrote {path}\n")
    assert pq.read_table(path).to_pylist()[0] == {"method": "dense", "n": 1}
    named = tmp_path / "answer.txt"
    assert sparsesweep("query", SQL, "--store", store, "-o", named, "--format", "csv").code == 0
    assert named.read_text().startswith("method,n\ndense,1\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answer.parquet", "answer.txt"]


def test_a_refused_query_leaves_the_old_file(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "answer.csv"
    path.write_text("old")
    told = sparsesweep("query", "FROM nothing", "--store", store, "--output", path)
    assert (told.code, path.read_text()) == (2, "old")
    assert told.err.startswith("cannot run the query: there is no view nothing\n")


def test_a_pipe_is_written_into_and_not_replaced(store: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        done = sparsesweep("query", SQL, "--store", store, "--format", "csv", "--output", pipe)
        assert reader.stdout is not None
        assert reader.stdout.read().startswith(b"method,n\n")
    assert (done.code, pipe.is_fifo()) == (0, True)


@pytest.mark.parametrize("arguments", [[], ["--tables"]])
def test_without_sql_the_views_are_listed_without_a_store(
    arguments: list[str], tmp_path: Path
) -> None:
    shown = sparsesweep("query", *arguments, "--store", tmp_path)
    assert shown.code == 0
    assert shown.out.splitlines()[0].split() == ["view", "column", "kind", "unit", "meaning"]
    assert "packs" in shown.out
    assert "Hosts that worked on it." in shown.out


def test_mistakes_are_told(store: Path) -> None:
    told = sparsesweep("query", SQL, "--store", store, "--format", "cvs")
    assert (told.code, told.err.splitlines()[0]) == (
        2,
        "unknown value of --format 'cvs'; allowed: csv, json, markdown, parquet, table; "
        "did you mean 'csv'?",
    )
    told = sparsesweep("query", SQL, "--tables", "--store", store)
    assert (told.code, told.err) == (2, "--tables lists the views; it takes no SQL\n")


def test_parquet_is_not_written_to_a_terminal(store: Path) -> None:
    code, said = on_a_terminal("query", SQL, "--store", store, "--format", "parquet")
    assert code == 2
    assert said.startswith("parquet is no text for a terminal: give --output FILE")


@pytest.mark.parametrize("form", ["table", "csv", "json", "markdown"])
def test_a_terminal_gets_nothing_to_obey_from_the_data(store: Path, form: str) -> None:
    sql = "SELECT error_message FROM attempts WHERE error_type = 'X'"
    code, shown = on_a_terminal("query", sql, "--store", store, "--format", form)
    assert code == 0
    assert {"\x1b", "\x07"}.isdisjoint(shown)
    assert "title" in shown
    bad = "SELECT error_message::INT FROM attempts WHERE error_type = 'X'"
    code, said = on_a_terminal("query", bad, "--store", store)
    assert code == 2
    assert "\x1b" not in said


def test_a_terminal_gets_nothing_to_obey_from_any_command(store: Path) -> None:
    failed = "SELECT cell FROM attempts WHERE error_type = 'X'"
    cell = sparsesweep("query", failed, "--store", store, "--format", "csv").out.split()[1]
    code, said = on_a_terminal("repro", cell, "--store", store)
    assert code == 2
    assert "\x1b" not in said
    code, said = on_a_terminal("status", "\x1b[31mred", "--store", store)
    assert code == 2
    assert "\x1b" not in said


def test_lines_and_tabs_stay_and_all_else_that_cannot_be_seen_is_escaped() -> None:
    assert tame("one\ttwo\n\x1b[2Jthree\r\x9b") == "one\ttwo\n\\x1b[2Jthree\\r\\x9b"


def test_a_query_that_is_no_text_is_a_mistake(store: Path) -> None:
    told = sparsesweep("query", "SELECT \udcff", "--store", store)
    assert told.code == 2
    assert told.err.startswith("the query is not UTF-8 text: character 8 of it, after 'SELECT '")


def test_a_time_that_has_no_text_is_a_mistake(store: Path) -> None:
    told = sparsesweep("query", "SELECT DATE '99999-01-01' AS day", "--store", store)
    assert told.code == 2
    assert told.err.startswith("a value of the column day is beyond the years 1 to 9999")


def test_a_file_and_a_pipe_get_the_data_as_it_is(store: Path) -> None:
    sql = "SELECT error_message FROM attempts WHERE error_type = 'X'"
    piped = sparsesweep("query", sql, "--store", store, "--format", "csv")
    assert piped.out == "error_message\n\x1b]0;title\x07\x1b[2J\n"
