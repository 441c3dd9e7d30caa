"""The digits grid by hand: one Ray Tune trial per cell, results from Tune's own result grid."""

import argparse
import json
import tempfile
from pathlib import Path

from peers.local_ray import start_ray

METHODS, DENSITIES = ["static", "set"], [0.05, 0.1, 0.2]


def trainable(config: dict) -> dict[str, float]:
    """Train one cell; Tune records what is returned as the trial's last result."""
    from peers.digits_by_hand import train_cell

    return train_cell(config["method"], config["density"], config["seed"])


def main() -> None:
    """Run the grid and print one line of JSON: cells, failures and mean test accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, required=True, help="seeds per method and density")
    parser.add_argument("--reuse-actors", action="store_true", help="Tune's reuse_actors=True")
    parser.add_argument(
        "--storage", type=Path, help="Tune's storage folder; a temporary one if absent"
    )
    arguments = parser.parse_args()

    from ray import tune

    start_ray()
    with tempfile.TemporaryDirectory() as temporary:
        storage = arguments.storage or Path(temporary)
        tuner = tune.Tuner(
            trainable,
            param_space={
                "method": tune.grid_search(METHODS),
                "density": tune.grid_search(DENSITIES),
                "seed": tune.grid_search(list(range(arguments.seeds))),
            },
            tune_config=tune.TuneConfig(reuse_actors=arguments.reuse_actors),
            run_config=tune.RunConfig(storage_path=str(storage.resolve()), verbose=0),
        )
        results = tuner.fit()
    reported = [results[index].metrics for index in range(len(results))]
    accuracies = [metrics["test_accuracy"] for metrics in reported if metrics]
    summary = {
        "cells": len(results),
        "failed": results.num_errors,
        "mean_test_accuracy": sum(accuracies) / len(accuracies),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
