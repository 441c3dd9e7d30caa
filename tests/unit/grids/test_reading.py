"""The YAML reader: every node knows its place; nothing is constructed, nothing blows up."""

from pathlib import Path

import pytest

from grids.problems import Collector, GridProblems
from grids.reading import MAX_BYTES, read_file, read_inline, read_yaml


def plain(text: str) -> object:
    problems = Collector()
    node = read_yaml(text, "grid.yaml", problems)
    problems.raise_any()
    return node.plain()


def refusal(text: str) -> str:
    with pytest.raises(GridProblems) as caught:
        plain(text)
    return str(caught.value)


def test_a_document_becomes_plain_data() -> None:
    assert plain("a: [1, 0.5, x]\nb: {c: ~, d: 'no'}\n") == {
        "a": [1, 0.5, "x"],
        "b": {"c": None, "d": "no"},
    }


def test_quoted_words_and_block_texts_are_texts() -> None:
    assert plain("a: '1'\nb: \"true\"\nc: |\n  12\n") == {"a": "1", "b": "true", "c": "12\n"}


def test_entries_have_the_line_of_their_key_and_items_their_own() -> None:
    node = read_yaml("a:\n  - 1\n  - 2\nb: 3\n", "grid.yaml", Collector())
    assert isinstance(node.value, dict)
    items = node.value["a"].value
    assert isinstance(items, tuple)
    places = [str(n.where) for n in (node.value["a"], *items, node.value["b"])]
    assert places == ["grid.yaml:1", "grid.yaml:2", "grid.yaml:3", "grid.yaml:4"]


def test_an_alias_repeats_its_anchor_at_its_own_place() -> None:
    node = read_yaml("a: &x [1, 2]\nb: *x\n", "grid.yaml", Collector())
    assert isinstance(node.value, dict)
    assert node.value["b"].plain() == [1, 2]
    assert str(node.value["b"].where) == "grid.yaml:2"


def test_a_text_given_by_a_flag_has_the_flag_for_a_place() -> None:
    node = read_inline("[1, {a: 2}]", "--set x=1", Collector())
    assert isinstance(node.value, tuple)
    assert str(node.value[1].where) == "--set x=1"


def test_keys_stay_texts_whatever_they_look_like() -> None:
    assert plain("1: a\non: b\nnull: c\n") == {"1": "a", "on": "b", "null": "c"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\na: 3\na: 4\n",
            "grid.yaml:3: the key 'a' is given twice; first in grid.yaml:1\n"
            "grid.yaml:4: the key 'a' is given twice; first in grid.yaml:1",
        ),
        ("a: [1\n", "grid.yaml:2: not YAML: did not find expected ',' or ']'"),
        ("a: b: c\n", "grid.yaml:1: not YAML: mapping values are not allowed in this context"),
        (
            "a:\n\tb: 1\n\tc: 2\n",
            "grid.yaml:2: a tab is used to indent; YAML allows spaces only\n"
            "grid.yaml:3: a tab is used to indent; YAML allows spaces only",
        ),
        ("a: 1\nb: \x01\n", r"grid.yaml:2: not YAML: the character '\x01' is not allowed"),
        (
            "a: 1\n---\nb: 2\n",
            "grid.yaml:2: a second document starts here; one file holds one grid",
        ),
        ("[a]: 1\n", "grid.yaml:1: the key ['a'] is not a text"),
        (
            "a: {<<: {b: 1}}\n",
            "grid.yaml:1: the key '<<' is not allowed; YAML 1.2 has no merge keys: write the "
            "fields out, or put what is shared in base",
        ),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "grid.yaml:1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not "
            "allowed; a grid is plain data",
        ),
        ("a: *b\n", "grid.yaml:1: the alias *b has no finished anchor &b above it"),
        ("a: &a [*a]\n", "grid.yaml:1: the alias *a has no finished anchor &a above it"),
        (
            "a: " + "[" * 25 + "]" * 25 + "\n",
            "grid.yaml:1: lists and mappings are nested deeper than 20 levels",
        ),
    ],
)
def test_what_is_not_a_plain_document_is_refused_with_its_line(text: str, message: str) -> None:
    assert refusal(text) == message


def test_a_hundred_thousand_brackets_are_refused_not_followed() -> None:
    message = "grid.yaml:1: lists and mappings are nested deeper than 20 levels"
    assert refusal("[" * 100_000) == message


def test_an_alias_bomb_is_refused_at_the_line_where_it_grows_too_large() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for inner, outer in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{outer}: &{outer} [{', '.join(['*' + inner] * 10)}]\n"
    assert refusal(bomb) == (
        "grid.yaml:6: the file stands for more than 200,000 values; aliases count as often as "
        "they are used"
    )


def test_aliases_cannot_hide_a_deep_nesting() -> None:
    chain = "a: &a0 [x]\n"
    for level in range(1, 20):
        chain += f"a{level}: &a{level} [*a{level - 1}]\n"
    assert refusal(chain) == "grid.yaml:19: lists and mappings are nested deeper than 20 levels"


def test_a_file_that_is_not_utf_8_names_the_byte_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_bytes(b"name: a\ndescription: caf\xe9\n")
    with pytest.raises(GridProblems) as caught:
        read_file(path)
    assert str(caught.value) == f"{path}:2: byte 0xe9 is not UTF-8; save the file as UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: a\n")
    assert read_file(path) == "name: a\n"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(GridProblems, match=r"is larger than 4,000,000 bytes$"):
        read_file(path)


def test_a_file_that_is_missing_says_so(tmp_path: Path) -> None:
    with pytest.raises(GridProblems, match=r"cannot be read: No such file or directory$"):
        read_file(tmp_path / "grid.yaml")
