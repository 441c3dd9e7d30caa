"""Where the data of a plan is, and whether it is there."""

from dataclasses import replace
from pathlib import Path

from orchestrator.datasets.checking import absence
from orchestrator.datasets.sources import all_sources
from orchestrator.planning.request import Planned, RequestError


def with_data_root(planned: Planned, *, profile: str, root: Path) -> Planned:
    """The plan with the data root of a cluster's profile, unless another was asked for.

    Args:
        planned: The plan; its request has the root of the flag or the environment, if any.
        profile: The name of the profile, for errors.
        root: Its data root.

    Raises:
        RequestError: When that is no folder.
    """
    if planned.request.data_root is not None:
        return planned
    if not root.is_dir():
        raise RequestError(f"data_root {root} of profile {profile}: there is no such folder")
    return replace(planned, request=replace(planned.request, data_root=root))


def check_data(planned: Planned) -> None:
    """Refuse to train on files when it is not said where these are, or they are not there.

    Raises:
        RequestError: Naming the datasets, or the files and the command that fetches them.
    """
    root = planned.request.data_root
    used = {cell.dataset.name for cell in planned.plan.to_train()}
    read = [source for source in all_sources(planned.catalogue) if source.name in used]
    if root is None and read:
        raise RequestError(
            f"dataset {', '.join(source.name for source in read)} is read from files: say where "
            "with --data-root FOLDER, with SPARSESWEEP_DATA, or with data_root in the profile of "
            "a cluster"
        )
    if root is not None:
        missing = [text for source in read if (text := absence(source, root))]
        if missing:
            raise RequestError("\n".join(missing))
