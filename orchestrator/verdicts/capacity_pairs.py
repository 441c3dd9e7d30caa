"""Pairs of the method `same_capacity`, and the tests that they are put to.

A test is of the pairs of one optimizer, variant and activation over all widths and seeds. Tests
that differ in anything else, a data set, a depth, a learning rate, are of different slabs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.rank_tests import holm
from orchestrator.answers.results import Answer, text_of
from orchestrator.verdicts.cells import Key, OptionsRead, abouts, key_of
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import Differences, Pair, differences, paired

ACCURACY = "test_accuracy"
METHOD, ROLE, WIDTH, INIT = "same_capacity", "method.role", "method.width", "method.init"
ROLES = ("sparse", "dense")

OPTIMIZER = ("recipe.optimizer", "recipe.momentum", "recipe.nesterov")
"""The fields that an optimizer's label stands for."""

ACTIVATION, BATCH_NORM, WEIGHT_DECAY = "model.activation", "model.batch_norm", "recipe.weight_decay"
_AUGMENTATIONS, _SKIP = ("recipe.crop", "recipe.flip", "recipe.rotation"), "model.skip"

METRICS_READ = (ACCURACY,)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {ROLE: ROLES, WIDTH: (), INIT: ("matched",)},
    "model": {ACTIVATION: ("relu",), BATCH_NORM: (), _SKIP: ()},
    "recipe": {
        OPTIMIZER[0]: ("sgd", "adamw"),
        **dict.fromkeys((*OPTIMIZER[1:], *_AUGMENTATIONS, WEIGHT_DECAY), ()),
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The pairs of one test: they differ in width and seed only.

    Attributes:
        slab: What else is fixed and varies between tests of the same labels.
        optimizer: "sgd", "momentum 0.9", "adam", ...
        variant: "NR", "DA_BN", ...
        activation: The activation of the hidden layers.
        init: How the initial weights were scaled.
        pairs: Sparse first, dense second.
        differences: Sparse minus dense in test accuracy.
    """

    slab: Mapping[str, str]
    optimizer: str
    variant: str
    activation: str
    init: str
    pairs: tuple[Pair, ...]
    differences: Differences

    @property
    def p(self) -> float | None:
        """Of S > D over the whole pairs; None when there are none."""
        test = self.differences.test
        return None if test is None else test.p

    @property
    def labels(self) -> tuple[str, str, str]:
        """Optimizer, variant and activation."""
        return self.optimizer, self.variant, self.activation


def comparisons(material: Material) -> list[Comparison]:
    """All tests that the cells of `same_capacity` give, in the order of their first cells."""
    groups: dict[Key, list[Pair]] = {}
    for pair in paired(material.cells, half, (ROLE,)):
        groups.setdefault(key_of(pair.either, (ROLE, WIDTH, "seed")), []).append(pair)
    slabs = _slabs({key: labels_of(own[0].either) for key, own in groups.items()})
    return [_comparison(slabs[key], own) for key, own in groups.items()]


def half(answer: Answer) -> int | None:
    """0 for the sparse half of a pair, 1 for the dense one, None for other cells."""
    if answer.fields["method"] != METHOD:
        return None
    return ROLES.index(text_of(answer.fields.get(ROLE, "sparse")))


def labels_of(answer: Answer) -> tuple[str, str, str]:
    """Optimizer, variant and activation of a cell."""
    activation = text_of(answer.fields.get(ACTIVATION, "relu"))
    return optimizer_of(answer), variant_of(answer), activation


def optimizer_of(answer: Answer) -> str:
    """The optimizer by name; sgd with momentum is "momentum 0.9"."""
    name, momentum = answer.fields["recipe.optimizer"], answer.fields.get("recipe.momentum", 0)
    if name != "sgd" or not momentum:
        return str(name)
    nesterov = " nesterov" if answer.fields.get("recipe.nesterov") else ""
    return f"momentum {text_of(momentum)}{nesterov}"


def variant_of(answer: Answer) -> str:
    """What a cell has beside the plain network, derived from its fields.

    DA: any augmentation; L2: weight decay through the gradient; WD: apart from it (adamw); SC: skip
    connections; BN: batch norm; joined as in DA_L2_SC_BN. NR is none of them.
    """
    fields = answer.fields
    decay = "WD" if fields["recipe.optimizer"] == "adamw" else "L2"
    parts = {
        "DA": any(fields.get(path) for path in _AUGMENTATIONS),
        decay: bool(fields.get(WEIGHT_DECAY)),
        "SC": bool(fields.get(_SKIP)),
        "BN": bool(fields.get(BATCH_NORM)),
    }
    return "_".join(name for name, present in parts.items() if present) or "NR"


def adjusted(found: Sequence[Comparison]) -> dict[int, float]:
    """Place of each test that has a p to its p adjusted by Holm for all tests of its slab."""
    families: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for at, comparison in enumerate(found):
        if comparison.p is not None:
            families.setdefault(tuple(comparison.slab.items()), []).append(at)
    result: dict[int, float] = {}
    for members in families.values():
        p_values = [found[at].p or 0.0 for at in members]
        result |= dict(zip(members, holm(p_values), strict=True))
    return result


def _comparison(slab: Mapping[str, str], pairs: Sequence[Pair]) -> Comparison:
    optimizer, variant, activation = labels_of(pairs[0].either)
    return Comparison(
        slab=slab,
        optimizer=optimizer,
        variant=variant,
        activation=activation,
        init=text_of(pairs[0].either.fields.get(INIT, "matched")),
        pairs=tuple(pairs),
        differences=differences(pairs, ACCURACY),
    )


def _slabs(labels: Mapping[Key, tuple[str, str, str]]) -> dict[Key, dict[str, str]]:
    """The fields of each test that tell it from others with the same labels.

    A field that goes with a label, as a learning rate of its own for every optimizer does, tells
    nothing apart.
    """
    alike: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for key, own in labels.items():
        alike.setdefault(own, []).append(dict(key))
    telling = {
        path
        for fields in alike.values()
        for path in {path for own in fields for path in own}
        if len({own.get(path) for own in fields}) > 1
    }
    telling -= {*OPTIMIZER, ACTIVATION}
    short = {key: tuple(pair for pair in key if pair[0] in telling) for key in labels}
    about = abouts(list(dict.fromkeys(short.values())))
    return {key: about[own] for key, own in short.items()}
