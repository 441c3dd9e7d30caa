"""Where the data of a plan is: named, there, and complete before anything is trained."""

from dataclasses import replace
from pathlib import Path

import pytest

from grids.catalogue import Entry
from orchestrator.planning.data import check_data, with_data_root
from orchestrator.planning.request import Planned, Request, RequestError, plan_request
from tests.support.console import sparsesweep

GRID = """\
name: small
base: {dataset: idx, model: {name: mlp, hidden: [8]}, method: dense, recipe: {epochs: 1}}
"""
FILE = {"path": "letters.gz", "url": "http://127.0.0.1:9/letters.gz", "md5": "0" * 32, "bytes": 3}


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(GRID)
    return path


def planned(grid: Path, data_root: Path | None = None) -> Planned:
    """A plan whose dataset is published as one file."""
    made = plan_request(Request(grid=str(grid), store=grid.parent / "store", data_root=data_root))
    entries = [entry for entry in made.catalogue.datasets if entry.name != "idx"]
    published = Entry(name="idx", traits={"needs_root": True, "files": [FILE]})
    return replace(made, catalogue=replace(made.catalogue, datasets=(*entries, published)))


def test_a_root_that_nobody_named_is_asked_for_in_all_three_ways(grid: Path) -> None:
    with pytest.raises(RequestError) as raised:
        check_data(planned(grid))
    assert str(raised.value) == (
        "dataset idx is read from files: say where with --data-root FOLDER, with "
        "SPARSESWEEP_DATA, or with data_root in the profile of a cluster"
    )


def test_files_that_are_not_there_are_named_with_what_fetches_them(grid: Path) -> None:
    root = grid.parent
    for content, condition in ((None, "missing"), (b"long", "damaged (4 bytes, published 3)")):
        if content is not None:
            (root / "letters.gz").write_bytes(content)
        with pytest.raises(RequestError) as raised:
            check_data(planned(grid, root))
        assert str(raised.value) == (
            f"dataset idx: in {root} letters.gz is {condition}; "
            f"run `sparsesweep data fetch idx --data-root {root}`"
        )
    (root / "letters.gz").write_bytes(b"gz.")
    check_data(planned(grid, root))


def test_a_plan_without_anything_to_train_needs_no_data(grid: Path) -> None:
    made = planned(grid)
    check_data(replace(made, plan=replace(made.plan, cells=())))


def test_the_root_of_a_profile_is_taken_where_no_other_was_asked_for(grid: Path) -> None:
    (grid.parent / "scratch").mkdir()
    scratch = grid.parent / "scratch"
    taken = with_data_root(planned(grid), profile="alpha", root=scratch)
    assert taken.request.data_root == scratch
    own = with_data_root(planned(grid, grid.parent), profile="alpha", root=scratch)
    assert own.request.data_root == grid.parent
    with pytest.raises(RequestError, match="data_root /nowhere of profile alpha: there is no such"):
        with_data_root(planned(grid), profile="alpha", root=Path("/nowhere"))


def test_a_profile_s_data_root_is_that_of_what_is_submitted_with_it(grid: Path) -> None:
    profiles = grid.parent / "profiles.toml"
    profiles.write_text(f'[alpha]\ndata_root = "{grid.parent}"\n\n[beta]\ndata_root = "/nowhere"\n')
    asked = ["plan", grid, "--store", grid.parent / "store", "--backend", "slurm"]
    for name, code, said in (
        ("alpha", 0, ""),
        ("beta", 2, "data_root /nowhere of profile beta: there is no such folder\n"),
    ):
        told = sparsesweep(*asked, "--profile", name, "--profile-file", profiles)
        assert (told.code, told.err) == (code, said)


def test_a_run_is_refused_and_a_plan_says_so(grid: Path) -> None:
    store = grid.parent / "store"
    refused = sparsesweep("run", grid, "--backend", "inline", "--store", store)
    assert (refused.code, refused.out, store.exists()) == (2, "", False)
    shown = sparsesweep("plan", grid, "--store", store)
    assert shown.code == 0
    assert shown.err == f"a run would be refused: {refused.err}"
    assert "small: 1 cells" in shown.out
