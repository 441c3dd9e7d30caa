"""Resident memory of this process as the kernel counts it: now, and at its highest.

For a figure the process must be started with `MMAP_EVERYTHING` in its environment: then a large
tensor is pages of its own, which are there from the first write and gone when the tensor is.
"""

from pathlib import Path

MMAP_EVERYTHING = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""What makes glibc map every block of 64 KiB and more on its own, and keep none that is free."""


def resident() -> int:
    """Bytes that are resident now."""
    return _status("VmRSS")


def peak() -> int:
    """The most bytes that were resident at once since `forget_peak`, or since the start."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Begin to count the peak anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"the kernel does not tell {name}")
