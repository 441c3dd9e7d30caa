"""The recipe: its fields are sound, and which of them have effect beside which others."""

from grids.recipe import OPTIONS, RECIPE, contradictions, defaults, without_effect


def test_every_default_is_legal_and_of_the_declared_type() -> None:
    for option in RECIPE:
        value = option.check(option.default)
        assert value == option.default
        assert type(value) is type(option.default)


def test_names_are_distinct_and_every_field_is_explained() -> None:
    assert len(OPTIONS) == len(RECIPE)
    assert all(option.help for option in RECIPE)


def test_of_the_defaults_the_step_schedule_s_fields_and_the_fill_of_crops_are_idle() -> None:
    assert set(without_effect(defaults())) == {"milestones", "gamma", "crop_fill"}


def test_momentum_belongs_to_sgd() -> None:
    idle = without_effect(defaults() | {"optimizer": "adam"})
    assert idle["momentum"] == "with recipe.optimizer adam it has no effect (sgd only)"
    assert idle["nesterov"] == "with recipe.optimizer adam it has no effect (sgd only)"


def test_nesterov_needs_momentum() -> None:
    idle = without_effect(defaults() | {"momentum": 0.0})
    assert idle["nesterov"] == "with recipe.momentum 0 it has no effect"


def test_milestones_and_gamma_belong_to_the_step_schedule() -> None:
    assert set(without_effect(defaults() | {"schedule": "step", "crop": 4})) == set()


def test_threads_belong_to_the_exact_tier() -> None:
    assert "threads" in without_effect(defaults() | {"tier": "fast"})


def test_a_sound_recipe_has_no_contradiction() -> None:
    assert contradictions(defaults()) == {}


def test_a_warm_up_cannot_outlast_the_run() -> None:
    assert contradictions(defaults() | {"epochs": 5, "warmup_epochs": 6}) == {
        "warmup_epochs": "is 6, which is more than recipe.epochs 5"
    }


def test_milestones_rise() -> None:
    assert contradictions(defaults() | {"milestones": (0.5, 0.5)}) == {
        "milestones": "is [0.5, 0.5]; each must be larger than the one before"
    }
