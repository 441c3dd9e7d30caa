"""Let Tune's trials run in the workers that a local Ray starts ahead of its first task.

A local Ray starts one process per CPU at once, and they load torch and the trainer while the run is
still being planned. Tune would not use them: it asks for its actors with environment variables of
its own, for which Ray starts a process apiece, and every first pack waits seconds for it.
"""

from collections.abc import Mapping


def accept_waiting_workers(inherited: Mapping[str, str]) -> None:
    """Make Tune ask for its actors without the variables that every worker has anyway.

    Tune has no setting for this, so its own tables are emptied of what is inherited; were they to
    move, trials would start processes of their own again, and nothing else would change.

    Args:
        inherited: the environment from which the local Ray's workers were started.
    """
    from ray.tune.execution import class_cache

    wanted = class_cache.DEFAULT_ENV_VARS
    class_cache.DEFAULT_ENV_VARS = {
        name: value for name, value in wanted.items() if inherited.get(name) != value
    }
    class_cache.ENV_VARS_TO_PROPAGATE = {
        name for name in class_cache.ENV_VARS_TO_PROPAGATE if name not in inherited
    }
