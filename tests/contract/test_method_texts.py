"""Texts of methods are read and written by grids and by methods alike, which do not share code."""

import math

import pytest

from grids import method_texts as in_a_grid
from sparse import method_texts as in_a_method

SET = {"name": "set", "drop_fraction": 0.2}
SET_TEXT = '{"drop_fraction":0.2,"name":"set"}'

TEXTS = [
    ("rigl", {"name": "rigl"}, "rigl"),
    ("", {"name": ""}, ""),
    (SET_TEXT, SET, SET_TEXT),
    ('{"name": "set", "drop_fraction": 0.2}', SET, SET_TEXT),
    ('{"name":"rigl"}', {"name": "rigl"}, "rigl"),
    ('{"name":3}', {"name": '{"name":3}'}, '{"name":3}'),
    ('{"drop":"signed"}', {"name": '{"drop":"signed"}'}, '{"drop":"signed"}'),
    ("{not json", {"name": "{not json"}, "{not json"),
    ("{}", {"name": "{}"}, "{}"),
    ("[1]", {"name": "[1]"}, "[1]"),
]
"""Texts, what they stand for, and how they are kept."""

MODULES = pytest.mark.parametrize("module", [in_a_grid, in_a_method], ids=["grid", "method"])


@MODULES
@pytest.mark.parametrize(("text", "plain", "kept"), TEXTS)
def test_both_read_a_text_alike(module, text, plain, kept):
    assert module.plain_method(text) == plain
    assert module.method_text(text) == kept
    assert module.method_text(plain) == kept


@MODULES
@pytest.mark.parametrize(
    "given",
    [3, None, True, [], ["rigl"], {}, {"drop": "signed"}, {"name": 3},
     {"name": "set", "drop_fraction": math.nan}, {"name": "set", "drop_fraction": {1}}],
)  # fmt: skip
def test_both_refuse_the_same_with_a_value_error(module, given):
    with pytest.raises(ValueError, match="is no method: "):
        module.method_text(given)
