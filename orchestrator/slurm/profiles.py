"""Profiles: how to ask one cluster for resources, apart from grids so that these stay portable.

A profile is a table of a TOML file, `~/.config/sparsesweep/profiles.toml` unless another is named.
"""

import json
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from grids.problems import Collector, GridError, nearest, show, unknown
from orchestrator.slurm.toml_places import Places, not_toml

HAND_OVER = ("successor", "requeue", "none")
"""How a task goes on when its time is up: it submits its successor, it is requeued, or not."""

_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::([0-5]?\d))?(?::([0-5]?\d))?")


class ProfileError(ValueError):
    """A profile cannot be used, or was not found; the message says which, where and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How to ask a cluster for the resources of one task, which runs one pack.

    Attributes:
        name: Its name in the file.
        partition, account, qos, constraint: Passed to the scheduler as they are; None leaves the
            site's default.
        gpus: GPUs of a task; 0 trains on the CPU. A fraction is for Ray only.
        cpus: Cores of a task; None for as many as its cells have threads.
        mem_gb: Memory of a task in GiB; None for the site's default.
        time_minutes: Time limit of a task.
        setup: Shell lines to run before a task.
        container: Apptainer image in which tasks run, or None.
        python: The interpreter of tasks, on the nodes or in the image; None for this one.
        data_root: Folder of the datasets that are read from files, on the cluster's file system;
            the flag and the environment go before it.
        exclude: Names of nodes to stay away from.
        concurrency: Tasks that may run at once, all arrays of a submission together.
        max_array: Most tasks of one array; None for what the site says.
        signal_seconds: How long before its limit a task is warned.
        hand_over: One of `HAND_OVER`.
        accounting: Whether `sacct` can be asked; None to find out.
        extra: Further options of sbatch by long name without dashes; true for those without value.
    """

    name: str
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpus: float = 0
    cpus: int | None = None
    mem_gb: float | None = None
    time_minutes: int = 60
    setup: tuple[str, ...] = ()
    container: str | None = None
    python: str | None = None
    data_root: str | None = None
    exclude: tuple[str, ...] = ()
    concurrency: int = 64
    max_array: int | None = None
    signal_seconds: int = 90
    hand_over: str = "successor"
    accounting: bool | None = None
    extra: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """The torch device of its tasks."""
        return "cuda" if self.gpus else "cpu"

    def to_json(self) -> bytes:
        """The profile as a file."""
        return json.dumps(asdict(self), sort_keys=True, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Profile":
        """The inverse of `to_json`; ProfileError when damaged."""
        try:
            content = json.loads(data)
            content["setup"], content["exclude"] = (
                tuple(content["setup"]),
                tuple(content["exclude"]),
            )
            return cls(**content)
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ProfileError(f"a stored profile is damaged ({error})") from error

    def with_resources(self, given: Mapping[str, str]) -> "Profile":
        """This profile with other resources: `{"mem_gb": "32"}`.

        Raises:
            GridError: For a name that is no resource, or a value that it does not take.
        """
        changed: dict[str, Any] = {}
        for key, text in given.items():
            if key not in _RESOURCES:
                raise unknown("resource", key, _RESOURCES)
            name, check = _KEYS[key]
            changed[name] = check(_number_or_text(text))
        return replace(self, **changed)


def profiles_path() -> Path:
    """The file of the person's own profiles."""
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "sparsesweep" / "profiles.toml"


def find_profile(name: str, file: Path | None = None) -> Profile:
    """The profile of that name.

    Args:
        name: Its name.
        file: The file to look into; the person's own when None.

    Raises:
        ProfileError: When there is no such file or profile; profiles near it are named.
        GridError: For every mistake in the file, all at once.
    """
    path = file if file is not None else profiles_path()
    known = read_profiles(path)
    if name not in known:
        listed = ", ".join(known) or "none"
        close = nearest(name, known)
        raise ProfileError(
            f"there is no profile '{name}' in {path}; it has: {listed}"
            + (f"; {close}" if close else "")
        )
    return known[name]


def read_profiles(path: Path) -> dict[str, Profile]:
    """All profiles of a file, by name; errors as from `find_profile`."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise ProfileError(
            f"there is no file of profiles at {path}; docs/slurm.md shows one to begin with"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(not_toml(error, str(path))) from error
    problems = Collector()
    places = Places(text, str(path))
    profiles = {name: _profile(name, table, places, problems) for name, table in content.items()}
    problems.raise_any()
    return {name: profile for name, profile in profiles.items() if profile is not None}


def _profile(name: str, table: Any, places: Places, problems: Collector) -> Profile | None:
    if not isinstance(table, dict):
        problems.add(places.of(name), f"{name} is {show(table)}; allowed: a table [{name}]")
        return None
    values: dict[str, Any] = {}
    for key, value in table.items():
        try:
            if key not in _KEYS:
                raise unknown("key", key, _KEYS, f"profile {name}")
            attribute, check = _KEYS[key]
            values[attribute] = check(value)
        except GridError as error:
            problems.add(places.of(name, key), f"{key}: {error.message}", error.hint)
    return Profile(name=name, **values)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise GridError(f"it is {show(value)}; allowed: a text")
    return value


def _place(value: Any) -> str:
    """A path; `~` is the person's home folder, which no shell gets to see later."""
    return os.path.expanduser(_text(value))


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise GridError(f"it is {show(value)}; allowed: a list of texts")
    return tuple(value)


def _integer(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise GridError(f"it is {show(value)}; allowed: an integer from {least}")
        return value

    return check


def _amount(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise GridError(f"it is {show(value)}; allowed: a number above 0")
    return float(value)


def _gpus(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or value < 0 or (value > 1 and value != int(value)):
        raise GridError(f"it is {show(value)}; allowed: a whole number, or a fraction below 1")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise GridError(f"it is {show(value)}; allowed: true or false")
    return value


def _way(value: Any) -> str:
    if value not in HAND_OVER:
        raise unknown("way to hand over", str(value), HAND_OVER)
    return str(value)


def _options(value: Any) -> dict[str, str | bool]:
    if not isinstance(value, dict):
        raise GridError(f"it is {show(value)}; allowed: a table of options of sbatch")
    for name, entry in value.items():
        if entry is False or not isinstance(entry, str | int | float):
            raise GridError(f"{name} is {show(entry)}; allowed: a text, a number, or true")
    options = {
        name.lstrip("-").replace("_", "-"): True if entry is True else str(entry)
        for name, entry in value.items()
    }
    taken = sorted(_TAKEN & options.keys())
    if taken:
        raise GridError(
            f"{', '.join(taken)} cannot be set here: sparsesweep sets it itself, from the keys of "
            "the profile where they say something about it"
        )
    return options


def _minutes(value: Any) -> int:
    """A time limit as SLURM writes it: minutes, or "MM:SS", "HH:MM:SS", "D-HH", "D-HH:MM"."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise GridError(
            f'it is {show(value)}; allowed: minutes, or a text such as "24:00:00" or "2-00:00:00"'
        )
    days, first, second, third = (int(part) if part else 0 for part in match.groups())
    if match[1] is not None:
        seconds = ((days * 24 + first) * 60 + second) * 60 + third
    elif match[4] is not None:
        seconds = (first * 60 + second) * 60 + third
    else:
        seconds = first * 60 + second
    if seconds <= 0:
        raise GridError(f"it is {show(value)}; allowed: a time above 0")
    return math.ceil(seconds / 60)


def _number_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_KEYS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "partition": ("partition", _text),
    "account": ("account", _text),
    "qos": ("qos", _text),
    "constraint": ("constraint", _text),
    "gpus": ("gpus", _gpus),
    "cpus": ("cpus", _integer(1)),
    "mem_gb": ("mem_gb", _amount),
    "time": ("time_minutes", _minutes),
    "setup": ("setup", _texts),
    "container": ("container", _place),
    "python": ("python", _place),
    "data_root": ("data_root", _place),
    "exclude": ("exclude", _texts),
    "concurrency": ("concurrency", _integer(1)),
    "max_array": ("max_array", _integer(1)),
    "signal_seconds": ("signal_seconds", _integer(1)),
    "hand_over": ("hand_over", _way),
    "accounting": ("accounting", _flag),
    "extra": ("extra", _options),
}
"""Key in the file: attribute, and what checks and converts its value."""

_RESOURCES = ("partition", "qos", "constraint", "gpus", "cpus", "mem_gb", "time")

_TAKEN = {
    "account", "array", "begin", "constraint", "cpus-per-task", "dependency", "error", "exclude",
    "gpus-per-node", "job-name", "mem", "no-requeue", "nodes", "ntasks", "ntasks-per-node",
    "open-mode", "output", "parsable", "partition", "qos", "requeue", "signal", "test-only", "time",
    "wait", "wrap",
}  # fmt: skip
"""Options of sbatch on which the rest of the program stands."""
