"""The command line's surface: the commands and options that people's scripts rely on."""

from collections.abc import Iterator
from typing import Any

import typer

from orchestrator.cli import app

SURFACE = {
    "plan": [
        "--backend", "--data-root", "--json", "--max-device-hours", "--max-gpu-hours", "--profile",
        "--profile-file", "--set", "--slots", "--stale", "--store",
    ],
    "run": [
        "--address", "--backend", "--canary", "--data-root", "--gpus-per-pack",
        "--max-device-hours", "--max-gpu-hours", "--profile", "--profile-file", "--prune", "--set",
        "--slots", "--stale", "--store",
    ],
    "retry": [
        "--address", "--backend", "--class", "--data-root", "--gpus-per-pack",
        "--max-device-hours", "--max-gpu-hours", "--profile", "--profile-file", "--resource",
        "--set", "--slots", "--store",
    ],
    "status": ["--exit-code", "--json", "--store", "--watch"],
    "logs": ["--follow", "--paths", "--store"],
    "why": ["--json", "--store"],
    "cancel": ["--store"],
    "query": ["--format", "--output", "--store", "--tables"],
    "table": [
        "--against", "--allow-mixed", "--average", "--best", "--caption", "--columns",
        "--confidence", "--format", "--label", "--output", "--rows", "--spread", "--store",
        "--test", "--value", "--where", "--wide",
    ],
    "stats": [
        "--against", "--allow-mixed", "--average", "--columns", "--confidence", "--format",
        "--output", "--rows", "--store", "--test", "--value", "--where",
    ],
    "plot": [
        "--allow-mixed", "--by", "--confidence", "--facet", "--kind", "--output", "--store",
        "--value", "--where", "--width", "--x", "--x-log", "--y-log",
    ],
    "report": [
        "--against", "--columns", "--confidence", "--output", "--rows", "--spread", "--store",
        "--value", "--where",
    ],
    "verdict": ["--allow-mixed", "--format", "--output", "--store", "--where"],
    "cost": ["--carbon", "--format", "--output", "--store"],
    "compare": ["--format", "--grid", "--output", "--store", "--value", "--vary", "--where"],
    "merge": ["--artifacts", "--dry-run", "--into", "--json", "--store"],
    "clean": ["--all", "--artifacts", "--code", "--json", "--store", "--yes"],
    "repro": [
        "--data-root", "--device", "--json", "--keep", "--store", "--trust-code",
        "--with-present-code",
    ],
    "methods": ["--json", "--kind"],
    "schema": ["--write"],
    "data fetch": ["--data-root", "--here", "--profile", "--profile-file"],
    "data list": ["--data-root", "--json", "--profile", "--profile-file"],
    "data check": ["--data-root", "--json", "--profile", "--profile-file"],
    "doctor": ["--json", "--profile", "--profile-file", "--store", "--submit", "--wait"],
}  # fmt: skip


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, those of groups as "data fetch"."""
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        if not hasattr(command, "commands"):
            yield name, command
            continue
        for own, inner in command.commands.items():
            yield f"{name} {own}", inner


def test_commands_and_options_are_these() -> None:
    surface = {
        name: sorted(
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        )
        for name, command in commands()
    }
    assert surface == SURFACE


def test_every_command_and_option_says_what_it_does() -> None:
    for name, command in commands():
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"
