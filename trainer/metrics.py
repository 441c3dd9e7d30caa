"""The final metrics that the trainer writes for every cell; probes add their own."""

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
)
"""Every final metric the trainer writes: name, unit, which way is better, meaning."""
