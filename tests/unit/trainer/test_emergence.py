"""The probe emergence: which masks it keeps, what it says of them, and that nothing moves."""

import pytest
import torch

from sparse.options import build_options
from tests.support.cells import make_cell, train, train_reported
from trainer.engines.solo import SoloEngine
from trainer.probes.base import Conditions
from trainer.probes.emergence import Emergence, EmergenceOptions, settled_since
from trainer.probes.subject import Subject
from trainer.probing import Probing, UnfitProbe
from trainer.workload import load_workload

TASK = {"examples": 123, "features": 64, "image_size": 8, "classes": 3, "noise": 0.5}
ASKED = {"name": "emergence"}


def probe_of(**options):
    return Emergence(build_options(EmergenceOptions, options, "test"))


class Driven:
    """A cell whose masks are set by hand: so many weights at a place of every layer, in turn."""

    def __init__(self, model="mlp", **options):
        task = TASK if model == "convnet" else None
        cell = make_cell("static", model=model, dataset_options=task, epochs=4)
        self.engine = SoloEngine(load_workload(cell, None, "cpu"), [cell])
        self.probe, self.points = probe_of(**options), []

    def put(self, start):
        """Of every ten weights of a layer, those at `start` and after it are active."""
        for layer in self.engine.layers(0):
            places = torch.arange(layer.mask.numel()) % 10
            layer.mask.copy_(((places == start) | (places == start + 1)).view(layer.mask.shape))

    def subject(self, epoch):
        return Subject(self.engine, 0, epoch=epoch, final=epoch == 4)

    def measure(self, epoch):
        self.points.append((epoch, self.probe.measure(self.subject(epoch))))
        return self.points[-1][1]

    def update(self, step):
        self.probe.after_update(self.subject(step // 6), step)


@pytest.fixture
def driven():
    """Two of ten: 0, 1 at the start; 1, 2 from step 3 of 6 on; 2, 3 from step 12 on."""
    run = Driven()
    run.put(0)
    run.measure(0)
    run.put(1)
    run.update(3)
    run.measure(1)
    run.measure(2)
    run.put(2)
    run.update(12)
    run.measure(3)
    run.measure(4)
    return run


def by_epoch(points, name):
    return [values.get(name) for epoch, values in points if epoch > 0]


def test_curves_follow_the_masks_from_the_first_and_to_the_last(driven):
    points = driven.probe.curves(driven.points)
    # A tenth of the weights is common to neighbouring masks of a fifth: kappa (0.5 - 0.2) / 0.8.
    near, far = pytest.approx(0.375, abs=0.01), pytest.approx(-0.25, abs=0.01)
    assert by_epoch(points, "kappa_init") == [near, near, far, far]
    assert by_epoch(points, "kappa_final") == [near, near, 1.0, 1.0]
    assert by_epoch(points, "overlap_final") == pytest.approx([0.5, 0.5, 1.0, 1.0], abs=0.01)
    assert by_epoch(points, "moved") == pytest.approx([0.5, 0.0, 0.5, 0.0], abs=0.01)
    assert by_epoch(points, "churn") == [pytest.approx(0.5, abs=0.01), None] * 2
    assert by_epoch(points, "explored_rate") == pytest.approx([0.3, 0.3, 0.4, 0.4], abs=0.01)


def test_metrics_compare_the_start_the_first_epoch_and_the_end(driven):
    found = driven.probe.summarise(driven.points)
    assert found["kappa_epoch1_final"] == pytest.approx(0.375, abs=0.01)
    assert found["kappa_init_final"] == pytest.approx(-0.25, abs=0.01)
    assert found["jaccard_init_epoch1"] == pytest.approx(1 / 3, abs=0.01)
    assert found["overlap_init_final"] == pytest.approx(0.0, abs=0.01)
    assert found["layer_drift_epoch1_final"] == pytest.approx(0.0, abs=0.01)
    assert found["churn_epoch1"] == pytest.approx(0.5, abs=0.01)
    assert found["explored_rate_epoch1"] == pytest.approx(0.3, abs=0.01)
    lowest, highest = (found[f"kappa_epoch1_final_{end}_layer"] for end in ("lowest", "highest"))
    assert lowest <= found["kappa_epoch1_final"] <= highest
    assert found["settled_epoch"] == 3.0
    assert not [name for name in found if name.startswith("nnstd")]


def test_updates_of_the_first_epoch_are_kept_and_no_later_ones(driven):
    assert driven.probe.state()["times"] == [0.0, 0.5, 1.0, 2.0, 3.0, 4.0]
    assert probe_of(settled=0.3).options.settled == 0.3


@pytest.mark.parametrize(
    ("kappas", "since"),
    [
        ([(0.0, 0.2), (0.5, 0.6), (1.0, 0.7), (2.0, 1.0)], 0.5),
        ([(0.0, 0.6), (0.5, 0.4), (1.0, 0.5), (2.0, 1.0)], 1.0),
        ([(0.0, 1.0), (2.0, 1.0)], 0.0),
        ([(0.0, 0.1), (2.0, 1.0)], 2.0),
        ([(0.0, None), (2.0, None)], 0.0),
    ],
)
def test_masks_are_settled_when_they_never_leave_again(kappas, since):
    assert settled_since(kappas, 0.5) == since


@pytest.mark.parametrize(
    ("every", "epochs", "due"),
    [(1, 4, [1, 2, 3, 4]), (3, 8, [1, 3, 6, 8]), (10, 8, [1, 8]), (0, 8, [1, 8])],
)
def test_the_first_and_the_last_epoch_are_always_measured(every, epochs, due):
    probe = probe_of(every=every)
    assert [epoch for epoch in range(1, epochs + 1) if probe.due(epoch, epochs)] == due


@pytest.mark.parametrize("model", ["mlp", "convnet"])
def test_a_trained_cell_has_its_metrics_and_changes_no_bit(model):
    task = TASK if model == "convnet" else None
    options = {"update_every": 2}
    cell = make_cell("rigl", "0.3", model=model, dataset_options=task, epochs=3, options=options)
    plain = train(cell)[cell.id]
    asked = {**ASKED, "nnstd": True, "layers": True}
    found = train(cell, probes={cell.id: [asked]})[cell.id]
    assert found.state == "COMPLETED", found.error
    assert plain.metrics == {name: found.metrics[name] for name in plain.metrics}
    assert plain.curve == {name: found.curve[name] for name in plain.curve}
    # What the probe saw after updates is what the method itself recorded.
    assert found.curve["explored_rate"][-1] == found.metrics["explored_rate"]
    assert found.curve["kappa_final"][-1] == 1.0
    assert found.curve["kappa_init"][0] == found.metrics["kappa_init_epoch1"] < 1
    assert found.curve["kappa_final"][0] == found.metrics["kappa_epoch1_final"] < 1
    assert found.metrics["layer_drift_init_final"] == 0.0
    assert 0 < found.metrics["nnstd_init_epoch1"] < 1
    layer = found.layers[1]["layer"]
    assert found.curve[f"kappa_final.{layer}"][-1] == 1.0


def test_masks_that_never_move_are_settled_from_the_start():
    cell = make_cell("static", epochs=2)
    found = train(cell, probes={cell.id: [{**ASKED, "nnstd": True}]})[cell.id].metrics
    assert (found["kappa_init_final"], found["kappa_epoch1_final"]) == (1.0, 1.0)
    assert (found["settled_epoch"], found["nnstd_init_final"]) == (0.0, 0.0)
    assert found["explored_rate_epoch1"] == found["density"]
    assert "churn_epoch1" not in found


def test_a_dense_cell_has_no_agreement_beyond_chance():
    cell = make_cell("dense", epochs=2)
    found = train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert found.metrics["overlap_epoch1_final"] == found.metrics["jaccard_init_final"] == 1.0
    assert not [name for name in found.metrics if name.startswith("kappa")]
    assert "kappa_init" not in found.curve


def test_a_network_that_is_pruned_gradually_loses_weights_and_gains_none():
    cell = make_cell("gmp", "0.2", epochs=3, options={"update_every": 2})
    found = train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert found.metrics["overlap_init_final"] == pytest.approx(0.2, abs=0.001)
    assert found.curve["moved"] == [0.0, 0.0, 0.0]
    assert found.curve["explored_rate"] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", ["top_kast", "str"])
def test_of_dense_stored_weights_the_active_ones_are_kept(name):
    cell = make_cell(name, "0.3" if name == "top_kast" else None, epochs=3)
    found = train(cell, probes={cell.id: [ASKED]})[cell.id]
    assert found.state == "COMPLETED", found.error
    assert 0 < found.curve["explored_rate"][0] < 1
    assert found.metrics["kappa_epoch1_final"] < 1


@pytest.mark.parametrize("stop", [3, 9])
def test_an_interrupted_cell_forgets_no_mask(stop, tmp_path):
    cell = make_cell("set", epochs=3, options={"update_every": 2})
    probes = {cell.id: [{**ASKED, "every": 2}]}
    whole = train(cell, probes=probes)[cell.id]
    polls = iter(range(10_000))
    train_reported(
        cell, probes=probes, checkpoint_folder=tmp_path, should_stop=lambda: next(polls) >= stop
    )
    rest = train(cell, probes=probes, resume_from=sorted(tmp_path.glob("*.pt")))[cell.id]
    assert rest.resumed_step > 0
    assert (rest.metrics, rest.curve) == (whole.metrics, whole.curve)


def test_cells_of_a_stack_are_told_apart():
    cells = [make_cell("set", seed=seed, options={"update_every": 2}) for seed in range(3)]
    probes = {cell.id: [ASKED] for cell in cells}
    together = train(*cells, probes=probes)
    for cell in cells:
        alone = train(cell, probes=probes)[cell.id]
        assert (together[cell.id].metrics, together[cell.id].curve) == (alone.metrics, alone.curve)


def refused(cell, **options):
    """What is said of a cell before it trains; "" where the probe measures it."""
    shape = (3, 8, 8) if cell.model.name == "resnet18" else (64,)
    conditions = Conditions(cell=cell, classes=3, input_shape=shape, pixels=False)
    try:
        Probing([{**ASKED, **options}]).refuse_unfit(conditions)
    except UnfitProbe as error:
        return str(error)
    return ""


def test_a_model_that_is_no_chain_has_no_units_to_match():
    cell = make_cell("static", model="resnet18", dataset_options=TASK)
    assert refused(cell) == ""
    said = "probe emergence does not work on model resnet18; allowed: the trait chain"
    assert refused(cell, nnstd=True) == said
    with pytest.raises(ValueError, match="fix_output has no effect with nnstd: False"):
        probe_of(fix_output=False)


def test_a_perceptron_is_a_chain_without_skip_connections_only():
    plain, skipping = (
        make_cell("static", model_options={"hidden": (8, 8), "skip": skip})
        for skip in (False, True)
    )
    assert refused(plain, nnstd=True) == refused(skipping) == ""
    assert "model mlp(hidden=[8, 8], skip=true)" in refused(skipping, nnstd=True)


def test_with_outputs_matched_an_exchange_of_classes_is_no_distance():
    distances = []
    for fixed in (True, False):
        run = Driven(nnstd=True, fix_output=fixed)
        run.put(0)
        run.measure(0)
        last = run.engine.layers(0)[-1]
        last.mask.copy_(last.mask.flip(0))
        run.measure(4)
        distances.append(run.probe.summarise(run.points)["nnstd_init_final"])
    assert distances[0] > distances[1] == 0.0
