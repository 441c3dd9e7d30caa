"""Killing a process just before its n-th operation on the disk."""

import os
import warnings
from collections.abc import Callable
from typing import Any

STEPS = ("write", "fsync", "link", "replace", "rename", "unlink")


def die_at(step: int) -> Callable[[], int]:
    """Make this process die just before the disk operation of that number, writes half-way.

    Returns:
        A function that tells how many operations were counted.
    """
    count = 0

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == step:
                if name == "write":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2])
                os._exit(9)
            return real(*args, **options)

        return operation

    for name in STEPS:
        setattr(os, name, dying(name, getattr(os, name)))
    return lambda: count


def in_child(action: Callable[[], int]) -> int:
    """The exit status of `action` run in a fork of this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Arrow's threads survive a fork
        child = os.fork()
    if child == 0:
        try:
            os._exit(action())
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
