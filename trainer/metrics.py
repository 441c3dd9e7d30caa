"""What the trainer writes for every cell: final metrics, and a curve. Probes add their own."""

from collections.abc import Mapping

CURVE_COLUMNS = (
    "epoch",
    "step",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "density",
    "lr",
)
"""Columns of a curve, one row per epoch. Training values are means over the epoch's steps."""

METRICS: tuple[dict[str, str], ...] = (
    {
        "name": "test_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the test split",
    },
    {
        "name": "test_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the test split",
    },
    {
        "name": "val_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the validation split",
    },
    {
        "name": "val_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the validation split",
    },
    {
        "name": "train_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "accuracy of the final weights on the training split",
    },
    {
        "name": "train_loss",
        "unit": "nats",
        "better": "lower",
        "help": "mean cross-entropy of the final weights on the training split",
    },
    {
        "name": "generalisation_gap",
        "unit": "fraction",
        "better": "lower",
        "help": "train_accuracy minus test_accuracy",
    },
    {
        "name": "best_val_accuracy",
        "unit": "fraction",
        "better": "higher",
        "help": "highest validation accuracy after any epoch",
    },
    {
        "name": "best_val_epoch",
        "unit": "epochs",
        "better": "lower",
        "help": "first epoch that reached best_val_accuracy",
    },
    {
        "name": "test_accuracy_at_best_val",
        "unit": "fraction",
        "better": "higher",
        "help": "test accuracy of the weights of best_val_epoch",
    },
    {
        "name": "best_final_difference",
        "unit": "fraction",
        "better": "lower",
        "help": "test_accuracy_at_best_val minus test_accuracy",
    },
    {
        "name": "test_calibration_error",
        "unit": "fraction",
        "better": "lower",
        "help": "expected calibration error of the final weights on the test split, 15 bins",
    },
    {
        "name": "density",
        "unit": "fraction",
        "better": "lower",
        "help": "active share of the maskable weights at the end",
    },
    {
        "name": "train_flops",
        "unit": "FLOPs",
        "better": "lower",
        "help": "operations of the whole training, scoring before it included; producers are not",
    },
    {
        "name": "train_flops_ratio",
        "unit": "fraction",
        "better": "lower",
        "help": "train_flops over those of training the dense network on the same samples",
    },
    {
        "name": "inference_flops",
        "unit": "FLOPs",
        "better": "lower",
        "help": "operations of the final network for one sample",
    },
    {
        "name": "inference_flops_ratio",
        "unit": "fraction",
        "better": "lower",
        "help": "inference_flops over those of the dense network",
    },
    {
        "name": "peak_weight_gradients",
        "unit": "weights",
        "better": "lower",
        "help": "most gradients of maskable weights that a step, or scoring before training, needs",
    },
    {
        "name": "peak_training_mb",
        "unit": "MiB",
        "better": "lower",
        "help": "computed: weights, gradients, optimizer slots and memory of topology updates at"
        " the peak, were active weights alone stored, in 4 bytes each",
    },
    {
        "name": "explored_rate",
        "unit": "fraction",
        "better": "higher",
        "help": "share of the maskable weights that was ever active (dynamic methods)",
    },
    {
        "name": "collapsed_layers",
        "unit": "layers",
        "better": "lower",
        "help": "maskable layers without a single active weight at the end",
    },
    {
        "name": "alive_neurons",
        "unit": "fraction",
        "better": "lower",
        "help": "share of the units of all layers but the last that was not pruned (srigl, set_np)",
    },
    {
        "name": "extra_params",
        "unit": "parameters",
        "better": "lower",
        "help": "parameters that no mask covers, not matched within a pair (same_capacity)",
    },
)
"""Every final metric the trainer writes: name, unit, which way is better, meaning."""


def split_metrics(split: str) -> tuple[str, str]:
    """The names of the accuracy and the loss on a split."""
    return f"{split}_accuracy", f"{split}_loss"


def joined(*parts: Mapping[str, float]) -> dict[str, float]:
    """All values in one mapping.

    Raises:
        ValueError: for a name that two parts give: neither value may hide the other.
    """
    whole: dict[str, float] = {}
    for part in parts:
        if twice := sorted(whole.keys() & part.keys()):
            raise ValueError(f"given twice: {', '.join(twice)}")
        whole |= part
    return whole
