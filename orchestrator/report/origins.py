"""Provenance in a report: what made its numbers, and how far they were made alike."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.answers.results import Answer
from orchestrator.report.material import ReportMaterial

_ASKED = (
    ("code", "Code"),
    ("tier", "Tier"),
    ("engine", "Engine"),
    ("device", "Device"),
    ("driver", "Driver"),
    ("machine", "Machine type"),
    ("cpu", "Processor"),
    ("host", "Host"),
    ("torch", "PyTorch"),
    ("python", "Python"),
    ("cbwr", "Mathematics library's branch"),
    ("environment", "Installed packages (hash)"),
    ("plugins", "Plug-ins"),
    ("backend", "Backend"),
)
_MUST_AGREE = ("code", "tier", "device")
_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One thing that made the numbers.

    Attributes:
        label: What it is.
        values: Each value with the number of cells that it made, the most frequent first.
        more: How many values are not shown.
        warned: Whether there are several though results should share it.
    """

    label: str
    values: tuple[tuple[str, int], ...]
    more: int
    warned: bool


def origins_of(material: ReportMaterial) -> tuple[Origin, ...]:
    """What made the results of a report; empty while there are none."""
    answers = material.answers.completed
    found = (_origin(name, label, answers) for name, label in _ASKED)
    return tuple(origin for origin in found if origin.values)


def _origin(name: str, label: str, answers: Sequence[Answer]) -> Origin:
    counts = Counter(_text(name, answer.provenance.get(name)) for answer in answers)
    counts.pop("", None)
    listed = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Origin(
        label=label,
        values=tuple(listed[:_SHOWN]),
        more=max(0, len(listed) - _SHOWN),
        warned=name in _MUST_AGREE and len(listed) > 1,
    )


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "plugins":
        return ", ".join(_plugins(json.loads(value)))
    return str(value).partition(":")[0] if name == "device" else str(value)


def _plugins(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [f"{plugin} {version}" for plugin, version in sorted(found.items())]
    return [str(plugin) for plugin in found]
