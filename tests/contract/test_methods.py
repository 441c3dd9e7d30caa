"""What every registered method promises, selected by its traits; a new one gets these for free."""

import dataclasses
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sparse.allocation import decides_density
from sparse.methods import METHODS
from sparse.sparsifier import Sparsifier
from tests.support.methods import (
    allocation_names,
    follows_weights,
    frequent,
    keeps_layer_counts,
    layer_wise_names,
    layer_wise_options,
    method_names,
    takes_density,
)
from tests.support.toy import ToyContext, make_layers, make_method, network_of, run_steps

ROOT = Path(__file__).resolve().parents[2]
NAMES = METHODS.names()
TOTAL = 219
STEPS = 24


def having(**traits):
    return pytest.mark.parametrize("name", method_names(**traits))


def started(name, seed=0, density="0.3", **options):
    method = make_method(name, density, **(options or frequent(name, 2)))
    method.prepare(ToyContext(make_layers(seed), total_steps=STEPS, seed=seed))
    return method


def masks(method):
    return {layer.name: layer.mask.clone() for layer in method.layers}


def equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def consistent(method):
    """Whether masks are 0/1, counts are true, and weights and slots are zero off the mask.

    Where dense weights are stored, the forward weights are, and the slots of what does not move.
    """
    for layer in method.layers:
        assert set(layer.mask.unique().tolist()) <= {0.0, 1.0}
        assert int(layer.mask.sum()) == method.counts[layer.name] >= 1
        moved = method.updated_mask(layer) if method.stores_dense else layer.mask
        for tensor in layer.slots().values():
            assert moved is None or torch.equal(tensor, tensor * moved)
        forward = method.effective_weight(layer)
        assert torch.equal(forward != 0, (forward != 0) & layer.mask.bool())
    return True


@pytest.mark.parametrize("name", NAMES)
def test_declares_every_trait_in_plain_data(name):
    entry = METHODS.get(name)
    traits = json.loads(json.dumps(dict(entry.traits)))
    assert {type(traits[key]) for key in ("changes_shape", "stackable", "dynamic")} == {bool}
    starts = traits["starts_from"]
    assert all({"artifact"} <= set(item) <= {"artifact", "when", "unless"} for item in starts)
    assert traits["source"]
    assert entry.options is entry.target.Options
    assert set(traits.get("densities", {})) <= {"multiple_of_one_over"}
    assert {traits.get("models", {}).get("trait", "chain")} <= {"chain", "widths"}
    assert traits["changes_shape"] or make_method(name).narrowing() is None
    assert issubclass(entry.target, Sparsifier)
    assert entry.target.__mro__[1] is Sparsifier, "methods are one class deep"
    assert entry.target.stores_dense == (traits["stored_weights"] == "dense")


@pytest.mark.parametrize("name", NAMES)
def test_has_a_card_that_names_every_option(name):
    card = (ROOT / "docs" / "methods" / f"{name}.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {name}\n")
    for field in dataclasses.fields(METHODS.get(name).target.Options):
        assert f"`{field.name}`" in card


@pytest.mark.parametrize("name", NAMES)
def test_ignored_fields_agree_with_the_trait(name):
    for rule in METHODS.get(name).traits["ignores"]:
        method = make_method(name, **(rule["when"] or {}))
        assert rule["field"] in method.ignored_fields()
    always = {rule["field"] for rule in METHODS.get(name).traits["ignores"] if not rule["when"]}
    conditional = {r["field"] for r in METHODS.get(name).traits["ignores"] if r["when"]}
    assert set(make_method(name).ignored_fields()) - always <= conditional


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_with_the_allowed_ones(name):
    with pytest.raises(ValueError, match="unknown option 'no_such_option'; allowed:"):
        make_method(name, no_such_option=1)


@pytest.mark.parametrize("name", NAMES)
def test_masks_weights_and_slots_agree_after_every_step(name):
    method = started(name)
    assert consistent(method)
    for step in range(1, STEPS):
        run_steps(method, step, step)
        assert consistent(method)
    run_steps(method, STEPS, STEPS)
    method.finish()
    assert consistent(method)


@pytest.mark.parametrize("name", NAMES)
def test_saving_a_run_changes_nothing_in_it(name):
    runs = [make_method(name, **frequent(name)) for _ in range(2)]
    for method in runs:
        method.prepare(ToyContext(make_layers(), total_steps=350))
    plain, saved = runs
    for step in range(1, 11):
        run_steps(plain, step, step)
        run_steps(saved, step, step)
        saved.state_dict()
        assert plain.counts == saved.counts
        assert plain.passes(False) == saved.passes(False)
        assert equal(masks(plain), masks(saved))


