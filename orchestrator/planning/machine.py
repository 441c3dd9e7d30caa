"""This machine: how many workers it carries, and with what."""

import os
from pathlib import Path

from orchestrator.planning.packing import Capacity

_MEMORY_SHARE = 0.8  # of the machine's memory; the rest is the system's and the driver's
_DEVICES = Path("/dev")


def default_slots(threads: int) -> int:
    """As many workers as the cores carry with that many threads each, at least 1."""
    return max(1, len(os.sched_getaffinity(0)) // threads)


def this_machine(slots: int) -> Capacity:
    """What this machine carries with that many workers: an equal share of its memory each."""
    memory = _memory_mb()
    share = memory * _MEMORY_SHARE / slots if memory is not None else None
    return Capacity(slots=slots, memory_mb=share)


def packs_on_gpus(gpus: int, share: float) -> int:
    """How many packs with that share of GPUs run at a time on so many GPUs.

    A fraction never spans two GPUs: each carries a whole number of packs.
    """
    return gpus * int(1 / share) if share < 1 else int(gpus // share)


def gpus_here(devices: Path = _DEVICES) -> int:
    """How many GPUs this process may use, judged by its environment and the device files.

    Args:
        devices: Folder of the device files.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([one for one in visible.split(",") if one.strip() not in ("", "-1")])
    return sum(path.name[len("nvidia") :].isdecimal() for path in devices.glob("nvidia*"))


def _memory_mb() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    except (ValueError, OSError):
        return None
