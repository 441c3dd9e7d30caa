"""Grids are found by path or by the name of a shipped study."""

from pathlib import Path

import pytest

from grids.finding import STUDIES, find_study, shipped_studies
from grids.problems import GridError


def test_a_shipped_study_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_study("digits") == STUDIES / "digits.yaml"


def test_an_existing_file_comes_before_a_study_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").touch()
    assert find_study("digits") == Path("digits")


@pytest.mark.parametrize("given", ["digts", "digts.yaml", "studies/digts.yaml"])
def test_a_missing_file_names_the_studies_and_the_nearest(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GridError) as caught:
        find_study(given)
    listed = ", ".join(shipped_studies())
    assert str(caught.value) == (
        f"no grid file '{given}', and no shipped study of that name; studies: {listed}; "
        "did you mean 'digits'?"
    )


def test_a_folder_is_no_grid(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"is a folder; allowed: a grid file or a shipped study$"):
        find_study(tmp_path)


@pytest.mark.parametrize("given", ["a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_missing(given: str) -> None:
    with pytest.raises(GridError, match=r"^no grid file"):
        find_study(given)
