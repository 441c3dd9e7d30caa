"""The kinds of figures, by name: what each shows, and what may be chosen of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plots.choices import Choices
from orchestrator.plots.curves import curves_chart
from orchestrator.plots.density import density_chart
from orchestrator.plots.layers import layers_chart
from orchestrator.plots.material import Material

if TYPE_CHECKING:
    from orchestrator.plots.chart import Chart

DEFAULT = "density"
"""The kind that is drawn when none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of figure.

    Attributes:
        name: What people call it.
        summary: What it shows, in one line.
        chart: Makes it of a grid's results.
        chosen: The attributes of Choices that mean something to it, besides `by`, `facet`,
            `confidence` and `paper`, which all kinds know.
        along: Fields along its axis.
        facet: Fields that have panels by default.
    """

    name: str
    summary: str
    chart: Callable[[Material, Choices], "Chart"]
    chosen: frozenset[str] = frozenset()
    along: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()

    @property
    def tells(self) -> tuple[str, ...]:
        """The fields that it tells apart by itself, besides that of the lines."""
        return (*self.along, *self.facet)


_ALL = (
    Kind(
        name="density",
        summary="a measurement over the density, or over another field that is a number",
        chart=density_chart,
        chosen=frozenset({"value", "x", "x_log", "y_log"}),
        along=("density",),
    ),
    Kind(
        name="layers",
        summary="the density of every layer after training",
        chart=layers_chart,
        chosen=frozenset({"y_log"}),
        facet=("density",),
    ),
    Kind(
        name="curves",
        summary="a column of the table curves, or a probe's curve, over the epochs",
        chart=curves_chart,
        chosen=frozenset({"value", "x_log", "y_log"}),
        facet=("density",),
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
"""Name to kind, in the order in which a report shows them."""
