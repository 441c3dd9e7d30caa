"""Provenance: hashes that move exactly when what they cover moves."""

from pathlib import Path

import pytest

from orchestrator import provenance
from trainer.describe import REGISTRIES


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in provenance.PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    return tmp_path


def hash_of(tree: Path) -> str:
    provenance.code_hash.cache_clear()
    return provenance.code_hash(tree)


def test_the_code_hash_moves_with_a_byte_a_name_and_a_new_file(tree: Path) -> None:
    seen = {hash_of(tree)}
    (tree / "sparse" / "set.py").write_text("a = 1\n")
    seen.add(hash_of(tree))
    (tree / "sparse" / "set.py").write_text("a = 2\n")
    seen.add(hash_of(tree))
    (tree / "sparse" / "set.py").rename(tree / "sparse" / "rigl.py")
    seen.add(hash_of(tree))
    assert len(seen) == 4


def test_the_code_hash_ignores_what_is_no_code(tree: Path) -> None:
    before = hash_of(tree)
    (tree / "sparse" / "notes.txt").write_text("x")
    (tree / "tests").mkdir()
    (tree / "tests" / "test_x.py").write_text("x = 1\n")
    assert hash_of(tree) == before


def test_hashes_are_16_hex_digits() -> None:
    provenance.code_hash.cache_clear()
    for text in (provenance.code_hash(), provenance.environment_hash()):
        assert len(text) == 16
        assert int(text, 16) >= 0


def test_installed_names_are_normalised() -> None:
    found = provenance.installed()
    assert "typing-extensions" in found
    assert found["torch"].startswith("2.")


def test_plugins_are_looked_for_under_the_groups_of_all_registries() -> None:
    assert tuple(each.plugin_group for each in REGISTRIES.values()) == provenance.PLUGIN_GROUPS
    assert "sparsesweep.allocations" in provenance.PLUGIN_GROUPS
