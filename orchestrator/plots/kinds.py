"""The kinds of figures, by name: what each shows, and what may be chosen of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.plots.choices import Choices
from orchestrator.plots.curves import curves_chart
from orchestrator.plots.density import density_chart
from orchestrator.plots.flops import flops_chart
from orchestrator.plots.layers import layers_chart
from orchestrator.plots.material import Material
from orchestrator.plots.overlap import check_masks, overlap_map
from orchestrator.plots.robustness import robustness_chart

if TYPE_CHECKING:
    from orchestrator.plots.chart import Chart
    from orchestrator.plots.heat_map import HeatMap

DEFAULT = "density"
"""The kind that is drawn when none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One kind of figure.

    Attributes:
        name: What people call it.
        summary: What it shows, in one line.
        picture: What it shows, made of a grid's results.
        chosen: The attributes of Choices that mean something to it, besides `by`, `facet`
            and `paper`, which all kinds know.
        along: Fields along its axis.
        facet: Fields that have panels by default.
        check: Tells what makes it impossible, where that is quicker than making it.
    """

    name: str
    summary: str
    picture: Callable[[Material, Choices], "Chart | HeatMap"]
    chosen: frozenset[str] = frozenset()
    along: tuple[str, ...] = ()
    facet: tuple[str, ...] = ()
    check: Callable[[Material, Choices], object] | None = None


_ALL = (
    Kind(
        name="density",
        summary="a measurement over the density, or over another field that is a number",
        picture=density_chart,
        chosen=frozenset({"value", "confidence", "x", "x_log", "y_log"}),
        along=("density",),
    ),
    Kind(
        name="flops",
        summary="a measurement over the cost of training or inference, with the Pareto front",
        picture=flops_chart,
        chosen=frozenset({"value", "confidence", "x", "x_log", "y_log"}),
        along=("density",),
    ),
    Kind(
        name="robustness",
        summary="accuracy under attack and corruption, by kind of damage or by its size",
        picture=robustness_chart,
        chosen=frozenset({"value", "confidence", "x", "x_log", "y_log"}),
        facet=("density",),
    ),
    Kind(
        name="layers",
        summary="the density of every layer after training",
        picture=layers_chart,
        chosen=frozenset({"confidence", "y_log"}),
        facet=("density",),
    ),
    Kind(
        name="curves",
        summary="a column of the table curves, or a probe's curve, over the epochs",
        picture=curves_chart,
        chosen=frozenset({"value", "confidence", "x_log", "y_log"}),
        facet=("density",),
    ),
    Kind(
        name="overlap",
        summary="how far final masks agree, of any two methods, densities or seeds",
        picture=overlap_map,
        chosen=frozenset({"value"}),
        facet=("density",),
        check=check_masks,
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
"""Name to kind, in the order in which a report shows them."""
