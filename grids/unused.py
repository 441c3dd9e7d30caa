"""Settings that no cell uses: a value somebody wrote for nothing is a mistake, so it is named.

What a flag made useless is not: `--set method=dense` may leave the file's densities without a use.
"""

from collections.abc import Iterable, Iterator, Sequence

from grids.document import Document
from grids.factors import Factor
from grids.fields import FLAG, Path, Setting
from grids.problems import GridError, show, unknown
from grids.resolving import Resolver

BY_METHOD = ("density", "allocation")
"""The fields whose use depends on the method; it is known once a grid was multiplied out."""


def note_unused(document: Document, resolver: Resolver, fields: Iterable[str]) -> None:
    """Note every setting of these cell fields that had no say in any cell."""
    wanted = set(fields) - resolver.checker.broken
    if "method" in resolver.checker.broken:
        wanted -= {*BY_METHOD, "method"}
    factors = _distinct(factor for block in document.blocks for factor in block.factors)
    for factor in factors:
        for path in factor.paths():
            if path.field in wanted:
                _note_path(path, factor, document, resolver)


def _note_path(path: Path, factor: Factor, document: Document, resolver: Resolver) -> None:
    given = list(dict.fromkeys(s for row in factor.rows for s in row if s.path == path))
    unused = [s for s in given if s not in resolver.used and not _excused(s, document)]
    if not unused:
        return
    if len(unused) == len(given) > 1:
        error = _reason(path, unused, document, resolver)
        resolver.checker.note(path.field, factor.where, error)
        return
    for setting in unused:
        resolver.checker.note(
            path.field, setting.where, _reason(path, [setting], document, resolver)
        )


def _reason(
    path: Path, unused: Sequence[Setting], document: Document, resolver: Resolver
) -> GridError:
    first = unused[0]
    value = f" {show(first.node.plain())}" if len(unused) == 1 else ""
    message = f"{path}{value} is given, but no cell uses it"
    if first in resolver.reasons:
        return GridError(f"{message}: {resolver.reasons[first]}")
    owners = resolver.owners.get(first, {})
    options = {option.name for entry in owners.values() for option in entry.options}
    if owners and path.option not in options:
        return unknown(f"{path.field} option", path.option, options, of=", ".join(owners))
    replaced = [f for f in _factors(document) if path in f.paths() and first not in _settings(f)]
    if replaced:
        other = replaced[0]
        return GridError(f"{message}: {other.what} in {other.where} replaces it")
    return GridError(f"{message}: every method that it meets ignores it")


def _excused(setting: Setting, document: Document) -> bool:
    field = setting.path.field
    by_method = field in BY_METHOD and "method" in document.overridden
    return setting.layer < FLAG and (field in document.overridden or by_method)


def _factors(document: Document) -> Iterator[Factor]:
    return (factor for block in document.blocks for factor in block.factors)


def _settings(factor: Factor) -> set[Setting]:
    return {setting for row in factor.rows for setting in row}


def _distinct(factors: Iterable[Factor]) -> list[Factor]:
    """Each factor once: base takes part in every block."""
    by_rows = {tuple(setting for row in f.rows for setting in row): f for f in factors}
    return list(by_rows.values())
