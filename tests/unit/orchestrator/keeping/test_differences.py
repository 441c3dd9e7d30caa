"""What two records of one cell have in common, to the last bit."""

import math
from typing import Any

import pytest

from orchestrator.keeping.differences import Difference, compare_written
from orchestrator.store.artifacts import described
from orchestrator.store.records import Curve, encode_curve
from orchestrator.store.written import Written
from tests.support.records import PROVENANCE, record

METRICS = {"test_accuracy": 0.5, "test_loss": math.nan}
LAYERS = [{"layer": "fc1", "shape": [4, 2], "total": 8, "active": 3}]


def written(curve: Curve | None = None, **changed: Any) -> Written:
    made = record(**{"metrics": METRICS, "layers": LAYERS, **changed})
    return Written(
        record=made, text=made.to_json(), curve=None if curve is None else encode_curve(curve)
    )


def test_equal_records_have_no_difference_not_even_in_what_is_no_number() -> None:
    found = compare_written(written({"epoch": [1.0]}), written({"epoch": [1.0]}))
    assert (found.same, found.compared) == (True, 4)  # two metrics, a layer, a column of the curve


@pytest.mark.parametrize("now", [math.nextafter(0.5, 1), -0.5])
def test_the_last_bit_counts(now: float) -> None:
    found = compare_written(written(), written(metrics={**METRICS, "test_accuracy": now}))
    assert found.differing == (Difference(name="test_accuracy", then=0.5, now=now),)
    assert found.differing[0].change == now - 0.5


def test_layers_curves_and_artifacts_are_compared() -> None:
    one = written(
        {"loss": [1.0, 2.0, None]},
        provenance={**PROVENANCE, "artifacts": described({"final": b"a"})},
    )
    other = written(
        {"loss": [1.0, 3.0, None]},
        layers=[{**LAYERS[0], "active": 4}],
        provenance={**PROVENANCE, "artifacts": described({"final": b"b"})},
    )
    found = {one.name: (one.then, one.now) for one in compare_written(one, other).differing}
    assert found["active weights of fc1"] == (3.0, 4.0)
    assert found["curve: loss"] == (2.0, 3.0)
    assert found["artifact final"][0] != found["artifact final"][1]
    assert len(found) == 3


def test_a_curve_of_another_length_differs_by_its_length() -> None:
    found = compare_written(written({"loss": [1.0, 2.0]}), written({"loss": [1.0]}))
    assert found.differing == (Difference(name="curve: loss", then=2.0, now=1.0),)


def test_what_only_one_holds_is_no_difference() -> None:
    found = compare_written(written(metrics={"a": 1.0}), written(metrics={"b": 1.0}))
    assert (found.same, found.only_then, found.only_now) == (True, ("a",), ("b",))


def test_a_probe_with_other_options_gives_another_metric() -> None:
    def probed(samples: int) -> Written:
        probe = {"probe": {"name": "p", "samples": samples}, "metrics": ["m"]}
        return written(metrics={"m": float(samples)}, provenance={**PROVENANCE, "probes": [probe]})

    assert compare_written(probed(1), probed(2)).same
    assert not compare_written(probed(1), written(metrics={"m": 2.0})).differing
