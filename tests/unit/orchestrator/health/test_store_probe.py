"""What a store relies on is tried out, and what nodes may not see is told."""

import json
from pathlib import Path

import pytest

from orchestrator.health import store_probe
from orchestrator.health.store_probe import (
    broken_promise,
    clock_finding,
    clock_skew,
    file_system,
    look_at_sharing,
    look_at_store,
)

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / {place} rw,nosuid shared:2 - nfs4 server:/home rw
31 30 0:27 / {place}/my\\040data rw - lustre 10.0.0.1:/data rw
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS.format(place=tmp_path))
    return path


def test_a_good_store_folder_is_well_and_left_clean(tmp_path: Path) -> None:
    found = look_at_store(tmp_path / "results")
    assert (found.verdict, found.fix) == ("ok", "")
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_version_is_broken(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"schema": 99}))
    found = look_at_store(tmp_path)
    assert found.verdict == "broken"
    assert "schema version 99" in found.found
    assert found.fix


def test_names_that_can_be_given_twice_break_a_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_probe, "publish_new", lambda path, data: True)
    assert "two files can be published under one name" in str(broken_promise(tmp_path))


def test_the_type_is_that_of_the_nearest_mount_above(tmp_path: Path, mounts: Path) -> None:
    assert file_system(tmp_path / "results", mounts) == "nfs4"
    assert file_system(Path("/usr"), mounts) == "ext4"


def test_blanks_in_the_place_of_a_mount_are_understood(tmp_path: Path, mounts: Path) -> None:
    (tmp_path / "my data").mkdir()
    assert file_system(tmp_path / "my data" / "results", mounts) == "lustre"


def test_without_a_table_of_mounts_the_type_is_unknown(tmp_path: Path) -> None:
    assert file_system(tmp_path, tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("kind", "verdict"), [("nfs4", "ok"), ("lustre", "ok"), ("tmpfs", "warning"), ("", "ok")]
)
def test_a_file_system_that_nodes_cannot_share_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, verdict: str
) -> None:
    monkeypatch.setattr(store_probe, "file_system", lambda path: kind)
    assert look_at_sharing(tmp_path).verdict == verdict


def test_one_machine_agrees_with_its_own_stamps(tmp_path: Path) -> None:
    assert clock_skew(tmp_path) == pytest.approx(0, abs=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("skew", "verdict"), [(4.9, "ok"), (-4.9, "ok"), (-30.0, "warning")])
def test_clocks_may_differ_a_little(skew: float, verdict: str) -> None:
    found = clock_finding("clock", skew, "the clocks of a and b")
    assert found.verdict == verdict
    assert found.found == f"the clocks of a and b differ by {abs(skew)} s"
