"""cost: what the cells of a grid took, beside what was forecast."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.arguments import (
    DEFAULT_STORE,
    StoreFolder,
    SubmittedGrid,
    deliver,
    device_time,
    duration,
    hours,
    json_text,
)
from orchestrator.commands.asking import Output
from orchestrator.commands.forecasting import budget_line, outturn_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.answers.ledger import Ledger, Spent

_FORMATS = ("text", "csv", "json")
_HEAD = ("attempts", "device-hours", "share", "GPU-hours", "worker-hours", "core-hours", "kWh")


def cost(
    grid: SubmittedGrid = None,
    store: StoreFolder = DEFAULT_STORE,
    output_format: Annotated[
        str, typer.Option("--format", metavar="text|csv|json", help="How to write it.")
    ] = "text",
    carbon: Annotated[
        float | None,
        typer.Option(
            "--carbon",
            metavar="KG_PER_KWH",
            min=0.0,
            help="kg of CO2e for each kWh of your electricity: tells the emissions too.",
        ),
    ] = None,
    output: Output = None,
) -> None:
    """Show what the cells of a grid took: hours of devices and energy, by what came of them."""
    from grids.problems import unknown
    from orchestrator.answers.ledger import ledger
    from orchestrator.store.layout import Store
    from orchestrator.submissions.submission import find_submission

    if output_format not in _FORMATS:
        raise unknown("format of a ledger (--format)", output_format, _FORMATS)
    opened = Store.open(store)
    found = ledger(opened, find_submission(opened, grid))
    if output_format == "json":
        deliver(json_text(found.plain(carbon)), output)
    else:
        deliver(_csv(found, carbon) if output_format == "csv" else _text(found, carbon), output)


def _text(found: "Ledger", carbon: float | None) -> str:
    lines = [
        f"{found.grid}: {found.trained} of {found.cells} cells were trained, in "
        f"{duration(found.wall_hours * 3600)} of clock time"
    ]
    rows = [("", *_head(carbon)), *_table(found, carbon)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for first, *rest in rows:
        cells = (text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))
        lines.append(f"  {first.ljust(widths[0])}  {'  '.join(cells)}".rstrip())
    if found.shared_cells:
        lines.append(
            f"  {found.shared_cells} cells were trained for other grids, and are counted once: "
            f"{device_time(found.shared.device_hours)} that this grid was spared"
        )
    budget = budget_line(found.budget_hours, found.used_hours)
    lines += [f"  {line}" for line in (outturn_line(found.outturn), budget, *found.notes) if line]
    return "\n".join(lines) + "\n"


def _table(found: "Ledger", carbon: float | None) -> "Iterator[tuple[str, ...]]":
    whole = found.total.device_hours
    yield ("all", *_columns(found.total, whole, carbon))
    for part, groups in found.parts.items():
        for name, spent in groups.items():
            yield (f"{part} {name}", *_columns(spent, whole, carbon))


def _head(carbon: float | None) -> tuple[str, ...]:
    return _HEAD if carbon is None else (*_HEAD, "kg CO2e")


def _columns(spent: "Spent", whole: float, carbon: float | None) -> tuple[str, ...]:
    share = f"{100 * spent.device_hours / whole if whole else 0.0:.0f} %"
    times = (spent.gpu_hours, spent.worker_hours, spent.core_hours)
    columns = (
        str(spent.attempts), hours(spent.device_hours), share, *map(hours, times),
        _known(spent.energy_kwh),
    )  # fmt: skip
    return columns if carbon is None else (*columns, _known(spent.co2_kg(carbon)))


def _known(value: float | None) -> str:
    return "not told" if value is None else f"{value:.3g}"


def _csv(found: "Ledger", carbon: float | None) -> str:
    import csv
    import io
    from dataclasses import asdict

    file = io.StringIO()
    names = ["part", "name", *asdict(found.total), *(() if carbon is None else ("co2_kg",))]
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    groups = {"all": {"": found.total}, **found.parts}
    for part, named in groups.items():
        for name, spent in named.items():
            row: dict[str, Any] = {"part": part, "name": name, **asdict(spent)}
            writer.writerow(row if carbon is None else {**row, "co2_kg": spent.co2_kg(carbon)})
    return file.getvalue()
