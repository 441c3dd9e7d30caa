"""Whether a worker's environment has the users' packages that its cells name, in the same sense.

Our own code is carried to every worker as it was at submission. A user's package is what is
installed where the worker runs: another machine, container or interpreter may lack it, or hold one
that computes something else under the same name.
"""

import sys
from collections.abc import Mapping

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.probe_texts import probe_words
from grids.probes import is_offered
from orchestrator.provenance import host, plugins
from orchestrator.submissions.manifest import Manifest

_SAME = "install the same version there and here, then run the grid again"


class PluginProblem(ValueError):
    """A worker cannot train cells that name what a user's package brings."""


def check_plugins(manifest: Manifest, catalogue: Catalogue) -> None:
    """Refuse cells that this process cannot train as they were planned.

    Args:
        manifest: The cells, and the packages that bring what they name.
        catalogue: What the registries of this process hold.

    Raises:
        PluginProblem: When a package is not installed here, cannot be loaded, or gives a name
            another meaning than the plan's.
    """
    loaded = {plugin["distribution"] for plugin in catalogue.plugins}
    for name, version in manifest.plugins.items():
        if name not in loaded:
            raise PluginProblem(_lacking(f"{name} {version}", name in dict(plugins())))
    for cell in manifest.cells:
        _check_meaning(cell, catalogue, dict(cell.semantics))
    for text in manifest.probes.texts():
        if not is_offered(text, catalogue):
            raise PluginProblem(
                f"the probe {probe_words(text)} is not here, or has other semantics or options, "
                f"for {sys.executable} on {host()}: {_SAME}"
            )


def _lacking(distribution: str, is_installed: bool) -> str:
    where = f"{sys.executable} on {host()}"
    if is_installed:
        return f"{distribution}, whose names these cells use, cannot be loaded by {where}"
    return (
        f"{distribution}, whose names these cells use, is not installed for {where}: install it "
        "there, then run the grid again"
    )


def _check_meaning(cell: Cell, catalogue: Catalogue, planned: Mapping[str, int]) -> None:
    for path, entry in catalogue.named(cell).items():
        if entry.distribution and entry.semantics != planned.get(path, 1):
            raise PluginProblem(
                f"the {path} {entry.name} of {entry.distribution} has semantics {entry.semantics} "
                f"for {sys.executable} on {host()}; these cells were planned with "
                f"{planned.get(path, 1)}: {_SAME}"
            )
