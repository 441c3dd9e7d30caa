"""Probes as texts: canonical JSON of a name and the options that differ from their defaults.

`{"attack":"fgsm","name":"robust"}` is such a text. Equal texts are equal measurements, so plans,
records and tables compare texts. The `semantics` of a probe stand in its text once they are not 1.
Which texts a grid asks for is read in `grids.probes`; nothing here needs a catalogue.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from grids.problems import GridError, show

NAME, SEMANTICS = "name", "semantics"
"""The keys of a text that are no options."""

PHASE = "probe "
"""What the phase of a failure begins with when a probe stopped the cell."""


def canonical(plain: Mapping[str, Any]) -> str:
    """The text of a probe given as a mapping: strict JSON with sorted keys, without spaces."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain_probe(text: str) -> dict[str, Any]:
    """What the trainer is asked: the probe's name, and the options that are not at their defaults.

    Raises `GridError` for what is no text of a probe.
    """
    try:
        plain = json.loads(text)
        named = isinstance(plain.get(NAME), str)
    except (ValueError, AttributeError):
        named = False
    if not named:
        raise GridError(f"{show(text)} is no text of a probe")
    return {name: value for name, value in plain.items() if name != SEMANTICS}


def probe_name(text: str) -> str:
    """The name of the probe with this text."""
    return str(plain_probe(text)[NAME])


def probe_words(text: str) -> str:
    """A probe as people are told of it: "robust", or "robust(attack=fgsm)"."""
    plain = plain_probe(text)
    options = [f"{name}={_shown(plain[name])}" for name in sorted(plain) if name != NAME]
    return f"{plain[NAME]}({', '.join(options)})" if options else str(plain[NAME])


def probe_phase(text: str) -> str:
    """The phase in which a cell fails that a probe cannot measure."""
    return f"{PHASE}{probe_words(text)}"


def joined(asked: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """The texts of both, sorted; of two with one name, that which is asked for counts."""
    by_name = {probe_name(text): text for text in others}
    by_name |= {probe_name(text): text for text in asked}
    return tuple(sorted(by_name.values()))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return value if isinstance(value, str) else show(value)