@having(density="exact")
@pytest.mark.parametrize(
    ("density", "count"), [("0.02", 4), ("0.1", 22), ("0.3", 66), ("0.977", 214), ("1", 219)]
)
def test_the_density_is_exact_from_beginning_to_end(name, density, count):
    method = started(name, density=density)
    for step in range(1, STEPS + 1):
        assert sum(int(layer.mask.sum()) for layer in method.layers) == count
        run_steps(method, step, step)
    assert sum(int(layer.mask.sum()) for layer in method.layers) == count


@pytest.mark.parametrize("name", layer_wise_names(density="exact"))
@pytest.mark.parametrize("allocation", allocation_names())
def test_layer_counts_are_the_allocated_ones(name, allocation):
    sparse_enough = {"er_epsilon": {"epsilon": 2}}.get(allocation, {})
    method = make_method(
        name,
        "1" if decides_density(allocation) else "0.3",
        allocation={"name": allocation, **sparse_enough},
        **frequent(name, 2),
        **layer_wise_options(name),
    )
    method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    assert decides_density(allocation) or sum(method.allocated.values()) == 66
    assert 1 <= min(method.allocated.values()) <= 27
    assert method.counts == method.allocated_counts()
    run_steps(method, 1, STEPS)
    if keeps_layer_counts(name):
        assert method.counts == method.allocated_counts()
    else:
        assert sum(method.counts.values()) == sum(method.allocated_counts().values())


@pytest.mark.parametrize("name", layer_wise_names(density="scheduled"))
def test_a_scheduled_density_ends_where_an_allocation_decides_it(name):
    allocation = {"name": "er_epsilon", "epsilon": 2}
    options = {**frequent(name, 2), **layer_wise_options(name)}
    method = make_method(name, "1", allocation=allocation, **options)
    if type(method).first_density is not Sparsifier.first_density:
        with pytest.raises(ValueError, match="er_epsilon decides the density itself"):
            method.prepare(ToyContext(make_layers(), total_steps=STEPS))
        return
    method.prepare(ToyContext(make_layers(), total_steps=STEPS))
    run_steps(method, 1, STEPS)
    assert sum(method.counts.values()) == 104


@having(density="scheduled")
def test_a_scheduled_density_ends_exact_and_rises_only_where_masks_may_grow(name):
    method = started(name)
    before, path = masks(method), [sum(method.counts.values())]
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        after = masks(method)
        if not METHODS.get(name).traits["dynamic"]:
            assert all(bool((after[key] <= before[key]).all()) for key in after)
        path.append(sum(method.counts.values()))
        before = after
    assert path == sorted(path, reverse=True) or METHODS.get(name).traits["dynamic"]
    assert path[0] > path[-1] == 66  # 65.7 of 219


@having(density="dense")
def test_a_dense_method_keeps_every_weight(name):
    layers = make_layers()
    weights = [layer.weight.clone() for layer in layers]
    make_method(name).prepare(ToyContext(layers))
    assert all(map(torch.equal, weights, [layer.weight for layer in layers]))


UPDATING = [name for name in method_names(dynamic=True) if not follows_weights(name)]


@pytest.mark.parametrize("name", UPDATING)
def test_updates_move_what_they_report_and_nothing_moves_between_them(name):
    # Were something dropped and grown at once, fewer weights would have moved than reported.
    method = started(name)
    for step in range(1, STEPS):
        before = masks(method)
        update = one_step(method, step)
        after = masks(method)
        dropped = sum(int((before[key] > after[key]).sum()) for key in after)
        grown = sum(int((before[key] < after[key]).sum()) for key in after)
        if update is None:
            assert dropped == grown == 0
            continue
        assert (update.step, update.dropped, update.grown) == (step, dropped, grown)
        # A pattern keeps its count up to rounding and a bound is kept, see the next tests; a
        # scheduled one moves.
        density = METHODS.get(name).traits["density"]
        assert dropped == grown or density in ("scheduled", "pattern", "bounded")
        assert dropped + grown > 0 or update.drop_fraction < 0.05


PATTERNS = method_names(density="pattern", stored_weights="masked")


@pytest.mark.parametrize("name", [name for name in PATTERNS if takes_density(name)])
@pytest.mark.parametrize(("density", "count"), [("0.25", 55), ("0.5", 110), ("1", 219)])
def test_a_pattern_keeps_its_density_up_to_rounding(name, density, count):
    method = started(name, density=density)
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        # Half a weight for each of 24 units.
        assert abs(sum(method.counts.values()) - count) <= (12 if count < TOTAL else 0)


@having(density="bounded", narrows=False)
@pytest.mark.parametrize(("density", "count"), [("0.1", 22), ("0.3", 66), ("0.977", 214)])
def test_a_bounded_density_begins_exact_and_is_never_exceeded(name, density, count):
    method = started(name, density=density)
    assert sum(method.counts.values()) == count
    for step in range(1, STEPS + 1):
        run_steps(method, step, step)
        assert sum(method.counts.values()) <= count


