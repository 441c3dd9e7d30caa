"""Rules of exclude: what they remove, and which rules contradict the grid."""

# ruff: noqa: E501 (the tables read best with a mistake and its message on one line)

from collections.abc import Callable

import pytest

Labels = Callable[..., list[str]]
Mistakes = Callable[..., list[str]]

GRID = (
    "base: {dataset: digits, model: mlp}\n"
    "axes: {method: [dense, static, rigl], density: [0.1, 0.2]}\n"
    "exclude:\n"
)
EVERY = [
    "dense seed=0",
    "static density=0.1 seed=0",
    "static density=0.2 seed=0",
    "rigl density=0.1 seed=0",
    "rigl density=0.2 seed=0",
]


@pytest.mark.parametrize(
    ("rule", "removed"),
    [
        ("{method: rigl}", [3, 4]),
        ("{method: [rigl, dense]}", [0, 3, 4]),
        ("{method: '!=rigl'}", [0, 1, 2]),
        ("{method: {name: rigl, update_every: 100}}", [3, 4]),
        ("{density: 0.10}", [1, 3]),
        ("{density: [0.1, 1]}", [0, 1, 3]),
        ("{density: '<0.2'}", [1, 3]),
        ("{density: '>= 2e-1'}", [0, 2, 4]),
        ("{density: '==0.2'}", [2, 4]),
        ("{method: rigl, density: '<=0.1'}", [3]),
        ("{method.update_every: '>50'}", [3, 4]),
        ("{method: rigl, recipe.lr: '<1'}", [3, 4]),
        ("{method: rigl, recipe.lr: '<= 1/10'}", [3, 4]),
        ("{method: rigl, recipe.lr: 1/10}", [3, 4]),
        ("{method: rigl, recipe: {epochs: 20}}", [3, 4]),
        ("{method: rigl, model.hidden: [300, 100]}", [3, 4]),
        ("{method: rigl, model.dropout: null}", [3, 4]),
        ("{method: dense, density: 1}", [0]),
    ],
)
def test_a_rule_removes_the_cells_for_which_all_of_it_holds(
    labels: Labels, rule: str, removed: list[int]
) -> None:
    kept = [label for position, label in enumerate(EVERY) if position not in removed]
    assert labels(f"{GRID}- {rule}\n") == kept


def test_a_rule_may_look_at_the_seed(labels: Labels, base: str) -> None:
    text = base + "seeds: 3\nexclude:\n- {seed: '>0', method: rigl}\n"
    assert labels(text) == ["rigl density=0.1 seed=0"]


def test_rules_do_not_touch_included_cells(labels: Labels) -> None:
    text = f"{GRID}- {{method: rigl}}\ninclude:\n- {{method: rigl, density: 0.1}}\n"
    assert labels(text) == [*EVERY[:3], "rigl density=0.1 seed=0"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{density: 0.3}", "this entry of exclude removes nothing"),
        ("{density: '<0'}", "this entry of exclude removes nothing"),
        ("{method: set}", "this entry of exclude removes nothing"),
        ("{method: dense, density: 0.1}", "this entry of exclude removes nothing"),
        ("{method: static, method.update_every: 100}", "this entry of exclude removes nothing"),
        ("{method: rgl}", "unknown method 'rgl'; allowed: dense, gmp, rigl, set, snip, static; did you mean 'rigl'?"),
        ("{metod: set}", "unknown field 'metod'; allowed: allocation, data_ratio, dataset, density, method, model, recipe, scenario; did you mean 'method'?"),
        ("{density: 0}", "density is 0; allowed: a number > 0 and <= 1"),
        ("{density: []}", "density is []; allowed: a number > 0 and <= 1"),
        ("{density: '<x'}", "density is compared with 'x'; allowed: a number"),
        ("{density: '!=x'}", "density is 'x'; allowed: a number > 0 and <= 1"),
        ("{method: '<3'}", "method cannot be compared by <: it holds no number; allowed: a value, a list of values, or a text that begins with !="),
        ("{recipe.schedule: '>=step'}", "recipe.schedule cannot be compared by >=: it holds no number; allowed: a value, a list of values, or a text that begins with !="),
        ("{method.drp: 3}", "unknown method option 'drp'; allowed: batches, drop, drop_fraction, normalise, scope, start, update_every, update_stop; did you mean 'drop'?"),
        ("{recipe: {epoch: 3}}", "unknown recipe field 'epoch'; allowed: batch, clip_norm, crop, crop_fill, epochs, flip, gamma, label_smoothing, layout, lr, milestones, momentum, nesterov, optimizer, precision, rotation, schedule, storage, threads, tier, warmup_epochs, weight_decay; did you mean 'epochs'?"),
        ("{recipe: 3}", "recipe is 3; allowed: a mapping of fields"),
        ("{seed: a}", "seed is 'a'; allowed: an integer >= 0"),
        ("{sparsity: 0.9}", "sparsity is not a field of a grid; write density: 0.1 (1 - sparsity)"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_one_line(
    mistakes: Mistakes, rule: str, message: str
) -> None:
    assert mistakes(f"{GRID}- {rule}\n") == [f"grid.yaml:4: {message}"]


def test_rules_that_leave_nothing_are_a_mistake(mistakes: Mistakes) -> None:
    text = f"{GRID}- {{method: dense}}\n- {{density: '<0.5'}}\n"
    assert mistakes(text) == ["grid.yaml:3: exclude removes every cell of the grid"]
