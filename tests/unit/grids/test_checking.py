"""Names and values against the catalogue: each mistake with its literal line."""

# ruff: noqa: E501 (the tables read best with a mistake and its message on one line)

from collections.abc import Callable

import pytest

Mistakes = Callable[..., list[str]]

METHODS = "allowed: dense, gmp, rigl, set, snip, static"
RIGL = "allowed: drop_fraction, update_every, update_stop"
FRACTION = "allowed: a number > 0 and <= 1"


def grid(**changes: str) -> str:
    """A grid of one cell with one field per line, in the order dataset, model, method, density."""
    fields = {"dataset": "digits", "model": "mlp", "method": "rigl", "density": "0.1"} | changes
    return "base:\n" + "".join(f"  {name}: {text}\n" for name, text in fields.items())


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (grid(method="rgl"), 4, f"unknown method 'rgl'; {METHODS}; did you mean 'rigl'?"),
        (grid(method="RIGL"), 4, f"unknown method 'RIGL'; {METHODS}; did you mean 'rigl'?"),
        (grid(dataset="digit"), 2, "unknown dataset 'digit'; allowed: digits, wine; did you mean 'digits'?"),
        (grid(model="mpl"), 3, "unknown model 'mpl'; allowed: convnet, mlp; did you mean 'mlp'?"),
        (grid(allocation="erq"), 6, "unknown allocation 'erq'; allowed: er, er_epsilon, erk, uniform; did you mean 'er'?"),
        (grid(scenario="cleen"), 6, "unknown scenario 'cleen'; allowed: clean; did you mean 'clean'?"),
        (grid(density="0"), 5, f"density is 0; {FRACTION}"),
        (grid(density="1.5"), 5, f"density is 1.5; {FRACTION}"),
        (grid(density="text"), 5, f"density is 'text'; {FRACTION}"),
        (grid(density="'0.1'"), 5, f"density is '0.1'; {FRACTION}; write 0.1, without quotes"),
        (grid(density="5%"), 5, f"density is '5%'; {FRACTION}; write 0.05, without quotes"),
        (grid(density="[0.1]"), 5, f"density is [0.1]; {FRACTION}"),
        (grid(data_ratio="0"), 6, f"data_ratio is 0; {FRACTION}"),
        (grid(method="3"), 4, "method is 3; allowed: a name, or a mapping {name: ..., option: ...}"),
        (grid(method="[rigl]"), 4, "method is ['rigl']; allowed: a name, or a mapping {name: ..., option: ...}"),
        (grid(method="{update_every: 3}"), 4, "method is {update_every: 3}; allowed: a name, or a mapping {name: ..., option: ...}"),
        (grid(method="{name: rigl, updat_every: 3}"), 4, f"unknown option 'updat_every' of rigl; {RIGL}; did you mean 'update_every'?"),
        (grid(method="{name: rigl, drop_fraction: 2}"), 4, "method.drop_fraction of rigl is 2; allowed: a number > 0 and < 1"),
        (grid(**{"method.drop_fraction": "2"}), 6, "method.drop_fraction of rigl is 2; allowed: a number > 0 and < 1"),
        (grid(**{"method.drop": "signed"}), 6, f"unknown method option 'drop' of rigl; {RIGL}"),
        (grid(**{"model.hidden": "64"}), 6, "model.hidden of mlp is 64; allowed: a list of integers each >= 1; write [64]"),
        (grid(**{"model.activation": "rel"}), 6, "model.activation of mlp is 'rel'; allowed: relu, tanh; did you mean 'relu'?"),
        (grid(**{"recipe.lr": "24:00:00"}), 6, "recipe.lr is '24:00:00'; allowed: a number > 0"),
        (grid(**{"recipe.lr": "0"}), 6, "recipe.lr is 0; allowed: a number > 0"),
        (grid(**{"recipe.nesterov": "no"}), 6, "recipe.nesterov is 'no'; allowed: true or false; write false"),
        (grid(**{"recipe.nesterov": "on"}), 6, "recipe.nesterov is 'on'; allowed: true or false; write true"),
        (grid(**{"recipe.optimizer": "sdg"}), 6, "recipe.optimizer is 'sdg'; allowed: sgd, adam, adamw, adagrad, rmsprop; did you mean 'sgd'?"),
        (grid(**{"recipe.warmup_epochs": "30"}), 6, "recipe.warmup_epochs is 30, which is more than recipe.epochs 20"),
        (grid(recipe="{schedule: step, milestones: [0.7, 0.5]}"), 6, "recipe.milestones is [0.7, 0.5]; each must be larger than the one before"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line(mistakes: Mistakes, text: str, line: int, message: str) -> None:
    assert mistakes(text) == [f"grid.yaml:{line}: {message}"]


def test_an_unknown_recipe_field_names_the_nearest(mistakes: Mistakes) -> None:
    told = mistakes(grid(**{"recipe.epoch": "3"}))
    assert len(told) == 1
    assert told[0].startswith(
        "grid.yaml:6: unknown recipe field 'epoch'; allowed: batch, clip_norm,"
    )
    assert told[0].endswith("; did you mean 'epochs'?")


def test_what_is_required_and_missing_is_named(mistakes: Mistakes) -> None:
    assert mistakes("base:\n  recipe.lr: 0.1\n") == [
        "grid.yaml:1: method is missing; give it in base or as an axis",
        "grid.yaml:1: dataset is missing; give it in base or as an axis",
        "grid.yaml:1: model is missing; give it in base or as an axis",
    ]


def test_a_density_is_required_where_the_method_has_a_use_for_it(mistakes: Mistakes) -> None:
    text = "base: {dataset: digits, model: mlp}\naxes: {method: [dense, rigl, set]}\n"
    assert mistakes(text) == [
        "grid.yaml:1: density is missing; rigl needs one",
        "grid.yaml:1: density is missing; set needs one",
    ]


def test_a_density_is_required_where_one_allocation_has_a_use_for_it(mistakes: Mistakes) -> None:
    text = "base: {dataset: digits, model: mlp, method: set}\naxes: {allocation: [%s]}\n"
    assert mistakes(text % "er_epsilon, erk") == ["grid.yaml:1: density is missing; set needs one"]


def test_an_option_given_inside_and_outside_names_both_places(mistakes: Mistakes) -> None:
    text = (
        "base: {dataset: digits, model: mlp, density: 0.1}\naxes:\n"
        "  method:\n  - {name: rigl, update_every: 3}\n  - set\n  method.update_every: [1, 2]\n"
    )
    assert mistakes(text) == [
        "grid.yaml:6: method.update_every is given twice; also inside rigl in grid.yaml:4"
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(mistakes: Mistakes) -> None:
    text = (
        "nam: demo\n"
        "base:\n"
        "  dataset: digit\n"
        "  dataset: wine\n"
        "  recipe: {optimizer: adam, momentum: 0.9, lr: -1}\n"
        "axes:\n"
        "  density: [0.1, 2]\n"
        "  method: [rigl, sett]\n"
        "exclude:\n"
        "- {method: rigl, density: '<low'}\n"
        "seeds: none\n"
    )
    assert mistakes(text, "model=mpl") == [
        "grid.yaml:1: unknown key 'nam'; allowed: artifacts, axes, base, description, exclude, "
        "include, name, probes, seeds, zip; did you mean 'name'?",
        "grid.yaml:3: unknown dataset 'digit'; allowed: digits, wine; did you mean 'digits'?",
        "grid.yaml:4: the key 'dataset' is given twice; first in grid.yaml:3",
        "grid.yaml:5: recipe.lr is -1; allowed: a number > 0",
        "grid.yaml:7: density is 2; allowed: a number > 0 and <= 1",
        f"grid.yaml:8: unknown method 'sett'; {METHODS}; did you mean 'set'?",
        "grid.yaml:10: density is compared with 'low'; allowed: a number",
        "grid.yaml:11: seeds is 'none'; allowed: a count >= 1, a list of integers >= 0 "
        "or a mapping of min, max and until",
        "--set model=mpl: unknown model 'mpl'; allowed: convnet, mlp; did you mean 'mlp'?",
    ]
