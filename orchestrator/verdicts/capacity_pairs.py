"""Pairs of the method `same_capacity`, and the tests that they are put to.

A test is of the pairs of one optimizer, variant and activation over all widths and seeds. Tests
that differ in anything else, a data set, a depth, a learning rate, are of different slabs; those
that differ in what makes the variant, a crop, a weight decay, are different tests of one slab.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.answers.results import Answer, text_of
from orchestrator.statistics.corrections import holm
from orchestrator.verdicts.cells import Key, OptionsRead, abouts, key_of
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.pairs import Differences, Pair, differences, paired

ACCURACY = "test_accuracy"
METHOD, ROLE, WIDTH, INIT = "same_capacity", "method.role", "method.width", "method.init"
ROLES = ("sparse", "dense")
LABELS = ("optimizer", "variant", "activation")
_WIDTH_DEFAULT = 0.5

OPTIMIZER = ("recipe.optimizer", "recipe.momentum", "recipe.nesterov")
"""The fields that an optimizer's label stands for."""

ACTIVATION, BATCH_NORM, WEIGHT_DECAY = "model.activation", "model.batch_norm", "recipe.weight_decay"
_AUGMENTATIONS, _SKIP = ("recipe.crop", "recipe.flip", "recipe.rotation"), "model.skip"
_FILL = "recipe.crop_fill"
_VARIANT = (*_AUGMENTATIONS, _FILL, WEIGHT_DECAY, _SKIP, BATCH_NORM)

METRICS_READ = (ACCURACY,)
OPTIONS_READ: OptionsRead = {
    f"method {METHOD}": {ROLE: ROLES, WIDTH: (), INIT: ("matched",)},
    "model": {ACTIVATION: ("relu",), BATCH_NORM: (), _SKIP: ()},
    "recipe": {
        OPTIMIZER[0]: ("sgd", "adamw"),
        **dict.fromkeys((*OPTIMIZER[1:], *_AUGMENTATIONS, _FILL, WEIGHT_DECAY), ()),
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The pairs of one test: they differ in width and seed only.

    Attributes:
        slab: What else is fixed and varies between tests of the same labels.
        optimizer: "sgd", "momentum 0.9", "adam", ...
        variant: "NR", "DA_BN", ...
        detail: What tells tests of one variant apart: "crop=2"; mostly nothing.
        activation: The activation of the hidden layers.
        init: How the initial weights were scaled.
        pairs: Sparse first, dense second; each pair of networks once.
        repeated: How many further pairs are of the same two networks, at another width.
        differences: Sparse minus dense in test accuracy.
    """

    slab: Mapping[str, str]
    optimizer: str
    variant: str
    detail: str
    activation: str
    init: str
    pairs: tuple[Pair, ...]
    repeated: int
    differences: Differences

    @property
    def p(self) -> float | None:
        """Of S > D over the whole pairs; None when there are none."""
        test = self.differences.test
        return None if test is None else test.p

    @property
    def told_variant(self) -> str:
        """The variant, with its values where other tests have others."""
        return f"{self.variant} {self.detail}".rstrip()

    @property
    def labels(self) -> tuple[str, str, str]:
        """What `LABELS` names."""
        return self.optimizer, self.told_variant, self.activation


def comparisons(material: Material) -> list[Comparison]:
    """All tests that the cells of `same_capacity` give, in the order of their first cells."""
    groups: dict[Key, list[Pair]] = {}
    for pair in paired(material.cells, half, (ROLE,)):
        groups.setdefault(key_of(pair.either, (ROLE, WIDTH, "seed")), []).append(pair)
    labels = {key: labels_of(own[0].either) for key, own in groups.items()}
    slabs, details = _slabs(labels), _details(labels)
    return [
        _comparison(slabs[key], details[key], _distinct(material, own))
        for key, own in groups.items()
    ]


def half(answer: Answer) -> int | None:
    """0 for the sparse half of a pair, 1 for the dense one, None for other cells."""
    if answer.fields["method"] != METHOD:
        return None
    return ROLES.index(text_of(answer.fields.get(ROLE, "sparse")))


def labels_of(answer: Answer) -> tuple[str, str, str]:
    """Optimizer, variant and activation of a cell."""
    activation = text_of(answer.fields.get(ACTIVATION, "relu"))
    return optimizer_of(answer), variant_of(answer), activation


def width_of(answer: Answer) -> float:
    """The width of the dense half, as a share of the model's."""
    return float(answer.fields.get(WIDTH, _WIDTH_DEFAULT))


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


def _distinct(material: Material, pairs: Sequence[Pair]) -> tuple[list[Pair], int]:
    """The pairs without those of the same two networks and seed, and how many these are.

    Widths of a small model may round to one network, which is no further evidence.
    """
    found: list[Pair] = []
    seen = set()
    for pair in pairs:
        halves = [pair.first, pair.second]
        networks = [material.networks.get(half.cell) for half in halves if half is not None]
        both = (pair.either.fields["seed"], *networks)
        if len(networks) < 2 or None in networks or both not in seen:
            found.append(pair)
        seen.add(both)
    return found, len(pairs) - len(found)


def _comparison(
    slab: Mapping[str, str], detail: str, distinct: tuple[Sequence[Pair], int]
) -> Comparison:
    pairs, repeated = distinct
    optimizer, variant, activation = labels_of(pairs[0].either)
    return Comparison(
        slab=slab,
        optimizer=optimizer,
        variant=variant,
        detail=detail,
        activation=activation,
        init=text_of(pairs[0].either.fields.get(INIT, "matched")),
        pairs=tuple(pairs),
        repeated=repeated,
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
    telling -= {*OPTIMIZER, *_VARIANT, ACTIVATION}
    short = {key: tuple(pair for pair in key if pair[0] in telling) for key in labels}
    about = abouts(list(dict.fromkeys(short.values())))
    return {key: about[own] for key, own in short.items()}


def _details(labels: Mapping[Key, tuple[str, str, str]]) -> dict[Key, str]:
    """What tells each test from others with the same labels, of the fields that make a variant."""
    alike: dict[tuple[str, str, str], list[Key]] = {}
    variants = {key: tuple(pair for pair in key if pair[0] in _VARIANT) for key in labels}
    for key, own in labels.items():
        alike.setdefault(own, []).append(variants[key])
    about = {own: abouts(list(dict.fromkeys(keys))) for own, keys in alike.items()}
    return {
        key: " ".join(f"{name}={value}" for name, value in about[own][variants[key]].items())
        for key, own in labels.items()
    }
