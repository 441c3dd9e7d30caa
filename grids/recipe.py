"""The training recipe: every field with its type, range and default, and which fields have effect.

The recipe is part of a cell's identity. A default that changes would silently give old ids a new
meaning, so it changes only together with `SEMANTICS`.
"""

from collections.abc import Mapping

from grids.options import Option, Value
from grids.problems import show

SEMANTICS = 1
"""Raised when a default below, or what a field means, changes; part of every cell's id."""

PER_CELL = ("lr", "momentum", "weight_decay")
"""Recipe fields that may differ between cells that train together; they move no cost."""

RECIPE: tuple[Option, ...] = (
    Option(name="epochs", type="int", default=20, ge=1, help="passes over the training split"),
    Option(name="batch", type="int", default=32, ge=1, help="examples per optimizer step"),
    Option(
        name="optimizer",
        type="str",
        default="sgd",
        choices=("sgd", "adam", "adamw", "adagrad", "rmsprop"),
        help="adamw decays weights apart from the gradient, all others through it",
    ),
    Option(name="lr", type="float", default=0.1, gt=0, help="learning rate after the warm-up"),
    Option(name="momentum", type="float", default=0.9, ge=0, lt=1, help="sgd only"),
    Option(name="nesterov", type="bool", default=False, help="sgd with momentum only"),
    Option(name="weight_decay", type="float", default=0.0005, ge=0, help="L2 coefficient"),
    Option(
        name="schedule",
        type="str",
        default="cosine",
        choices=("constant", "step", "cosine"),
        help="how the learning rate falls over the run",
    ),
    Option(
        name="milestones",
        type="list[float]",
        default=(0.5, 0.75),
        gt=0,
        lt=1,
        help="fractions of all steps at which the rate is multiplied by gamma (step only)",
    ),
    Option(name="gamma", type="float", default=0.1, gt=0, help="factor per milestone (step only)"),
    Option(
        name="warmup_epochs",
        type="int",
        default=0,
        ge=0,
        help="epochs over which the learning rate rises linearly to lr",
    ),
    Option(
        name="label_smoothing",
        type="float",
        default=0.0,
        ge=0,
        lt=1,
        help="share of the target spread evenly over all classes",
    ),
    Option(
        name="clip_norm",
        type="float",
        default=None,
        nullable=True,
        gt=0,
        help="largest L2 norm of all gradients together, those of inactive weights included;"
        " null leaves them alone",
    ),
    Option(
        name="precision",
        type="str",
        default="fp32",
        choices=("fp32", "bf16"),
        help="number format of the forward and backward pass",
    ),
    Option(
        name="storage",
        type="str",
        default="masked",
        choices=("masked", "csr"),
        help="masked: dense tensors with zeros (simulated sparsity); csr: only the active weights"
        " are stored, for static, set and set_np on plain perceptrons, on the CPU",
    ),
    Option(
        name="layout",
        type="str",
        default="contiguous",
        choices=("contiguous", "channels_last"),
        help="how images lie in memory; channels_last is faster for bf16 convolutions",
    ),
    Option(
        name="crop",
        type="int",
        default=0,
        ge=0,
        help="pixels of padding around a training image, of which a random crop of its own size"
        " is taken; 0 for none",
    ),
    Option(
        name="crop_fill",
        type="str",
        default="zero",
        choices=("zero", "reflect"),
        help="what the padding holds (crop only)",
    ),
    Option(
        name="flip",
        type="bool",
        default=False,
        help="mirror each training image with probability 1/2",
    ),
    Option(
        name="rotation",
        type="float",
        default=0.0,
        ge=0,
        le=180,
        help="largest angle, in degrees, by which a training image is turned to either side",
    ),
    Option(
        name="tier",
        type="str",
        default="exact",
        choices=("exact", "fast"),
        help="exact: the same bits in any pack; fast: the same distribution",
    ),
    Option(name="threads", type="int", default=1, ge=1, help="CPU threads per cell (exact only)"),
)

OPTIONS: Mapping[str, Option] = {option.name: option for option in RECIPE}
"""The recipe's options by name."""


def defaults() -> dict[str, Value]:
    """Every recipe field at its default."""
    return {option.name: option.default for option in RECIPE}


def without_effect(settings: Mapping[str, Value]) -> dict[str, str]:
    """The fields that change nothing beside the others, each with the reason in words.

    `settings` holds every field. A cell keeps such a field at its default, so that two cells that
    train alike have one id.
    """
    idle: dict[str, str] = {}
    if settings["optimizer"] != "sgd":
        reason = f"with recipe.optimizer {settings['optimizer']} it has no effect (sgd only)"
        idle |= dict.fromkeys(("momentum", "nesterov"), reason)
    elif settings["momentum"] == 0:
        idle["nesterov"] = "with recipe.momentum 0 it has no effect"
    if settings["schedule"] != "step":
        reason = f"with recipe.schedule {settings['schedule']} it has no effect (step only)"
        idle |= dict.fromkeys(("milestones", "gamma"), reason)
    if settings["crop"] == 0:
        idle["crop_fill"] = "with recipe.crop 0 it has no effect"
    if settings["tier"] == "fast":
        idle["threads"] = "with recipe.tier fast it has no effect (the worker's cores are shared)"
    return idle


def contradictions(settings: Mapping[str, Value]) -> dict[str, str]:
    """The fields that cannot go with the others, each with the reason in words.

    `settings` holds every field.
    """
    wrong: dict[str, str] = {}
    epochs, warmup, milestones = (settings[n] for n in ("epochs", "warmup_epochs", "milestones"))
    assert isinstance(epochs, int)
    assert isinstance(warmup, int)
    assert isinstance(milestones, tuple)
    if warmup > epochs:
        wrong["warmup_epochs"] = f"is {warmup}, which is more than recipe.epochs {epochs}"
    if list(milestones) != sorted(set(milestones), key=lambda fraction: float(fraction or 0)):
        wrong["milestones"] = f"is {show(milestones)}; each must be larger than the one before"
    return wrong | _contradict_csr(settings)


def _contradict_csr(settings: Mapping[str, Value]) -> dict[str, str]:
    """What cannot go with truly sparse layers."""
    if settings["storage"] != "csr":
        return {}
    reasons = {
        "precision": "sparse products are computed in fp32",
        "layout": "a perceptron's inputs have no layout",
        "clip_norm": "the norm counts gradients of inactive weights, which are not computed",
    }
    return {
        name: f"is {show(settings[name])}, but with recipe.storage csr {reason}; leave it out"
        for name, reason in reasons.items()
        if settings[name] != OPTIONS[name].default
    }
