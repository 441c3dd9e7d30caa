"""Frozen defaults: changing what an unwritten option means must change the cell's identity.

A cell's id leaves defaults out, so a default may only change together with the `semantics` integer
of its method, allocation, data set, model or scenario. Whoever changes one raises the integer where
the entry is registered, and then brings this table up to date.
"""

import pytest

from trainer.describe import REGISTRIES, describe

# What the rules of topology updates have in every dynamic method.
RULES = {
    "drop_threshold": 0.001,
    "dense_until": 0.1,
    "candidate_factor": 4,
    "subset_factor": 1.0,
    "momentum": 0.9,
}

# The fifteen corruptions of CIFAR-10-C's benchmark.
COMMON = [
    "gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur",
    "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
    "jpeg_compression",
]  # fmt: skip

# What the sets of published images have.
IMAGES = {"val_fraction": 0.1, "split_seed": 0}
# What the sets that a person brings have.
CUT = {"val_fraction": 0.15, "test_fraction": 0.2, "split_seed": 0}
TABLE = {"split": "stratified", **CUT}
STUDY = {"split": "stratified", **IMAGES, "moments": "published"}

FROZEN = {
    "methods": {
        "acdc": (1, {"warm_up": 0.1, "phase": 0.05, "final_start": 0.85, "scope": "global"}),
        "dense": (1, {}),
        "gmp": (1, {"start": 0.1, "stop": 0.8, "update_every": 100, "scope": "global"}),
        "rigl": (
            1,
            {
                "drop_fraction": 0.3,
                "anneal": "cosine",
                "final_drop_fraction": 0.0,
                "anneal_stop": None,
                "update_every": 100,
                "update_stop": 0.75,
                "convention": "exact",
                "drop": "magnitude",
                "growth": "gradient",
                "redistribution": "none",
                **RULES,
            },
        ),
        "snfs": (
            1,
            {
                "drop": "magnitude",
                "drop_fraction": 0.5,
                "anneal": "cosine",
                "final_drop_fraction": 0.005,
                "anneal_stop": None,
                "growth": "momentum",
                "redistribution": "momentum",
                "update_every": 100,
                "update_stop": 1.0,
                **RULES,
            },
        ),
        "granet": (
            1,
            {
                "initial_density": 0.5,
                "prune_start": 0.0,
                "prune_stop": 0.5,
                "drop": "magnitude",
                "drop_fraction": 0.5,
                "anneal": "cosine",
                "final_drop_fraction": 0.005,
                "anneal_stop": None,
                "growth": "gradient",
                "redistribution": "none",
                "update_every": 100,
                "update_stop": 1.0,
                **RULES,
            },
        ),
        "set": (
            1,
            {
                "drop": "signed",
                "drop_fraction": 0.3,
                "anneal": "constant",
                "final_drop_fraction": 0.0,
                "anneal_stop": None,
                "update_every": 100,
                "update_unit": "steps",
                "update_stop": 1.0,
                "convention": "exact",
                "growth": "random",
                "redistribution": "none",
                **RULES,
            },
        ),
        "magnitude": (1, {"scope": "global", "positions": "scored"}),
        "iter_snip": (1, {"rounds": 60, "batches": 1, "positions": "scored"}),
        "force": (1, {"rounds": 60, "batches": 1, "positions": "scored"}),
        "grasp": (1, {"batches": 2, "temperature": 200.0, "positions": "scored"}),
        "synflow": (1, {"rounds": 100, "positions": "scored"}),
        "n_m": (1, {"m": 4, "decay": 2e-4}),
        "omp": (1, {"scope": "global"}),
        "set_np": (
            1,
            {
                "drop": "signed",
                "drop_fraction": 0.3,
                "anneal": "constant",
                "final_drop_fraction": 0.0,
                "anneal_stop": None,
                "update_every": 100,
                "update_unit": "steps",
                "update_stop": 1.0,
                "growth": "random",
                "redistribution": "none",
                **RULES,
                "target_fraction": 0.5,
                "prune_events": 5,
                "prune_start": 0.1,
                "prune_stop": 0.5,
                "score": "both",
                "normalise": False,
                "budget": "keep",
            },
        ),
        "same_capacity": (
            1,
            {"role": "sparse", "width": 0.5, "init": "matched", "fan_in": "dense"},
        ),
        "small_dense": (1, {}),
        "imp": (1, {"rate": 0.2, "rewind": "weights", "rewind_step": 0, "scope": "global"}),
        "lth": (1, {"scope": "global"}),
        "pretrained": (1, {}),
        "retrain": (
            1,
            {
                "source": "rigl",
                "start": "same_init",
                "mask": "kept",
                "fan_in": "dense",
                "draw": 0,
                "source_seed": None,
            },
        ),
        "srigl": (
            1,
            {
                "drop_fraction": 0.3,
                "anneal": "cosine",
                "final_drop_fraction": 0.0,
                "anneal_stop": None,
                "update_every": 100,
                "update_stop": 0.75,
                "ablate_below": 0.3,
            },
        ),
        "snip": (1, {"batches": 1, "positions": "scored"}),
        "static": (1, {}),
        "str": (1, {"initial": -5.0, "decay": 0.01, "momentum": 0.9}),
        "top_kast": (
            1,
            {
                "backward_extra": 0.1,
                "penalty": "l1",
                "penalty_rate": 1e-4,
                "update_every": 100,
                "update_stop": 0.75,
            },
        ),
    },
    "allocations": {
        "balanced": (1, {}),
        "er": (1, {"power": 1.0}),
        "er_epsilon": (1, {"epsilon": 20.0}),
        "erk": (1, {"power": 1.0}),
        "global_magnitude": (1, {}),
        "grasp": (1, {"batches": 2, "temperature": 200.0}),
        "half_magnitude": (1, {}),
        "igq": (1, {}),
        "snip": (1, {"batches": 1}),
        "synflow": (1, {"rounds": 100}),
        "uniform": (1, {}),
        "uniform_plus": (1, {"last": 0.2}),
    },
    "scenarios": {
        "adversarial": (
            1,
            {
                "norm": "linf",
                "epsilon": None,
                "step_size": None,
                "steps": 10,
                "random_start": True,
                "mode": "train",
                "track_statistics": False,
            },
        ),
        "clean": (1, {}),
        "corrupted": (
            1,
            {
                "corruption": "gaussian_noise",
                "severity": 5,
                "corruption_seed": 0,
                "test_arrays": "generated",
            },
        ),
        "el2n": (
            1,
            {
                "keep": "hard",
                "score": "el2n",
                "models": 1,
                "first_seed": 0,
                "score_epoch": 20,
                "score_step": 0,
                "balanced": False,
            },
        ),
    },
    "probes": {
        "corruptions": (
            1,
            {"corruptions": COMMON, "severities": [1, 2, 3, 4, 5], "corruption_seed": 0},
        ),
        "effective": (1, {"every": 0}),
        "generalisation": (1, {"every": 10}),
        "neurons": (1, {"every": 1}),
        "emergence": (
            1,
            {"every": 1, "settled": 0.5, "layers": False, "nnstd": False, "fix_output": True},
        ),
        "further_pruning": (
            1,
            {
                "criteria": ["magnitude", "random", "largest"],
                "scopes": ["layer", "global"],
                "percents": [0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90],
                "draws": 5,
                "statistics": "both",
                "recalibration_examples": 2000,
            },
        ),
        "gradient_flow": (1, {"examples": 1000, "training": True}),
        "robust": (
            1,
            {
                "steps": 20,
                "norm": None,
                "epsilon": None,
                "step_size": None,
                "random_start": True,
                "every": 20,
                "examples": None,
                "fgsm": False,
                "autoattack": False,
            },
        ),
        "zero_shot": (1, {}),
        "signal": (1, {"examples": 1000}),
    },
    "datasets": {
        "cifar10": (1, STUDY),
        "cifar100": (1, STUDY),
        "tinyimagenet": (1, STUDY),
        **{name: (1, IMAGES) for name in ("fashion_mnist", "kmnist", "mnist", "svhn", "usps")},
        "breast_cancer": (1, TABLE),
        "asu": (
            1,
            {
                "file": "asu/COIL20.mat",
                "standardise": "feature",
                "image_size": None,
                "pixel_order": "column",
                **TABLE,
            },
        ),
        "csv": (
            1,
            {
                "file": "table.csv",
                "label": None,
                "label_column": -1,
                "header": "auto",
                "delimiter": "comma",
                "standardise": "feature",
                **TABLE,
            },
        ),
        "image_folder": (1, {"folder": "images", "image_size": None, "colour": "rgb", **CUT}),
        "digits": (1, TABLE),
        "idx": (2, {"folder": "mnist", **TABLE, "val_fraction": 0.1}),
        "synthetic": (
            1,
            {
                "examples": 1024,
                "features": 32,
                "image_size": None,
                "classes": 10,
                "noise": 1.0,
                "data_seed": 0,
                "val_fraction": 0.15,
                "test_fraction": 0.2,
            },
        ),
        "synthetic_images": (
            1,
            {
                "examples": 1024,
                "size": 32,
                "channels": 3,
                "classes": 10,
                "contrast": 0.2,
                "noise": 0.2,
                "data_seed": 0,
                "val_fraction": 0.15,
                "test_fraction": 0.2,
            },
        ),
        "wine": (1, TABLE),
    },
    "models": {
        "convnet": (1, {"channels": [32, 64], "batch_norm": True}),
        "lenet5": (1, {"widths": [6, 16, 120, 84]}),
        "lenet_300_100": (1, {"hidden": [300, 100]}),
        "mlp": (
            1,
            {
                "hidden": [256, 256],
                "activation": "relu",
                "alpha": 0.6,
                "batch_norm": False,
                "skip": False,
                "bias": True,
            },
        ),
        "preact_resnet18": (1, {"widths": [64, 128, 256, 512]}),
        "resnet18": (1, {"stem": "cifar", "widths": [64, 128, 256, 512]}),
        "resnet34": (1, {"stem": "cifar", "widths": [64, 128, 256, 512]}),
        "resnet50": (1, {"stem": "cifar", "widths": [64, 128, 256, 512]}),
        "vgg16": (1, {"widths": [64, 128, 256, 512, 512, 512, 512]}),
        "vgg16_bn": (1, {"widths": [64, 128, 256, 512, 512]}),
        "vgg19_bn": (1, {"widths": [64, 128, 256, 512, 512]}),
        "vit": (1, {"patch": 4, "depth": 6, "heads": 3, "widths": [192, 64, 768]}),
        "wrn_22_2": (1, {"widths": [16, 32, 64, 128]}),
        "wrn_28_10": (1, {"widths": [16, 160, 320, 640]}),
        "wrn_34_10": (1, {"widths": [16, 160, 320, 640]}),
    },
}


def current():
    described = describe()
    return {
        (kind, entry["name"]): (
            entry["semantics"],
            {option["name"]: option["default"] for option in entry["options"]},
        )
        for kind in REGISTRIES
        for entry in described[kind]
    }


@pytest.mark.parametrize(("kind", "name"), sorted(current()))
def test_a_default_changes_only_with_the_semantics(kind, name):
    semantics, defaults = current()[kind, name]
    assert (semantics, defaults) == FROZEN[kind][name], (
        f"{kind} {name}: raise its semantics when a default or its behaviour changes, "
        "then update this table"
    )


def test_the_table_names_nothing_that_is_gone():
    assert {(kind, name) for kind in FROZEN for name in FROZEN[kind]} == set(current())
