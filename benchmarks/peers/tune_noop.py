"""No-op trials through Ray Tune: the seconds of `fit` alone, Ray already started."""

import argparse
import json
import tempfile
import time

from peers.local_ray import start_ray


def trainable(config: dict) -> dict[str, int]:
    """Do nothing but hand the cell's number back."""
    return {"value": config["cell"]}


def seconds_for(cells: int, *, reuse_actors: bool) -> float:
    """Wall seconds of one `fit` over that many no-op trials.

    Raises:
        RuntimeError: when a trial failed or is missing.
    """
    from ray import tune

    with tempfile.TemporaryDirectory() as storage:
        tuner = tune.Tuner(
            trainable,
            param_space={"cell": tune.grid_search(list(range(cells)))},
            tune_config=tune.TuneConfig(reuse_actors=reuse_actors),
            run_config=tune.RunConfig(storage_path=storage, verbose=0),
        )
        start = time.perf_counter()
        results = tuner.fit()
        seconds = time.perf_counter() - start
    reported = [results[index].metrics for index in range(len(results))]
    values = sorted(metrics["value"] for metrics in reported if metrics)
    if results.num_errors or values != list(range(cells)):
        raise RuntimeError(f"{results.num_errors} of {cells} no-op trials failed")
    return seconds


def main() -> None:
    """Start Ray, run the trials, print one line of JSON with their seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--reuse-actors", action="store_true", help="Tune's reuse_actors=True")
    parser.add_argument("--settle", type=float, default=0.0, help="seconds between start and clock")
    arguments = parser.parse_args()
    start_ray()
    time.sleep(arguments.settle)
    print(json.dumps(seconds_for(arguments.cells, reuse_actors=arguments.reuse_actors)))


if __name__ == "__main__":
    main()
