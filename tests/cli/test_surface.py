"""The command line's surface: the commands and options that people's scripts rely on."""

import typer

from orchestrator.cli import app

SURFACE = {
    "plan": [
        "--backend", "--data-root", "--json", "--profile", "--profile-file", "--set", "--slots",
        "--stale", "--store",
    ],
    "run": [
        "--address", "--backend", "--canary", "--data-root", "--gpus-per-pack", "--profile",
        "--profile-file", "--prune", "--set", "--slots", "--stale", "--store",
    ],
    "retry": [
        "--address", "--backend", "--class", "--data-root", "--gpus-per-pack", "--profile",
        "--profile-file", "--resource", "--set", "--slots", "--store",
    ],
    "status": ["--exit-code", "--json", "--store", "--watch"],
    "logs": ["--follow", "--paths", "--store"],
    "why": ["--json", "--store"],
    "cancel": ["--store"],
    "query": ["--format", "--store"],
    "table": [
        "--allow-mixed", "--best", "--columns", "--format", "--output", "--rows", "--store",
        "--value", "--where",
    ],
    "plot": ["--allow-mixed", "--output", "--store", "--value", "--where"],
    "methods": ["--json", "--kind"],
    "schema": ["--write"],
    "doctor": ["--json", "--profile", "--profile-file", "--store", "--submit", "--wait"],
}  # fmt: skip


def test_commands_and_options_are_these() -> None:
    group = typer.main.get_command(app)
    surface = {
        name: sorted(
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        )
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    }
    assert surface == SURFACE


def test_every_command_and_option_says_what_it_does() -> None:
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"  # type: ignore[attr-defined]
