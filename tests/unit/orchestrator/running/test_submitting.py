"""Manifests of cells that need other cells: what any backend is told of a chain."""

from pathlib import Path

from orchestrator.planning.forecast import Target
from orchestrator.planning.request import Request, plan_request
from orchestrator.running.submitting import Carrier, publish_packs, submit
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Manifest

GRID = """\
name: tickets
base: {dataset: digits, model: mlp, method: {name: imp, rewind_step: 7}, density: 0.64}
artifacts: {leave: [rewind@9]}
"""


def test_each_round_is_told_whose_artifacts_it_begins_with_and_which_it_leaves(
    tmp_path: Path,
) -> None:
    (tmp_path / "tickets.yaml").write_text(GRID)
    store = Store.create(tmp_path / "results")
    planned = plan_request(Request(grid=str(tmp_path / "tickets.yaml"), store=store.root, slots=1))
    submission = submit(store, planned, Carrier(backend="slurm", profile="site"))
    packs = [pack for wave in planned.plan.waves() for pack in planned.packs(wave)]
    manifests = map(Manifest.read, publish_packs(store, submission, planned, packs, driver=None))
    dense, first, second = [entry.cell.id for entry in planned.plan.cells]
    assert [(m.needs, m.inputs, m.artifacts) for m in manifests] == [
        ({}, {}, {dense: ("final", "rewind@7")}),
        (
            {first: (dense, dense)},
            {first: {"final": dense, "rewind@7": dense}},
            {first: ("final",)},
        ),
        (
            {second: (first, dense)},
            {second: {"final": first, "rewind@7": dense}},
            {second: ("rewind@9",)},
        ),
    ]
    assert submission.inputs == {
        first: {"final": dense, "rewind@7": dense},
        second: {"final": first, "rewind@7": dense},
    }


def test_packs_are_told_their_gpus_and_the_budget_of_all(tmp_path: Path) -> None:
    (tmp_path / "tickets.yaml").write_text(GRID)
    store = Store.create(tmp_path / "results")
    request = Request(
        grid=str(tmp_path / "tickets.yaml"), store=store.root, slots=1, max_device_hours=2.0
    )
    planned, carrier = plan_request(request), Carrier(backend="ray", gpus=0.5)
    first = submit(store, planned, carrier)
    packs = planned.packs(planned.plan.waves()[0])
    [path] = publish_packs(store, first, planned, packs, driver=None)
    told = Manifest.read(path)
    assert (told.gpus, told.max_device_hours) == (0.5, 2.0)


def test_a_scheduler_is_a_queue_and_a_cluster_is_another_machine() -> None:
    assert Carrier(backend="slurm", profile="site", gpus=2.0).target == Target(
        gpus=2.0, here=False, queued=True
    )
    assert Carrier(backend="ray", address="head:10001").target == Target(here=False)
    assert Carrier(backend="inline").target == Target()
