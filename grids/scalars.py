"""What a plain YAML word means: the core schema of YAML 1.2, section 10.3.2.

`1e-3` is a number, `24:00:00`, `no` and `on` are texts, `0o17` is 15, `017` is 17. Readers of YAML
1.1 disagree on each of these, which is how a learning rate becomes a text and a time a number.
"""

import re

from grids.options import Scalar

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGERS = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

# A longer run of digits is no number anyone means, and Python refuses to convert very long ones.
_MAX_DIGITS = 40


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= _MAX_DIGITS:
        for pattern, base in _INTEGERS:
            if pattern.fullmatch(text):
                return int(text[2:] if base != 10 else text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text
