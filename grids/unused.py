"""Settings that no cell uses: a value somebody wrote for nothing is a mistake, so it is named.

What a flag made useless is not: `--set method=dense` may leave the file's densities without a use.
"""

from collections.abc import Iterable, Sequence

from grids.document import Document
from grids.factors import Factor
from grids.fields import FLAG, Path, Setting
from grids.problems import GridError, Where, show, unknown
from grids.resolving import Resolver

BY_OTHERS = ("density", "allocation")
"""The fields whose use depends on others; it is known once a grid was multiplied out."""

_DECIDED_BY = {"density": {"method", "allocation"}, "allocation": {"method"}}


def note_unused(document: Document, resolver: Resolver, fields: Iterable[str]) -> None:
    """Note every setting of these cell fields that had no say in any cell."""
    wanted = set(fields) - resolver.checker.broken
    if "method" in resolver.checker.broken:
        wanted -= {*BY_OTHERS, "method"}
    if "allocation" in resolver.checker.broken:
        wanted -= {"density"}
    factors = _distinct(factor for block in document.blocks for factor in block.factors)
    for factor in factors:
        for path in factor.paths():
            if path.field in wanted:
                _note_path(path, factor, document, resolver)


def _note_path(path: Path, factor: Factor, document: Document, resolver: Resolver) -> None:
    given = list(dict.fromkeys(s for row in factor.rows for s in row if s.path == path))
    unused = [s for s in given if s not in resolver.used and not _excused(s, document)]
    if len(unused) == len(given) > 1:
        _note(factor.where, unused, document, resolver)
        return
    for setting in unused:
        _note(setting.where, [setting], document, resolver)


def _note(where: Where, unused: Sequence[Setting], document: Document, resolver: Resolver) -> None:
    """Note one mistake for settings of one path, with the reason why they had no say."""
    first = unused[0]
    other = _replacing(first, document)
    if other is not None and not document.whole:
        return  # both were given for the same layer, and that is noted already
    value = f" {show(first.node.plain())}" if len(unused) == 1 else ""
    reason = resolver.reasons.get(first, _ignored(first.path.field, resolver))
    if other is not None:
        reason = f"{other.what} in {other.where} replaces it"
    message = f"{first.path}{value} is given, but no cell uses it: {reason}"
    error = _unknown_option(first, resolver) or GridError(message)
    resolver.checker.note(first.path.field, where, error)


def _ignored(field: str, resolver: Resolver) -> str:
    others = "method or allocation" if field == "density" and resolver.density_decided else "method"
    return f"every {others} that it meets ignores it"


def _unknown_option(setting: Setting, resolver: Resolver) -> GridError | None:
    """The error for an option that none of the entries it met has."""
    owners = resolver.owners.get(setting, {})
    options = {option.name for entry in owners.values() for option in entry.options}
    if not owners or setting.path.option in options:
        return None
    what = f"{setting.path.field} option"
    return unknown(what, setting.path.option, options, of=", ".join(owners))


def _replacing(setting: Setting, document: Document) -> Factor | None:
    """A factor that sets the same path by another setting."""
    factors = (factor for block in document.blocks for factor in block.factors)
    for factor in factors:
        settings = {other for row in factor.rows for other in row}
        if setting not in settings and setting.path in factor.paths():
            return factor
    return None


def _excused(setting: Setting, document: Document) -> bool:
    field = setting.path.field
    deciding = {field} | _DECIDED_BY.get(field, set())
    return setting.layer < FLAG and not deciding.isdisjoint(document.overridden)


def _distinct(factors: Iterable[Factor]) -> list[Factor]:
    """Each factor once: base takes part in every block."""
    by_rows = {tuple(setting for row in f.rows for setting in row): f for f in factors}
    return list(by_rows.values())
