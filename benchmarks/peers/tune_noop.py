"""No-op trials through Ray Tune, in a process that already holds a running Ray."""

import tempfile
import time


def trainable(config: dict) -> dict[str, int]:
    """Do nothing but hand the cell's number back."""
    return {"value": config["cell"]}


def seconds_for(cells: int, *, reuse_actors: bool) -> float:
    """Wall seconds of one `fit` over that many no-op trials; Ray must have been started.

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
    values = sorted(result.metrics["value"] for result in results if result.metrics)
    if results.num_errors or values != list(range(cells)):
        raise RuntimeError(f"{results.num_errors} of {cells} no-op trials failed")
    return seconds
