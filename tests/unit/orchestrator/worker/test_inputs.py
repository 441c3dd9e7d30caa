"""What the cells of a pack begin with."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.store.artifacts import Artifact
from orchestrator.store.layout import StoreError
from orchestrator.submissions.manifest import Manifest
from orchestrator.worker.inputs import find_inputs, lacks_input
from tests.support.cells import make_cell

DENSE = make_cell("dense")
CONSUMER, OTHER = make_cell("omp", "0.3"), make_cell("static", "0.3")
PACK = Manifest(
    pack="p", store="/s", grid="g", number=1, backend="inline", code="c0de",
    cells=(CONSUMER, OTHER), driver=None, needs={CONSUMER.id: (DENSE.id,)},
    inputs={CONSUMER.id: {"final": DENSE.id}},
)  # fmt: skip
FINAL = Artifact(cell=DENSE.id, attempt="a1", name="final", path=Path("/s/final"), size=7)


def test_a_cell_begins_with_what_its_producer_left() -> None:
    found = find_inputs(PACK, {DENSE.id: {"final": FINAL}}, [CONSUMER.id, OTHER.id])
    assert (found.found, found.missing) == ({CONSUMER.id: {"final": FINAL}}, {})


def test_what_is_missing_is_named() -> None:
    found = find_inputs(PACK, {}, [CONSUMER.id, OTHER.id])
    assert found.found == {}
    assert found.missing == {CONSUMER.id: f"cell {DENSE.id} left no final, or it was removed"}


def test_a_manifest_keeps_what_its_cells_need() -> None:
    assert Manifest.from_json(PACK.to_json()).inputs == {CONSUMER.id: {"final": DENSE.id}}


def test_a_manifest_that_names_no_artifact_is_damaged() -> None:
    content = json.loads(PACK.to_json())
    for changed in (
        {"artifacts": {DENSE.id: ["../x"]}},
        {"inputs": {CONSUMER.id: {"rewind@0": ""}}},
    ):
        with pytest.raises(StoreError, match=r"it is damaged \(unknown artifact"):
            Manifest.from_json(json.dumps({**content, **changed}))


def test_whether_a_producer_has_left_all_that_a_cell_needs() -> None:
    assert lacks_input(PACK, CONSUMER.id, DENSE.id, {})
    assert not lacks_input(PACK, CONSUMER.id, DENSE.id, {DENSE.id: {"final": FINAL}})
    assert not lacks_input(PACK, OTHER.id, DENSE.id, {})


def test_one_artifact_of_several_producers_is_told_apart_by_their_seeds() -> None:
    producers = [make_cell("dense", seed=seed) for seed in (0, 3)]
    inputs = {f"el2n@2e#{one.seed}": one.id for one in producers}
    pack = Manifest.from_json(replace(PACK, inputs={CONSUMER.id: inputs}).to_json())
    held = {one.id: {"el2n@2e": replace(FINAL, cell=one.id, name="el2n@2e")} for one in producers}
    [own] = find_inputs(pack, held, [CONSUMER.id]).found.values()
    assert {name: artifact.cell for name, artifact in own.items()} == inputs
    del held[producers[1].id]
    missing = find_inputs(pack, held, [CONSUMER.id]).missing
    assert missing == {CONSUMER.id: f"cell {producers[1].id} left no el2n@2e, or it was removed"}
    lacking = [lacks_input(pack, CONSUMER.id, one.id, held) for one in producers]
    assert lacking == [False, True]
