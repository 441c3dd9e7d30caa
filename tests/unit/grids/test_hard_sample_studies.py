"""The shipped studies of the hard-sample laboratory ask what the paper asks, no more and no less.

Xiao et al. 2024, "Are sparse neural networks better hard sample learners?": the captions of its
figures give the axes, and so how many cells a seed has.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from grids.catalogue import Catalogue
from grids.cell import Cell
from grids.grid import load

DENSITIES = {f"0.{tenths}" for tenths in range(1, 10)}
SPARSE = ("gmp", "lth", "omp", "snip", "set")
METHODS = {"dense", *SPARSE}
NAMED = {"gaussian_noise", "impulse_noise", "defocus_blur"}

EACH_NETWORK = 1 + len(SPARSE) * 9
"""Cells of a seed on one network and one set of examples: dense once, five methods nine times."""

CELLS_A_SEED = {
    "accuracy_vs_flops": 2 * 46,
    "adversarial_cifar10": 22,
    "adversarial_cifar100": 22,
    "corrupted_cifar100_resnet18": 3 * 92,
    "corrupted_cifar100_vgg19": 3 * 92,
    "corrupted_severities": 3 * 138,
    "corrupted_tinyimagenet": 3 * 92,
    "density_allocation": 38,
    "el2n_cifar100": 92,
    "el2n_ratios": 90,
    "el2n_tinyimagenet": 92,
}
"""A factor of 3 is for the corruptions, each of which is a network of its own here."""

ON = {
    "accuracy_vs_flops": ("cifar100", "resnet18"),
    "adversarial_cifar10": ("cifar10", "vgg16"),
    "adversarial_cifar100": ("cifar100", "resnet18"),
    "corrupted_cifar100_resnet18": ("cifar100", "resnet18"),
    "corrupted_cifar100_vgg19": ("cifar100", "vgg19_bn"),
    "corrupted_severities": ("cifar100", "resnet18"),
    "corrupted_tinyimagenet": ("tinyimagenet", "resnet34"),
    "density_allocation": ("cifar100", "resnet18"),
    "el2n_cifar100": ("cifar100", "resnet18"),
    "el2n_ratios": ("cifar100", "resnet18"),
    "el2n_tinyimagenet": ("tinyimagenet", "resnet34"),
}

TRAINING_IMAGES = {"cifar10": 45_000, "cifar100": 45_000, "tinyimagenet": 90_000}
"""Of which the published code takes its data ratios."""

STUDIES = sorted(CELLS_A_SEED)
Reader = Callable[[str], tuple[Cell, ...]]


@pytest.fixture(scope="module")
def cells(shipped: Catalogue) -> Reader:
    """The cells of a study, read once."""
    known: dict[str, tuple[Cell, ...]] = {}

    def read(name: str) -> tuple[Cell, ...]:
        if name not in known:
            known[name] = tuple(load(name, shipped).cells)
        return known[name]

    return read


def fields(catalogue: Catalogue, cell: Cell) -> Mapping[str, Any]:
    return catalogue.fields(cell)


def allocated(cell: Cell) -> tuple[Any, ...]:
    """The method, where it ranks, and how the density is spread."""
    return cell.method.name, cell.method.get("scope"), cell.allocation.name


def values(found: tuple[Cell, ...], of: Callable[[Cell], Any]) -> set[Any]:
    return {of(cell) for cell in found}


def test_every_sweep_is_46_cells_a_seed() -> None:
    assert EACH_NETWORK == 46
    assert CELLS_A_SEED["el2n_cifar100"] + CELLS_A_SEED["el2n_tinyimagenet"] == 184
    corrupted = sum(count for name, count in CELLS_A_SEED.items() if name.startswith("corrupted_"))
    assert corrupted == 3 * (276 + 138)
    assert CELLS_A_SEED["adversarial_cifar10"] + CELLS_A_SEED["adversarial_cifar100"] == 44


@pytest.mark.parametrize("name", STUDIES)
def test_it_has_as_many_cells_as_the_captions_say_for_each_of_three_seeds(
    name: str, cells: Reader
) -> None:
    assert Counter(cell.seed for cell in cells(name)) == dict.fromkeys(range(3), CELLS_A_SEED[name])


@pytest.mark.parametrize("name", STUDIES)
def test_it_is_on_the_network_and_the_data_of_the_paper(
    name: str, cells: Reader, shipped: Catalogue
) -> None:
    found = cells(name)
    assert values(found, lambda cell: (cell.dataset.name, cell.model.name)) == {ON[name]}
    assert values(found, lambda cell: fields(shipped, cell)["dataset.split"]) == {"published"}
    if name.endswith("tinyimagenet"):
        assert values(found, lambda cell: fields(shipped, cell)["model.stem"]) == {"tiny"}


@pytest.mark.parametrize("name", STUDIES)
def test_its_recipe_is_the_published_one(name: str, cells: Reader, shipped: Catalogue) -> None:
    found = fields(shipped, cells(name)[0])
    published = {
        **{"epochs": 200, "batch": 128, "optimizer": "sgd", "lr": 0.1, "momentum": 0.9},
        **{"nesterov": True, "weight_decay": 0.0005, "schedule": "step", "gamma": 0.1},
        **{"milestones": (0.5, 0.75), "crop": 4, "flip": True, "warmup_epochs": 0},
        "rotation": 15 if name == "adversarial_cifar100" else 0,
    }
    assert {field: found[f"recipe.{field}"] for field in published} == published
    assert len(values(cells(name), lambda cell: cell.recipe)) == 1


@pytest.mark.parametrize(
    "name", [name for name in STUDIES if name not in ("el2n_ratios", "density_allocation")]
)
def test_it_compares_five_methods_with_dense(name: str, cells: Reader, shipped: Catalogue) -> None:
    found = cells(name)
    assert values(found, lambda cell: cell.method.name) == METHODS
    densities = {"0.1", "0.2"} if name.startswith("adversarial") else DENSITIES
    assert values(found, lambda cell: cell.density) == {"1"} | densities
    moved = [fields(shipped, cell) for cell in found if cell.method.name == "set"]
    drops = {
        (one["method.drop_fraction"], one["method.anneal"], one["method.final_drop_fraction"])
        for one in moved
    }
    assert drops == {(0.2, "cosine", 0.001)}
    pruned = [fields(shipped, cell) for cell in found if cell.method.name == "gmp"]
    assert {(one["method.start"], one["method.stop"]) for one in pruned} == {(0.1, 0.8)}


@pytest.mark.parametrize("name", STUDIES)
def test_masks_move_every_four_epochs_at_every_data_ratio(
    name: str, cells: Reader, shipped: Catalogue
) -> None:
    moving = [cell for cell in cells(name) if cell.method.name in ("gmp", "set")]
    found = {(cell.data_ratio, fields(shipped, cell)["method.update_every"]) for cell in moving}
    images = TRAINING_IMAGES[ON[name][0]]
    steps = {
        ratio: -(-int(images * float(ratio)) // 128)
        for ratio in values(cells(name), lambda cell: cell.data_ratio)
    }
    assert found == {(ratio, 4 * steps[ratio]) for ratio in steps}


@pytest.mark.parametrize(
    ("name", "ratios"),
    [
        ("accuracy_vs_flops", {"0.3"}),
        ("corrupted_severities", {"0.3"}),
        *((name, {"1", "0.5"}) for name in STUDIES if name.startswith("adversarial")),
        *((name, {"1", "0.3"}) for name in STUDIES if name.startswith("corrupted_cifar100")),
        ("corrupted_tinyimagenet", {"1", "0.3"}),
        ("density_allocation", {"0.5", "0.3"}),
        ("el2n_cifar100", {"0.5", "0.3"}),
        ("el2n_tinyimagenet", {"0.5", "0.3"}),
        ("el2n_ratios", DENSITIES),  # the hardest 10 % to 90 %
    ],
)
def test_data_ratios(name: str, ratios: set[str], cells: Reader) -> None:
    assert values(cells(name), lambda cell: cell.data_ratio) == ratios


@pytest.mark.parametrize("name", [name for name in STUDIES if name.startswith("el2n")])
def test_one_dense_network_on_all_of_the_data_scores(
    name: str, cells: Reader, shipped: Catalogue
) -> None:
    scenario = {
        (one["scenario.keep"], one["scenario.score"], one["scenario.models"])
        for one in (fields(shipped, cell) for cell in cells(name))
    }
    assert scenario == {("hard", "el2n", 1)}


@pytest.mark.parametrize(
    ("name", "severities"),
    [
        *((name, {5}) for name in STUDIES if name.startswith("corrupted_cifar100")),
        ("corrupted_tinyimagenet", {5}),
        ("corrupted_severities", {2, 4, 6}),
    ],
)
def test_the_corruptions_that_the_paper_names(
    name: str, severities: set[int], cells: Reader, shipped: Catalogue
) -> None:
    found = [fields(shipped, cell) for cell in cells(name)]
    pairs = {(one["scenario.corruption"], one["scenario.severity"]) for one in found}
    assert pairs == {(corruption, severity) for corruption in NAMED for severity in severities}


def test_set_is_swept_over_density_and_data_ratio(cells: Reader) -> None:
    found = Counter((cell.method.name, cell.density) for cell in cells("el2n_ratios"))
    assert found == {("dense", "1"): 27} | {("set", density): 27 for density in DENSITIES}


def test_allocations_multiply_only_what_uses_them(cells: Reader) -> None:
    found = Counter(allocated(cell) for cell in cells("density_allocation"))
    ranked = {(name, None, "erk"): 12 for name in ("gmp", "lth", "omp", "snip")}
    drawn = {(name, None, "erk"): 12 for name in ("set", "pretrained", "static")}
    assert found == {
        ("dense", None, "erk"): 6,
        **ranked,
        **drawn,
        ("omp", "layer", "erk"): 12,
        ("static", None, "uniform"): 12,
    }


def test_accuracy_over_flops_trains_nothing_of_its_own(cells: Reader) -> None:
    ids = {name: {cell.id for cell in cells(name)} for name in CELLS_A_SEED}
    shared = ids["el2n_cifar100"] | ids["corrupted_cifar100_resnet18"]
    assert ids["accuracy_vs_flops"] <= shared
    assert len(ids["density_allocation"] & ids["el2n_cifar100"]) == 3 * 2 * (1 + 5 * 2)


@pytest.mark.parametrize("name", STUDIES)
def test_its_twin_asks_the_same_of_small_images(name: str, cells: Reader) -> None:
    twin, study = cells(f"{name}_ci"), cells(name)
    assert values(twin, lambda cell: cell.dataset.name) <= {"idx", "asu"}
    assert len(values(twin, lambda cell: cell.seed)) <= 2
    assert len(values(twin, lambda cell: cell.density) - {"1"}) <= 3
    for asked in (allocated, lambda cell: cell.scenario.name):
        assert values(twin, asked) == values(study, asked)
    ratios = values(study, lambda cell: cell.data_ratio)
    assert len(values(twin, lambda cell: cell.data_ratio)) == min(3, len(ratios))
