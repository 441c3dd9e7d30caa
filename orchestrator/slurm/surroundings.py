"""The environment in which sbatch is called: what it says must not change what a job asks for."""

import contextlib
import os
from collections.abc import Iterator

from orchestrator.slurm.profiles import Profile

_KEPT = ("SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT", "SBATCH_CLUSTERS", "SBATCH_RESERVATION")
"""Which cluster, and as whom: true inside a job too."""

_PREFIXES = ("SLURM_", "SLURMD_", "SUBMITIT_", "SRUN_", "SBATCH_")

_CONTAINER = ("APPTAINER", "SINGULARITY")
"""What describes a container; a person's settings for one, on a login node, are left alone."""


@contextlib.contextmanager
def outside_of_any_job(profile: Profile) -> Iterator[None]:
    """Hide from sbatch what it would take for options, and prefer to those in a job's script.

    That is what describes the job and the container that this process is in, and a person's own
    defaults. Of these the account, the partition, the QOS and the constraint stay where the profile
    leaves them open.

    Args:
        profile: How the job asks for resources.
    """
    kept = {*_KEPT, *_left_open(profile)}
    inside = any(f"{name}_CONTAINER" in os.environ for name in _CONTAINER)
    prefixes = (*_PREFIXES, *_CONTAINER) if inside else _PREFIXES
    hidden = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(prefixes) and name not in kept
    }
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


def _left_open(profile: Profile) -> list[str]:
    given = {
        "SBATCH_ACCOUNT": profile.account,
        "SBATCH_PARTITION": profile.partition,
        "SBATCH_QOS": profile.qos,
        "SBATCH_CONSTRAINT": profile.constraint,
    }
    return [name for name, value in given.items() if value is None]