def one_step(method, step):
    """Run one step as `run_steps` does, and return what the update reports."""
    reports = []
    update = method.after_step

    def after_step(at):
        reports.append(update(at))
        return reports[-1]

    method.after_step = after_step
    run_steps(method, step, step)
    method.after_step = update
    return reports[0] if reports else None


@having(dynamic=True, stored_weights="masked")
def test_guard_grown_weights_start_at_zero_with_empty_slots(name):
    # A peer library discards the result of the assignment that should do this.
    method = started(name)
    seen = 0
    for step in range(1, STEPS):
        before = masks(method)
        if not run_steps(method, step, step):
            continue
        for layer in method.layers:
            grown = layer.mask > before[layer.name]
            kept = (layer.mask * before[layer.name]).bool()
            for tensor in (layer.weight, *layer.slots().values()):
                assert not bool(tensor[grown].any())
                assert bool(tensor[kept].all())
            seen += int(grown.sum())
    assert seen > 0


@having(dynamic=False)
def test_a_method_that_is_not_dynamic_never_grows(name):
    method = started(name)
    before = masks(method)
    run_steps(method, 1, STEPS)
    assert all(bool((after <= before[key]).all()) for key, after in masks(method).items())


@pytest.mark.parametrize("name", NAMES)
def test_no_update_and_no_gradient_is_wanted_at_the_last_step_or_later(name):
    method = started(name)
    assert not any(method.wants_update(step) for step in range(STEPS, STEPS + 50))
    assert not any(method.wants_gradients(step) for step in range(STEPS, STEPS + 50))
    assert not method.wants_update(0)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_wanted_at_updates_only_or_until_the_last_of_them(name):
    # A running mean needs every gradient, but none that comes after the last update.
    method = started(name)
    updates = [step for step in range(1, STEPS) if method.wants_update(step)]
    wanted = [step for step in range(1, STEPS) if method.wants_gradients(step)]
    assert set(wanted) <= set(updates) or wanted == list(range(1, max(updates) + 1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("total", [1, 2, 7])
def test_runs_shorter_than_one_interval_work(name, total):
    method = make_method(name)
    method.prepare(ToyContext(make_layers(), total_steps=total))
    run_steps(method, 1, total)
    method.finish()
    assert consistent(method)
    if METHODS.get(name).traits["density"] in ("exact", "scheduled"):
        assert sum(method.counts.values()) == 66


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(name):
    runs = []
    for seed in (0, 0, 1):
        method = started(name, seed=seed)
        run_steps(method, 1, STEPS)
        runs.append({layer.name: layer.weight for layer in method.layers})
    assert equal(runs[0], runs[1])
    assert not equal(runs[0], runs[2])


@pytest.mark.parametrize("name", NAMES)
def test_the_global_generator_is_neither_read_nor_moved(name):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    run_steps(started(name), 1, STEPS)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", [1, 8, 15])
def test_a_resumed_run_equals_an_uninterrupted_one(name, cut, tmp_path):
    whole = started(name)
    run_steps(whole, 1, STEPS)

    first = started(name)
    run_steps(first, 1, cut)
    torch.save(first.state_dict(), tmp_path / "state.pt")

    second = make_method(name, **frequent(name, 2))
    layers = make_layers()
    for layer, source in zip(layers, network_of(first), strict=True):
        for field in ("weight", "mask", "slot"):
            getattr(layer, field).copy_(getattr(source, field))
    second.bind(ToyContext(layers, total_steps=STEPS))
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    run_steps(second, cut + 1, STEPS)
    for one, other in zip(whole.layers, second.layers, strict=True):
        assert torch.equal(one.mask, other.mask)
        assert torch.equal(one.weight, other.weight)
    assert equal(whole.explored, second.explored)


def test_masks_do_not_depend_on_the_number_of_threads():
    script = inspect.cleandoc(
        """
        import hashlib, sys, torch
        torch.set_num_threads(int(sys.argv[1]))
        from sparse.methods import METHODS
        from tests.support.toy import ToyContext, ToyLayer, make_method, run_steps
        digest = hashlib.sha256()
        for name in METHODS.names():
            weight = torch.randn(300, 260, generator=torch.Generator().manual_seed(0))
            layer = ToyLayer("w", weight.bfloat16().float())  # many ties
            method = make_method(name)
            method.prepare(ToyContext([layer], total_steps=320))
            for step in (100, 200, 256):
                run_steps(method, step, step)
            digest.update(method.layers[0].mask.numpy().tobytes())
        print(digest.hexdigest())
        """
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script, threads],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
