"""Whatever a person writes, a grid is either read or refused in whole lines that name a place."""

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grids.catalogue import Catalogue
from grids.document import KEYS
from grids.grid import RawGrid, build_grid
from grids.overrides import read_overrides
from grids.problems import Collector, GridProblems, printable
from grids.reading import read_yaml

CATALOGUE = Catalogue.from_json(
    (Path(__file__).parents[1] / "unit" / "grids" / "catalogue.json").read_text()
)
LINE = re.compile(r"(grid\.yaml:\d+|--set .*): \S.*")

PATHS = ("method", "density", "model", "dataset", "recipe", "recipe.lr", "method.update_every")
words = st.sampled_from(
    [
        *PATHS,
        *KEYS,
        "name",
        "rigl",
        "dense",
        "mlp",
        "digits",
        "sparsity",
        "<0.1",
        "!=rigl",
        "lr",
        "no",
    ]
)
scalars = st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.1, 0.5, 1e-3]) | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)
documents = st.fixed_dictionaries(
    {"base": st.just({"dataset": "digits", "model": "mlp", "method": "rigl"}) | values},
    optional={
        key: values | st.dictionaries(words, st.lists(values)) for key in KEYS if key != "base"
    },
)


def refusals(text: str, overrides: list[str]) -> list[str]:
    """The lines told about a text; none when it is a grid. Any other error comes through."""
    problems = Collector()
    try:
        flags = tuple(read_overrides(overrides, problems))
        root = read_yaml(text, "grid.yaml", problems)
        raw = RawGrid(
            source=Path("grid.yaml"),
            text=text,
            root=root,
            overrides=flags,
            problems=tuple(problems.problems),
        )
        assert build_grid(raw, CATALOGUE).cells
    except GridProblems as error:
        return str(error).split("\n")
    return []


@given(
    documents, st.lists(st.builds(lambda k, v: f"{k}={json.dumps(v)}", words, values), max_size=2)
)
def test_any_document_is_read_or_refused_with_places(document: Any, overrides: list[str]) -> None:
    for line in refusals(json.dumps(document), overrides):
        assert LINE.fullmatch(line), line


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"#\n\t ,?%@`<=0.1é\x00")))
def test_any_text_is_read_or_refused_with_places(text: str) -> None:
    for line in refusals(text, []):
        assert LINE.fullmatch(line), line


@given(st.text(max_size=20))
def test_any_flag_is_read_or_refused_by_its_own_text(flag: str) -> None:
    for line in refusals("base: {dataset: digits, model: mlp, method: dense}", [flag]):
        assert line.startswith(f"--set {printable(flag)}: ")
