"""Energy that a worker is charged, where its device tells: of a GPU through NVML, of a CPU by RAPL.

A GPU counts the energy of the whole board. A pack that holds a fraction of it is charged that
fraction of what the board took meanwhile, so that packs that share one never add up to more than it
used. The processors' counters are those of whole packages, for everybody on the machine: a worker
is charged by its share of the processor time that was used meanwhile, idle power included. What
cannot be read is None, and never 0.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

Counter = Callable[[], float | None]
"""Joules that this worker is charged since the call before; None where that cannot be told."""

RAPL = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of processors; AMD's too stand under the name of Intel."""

STAT = Path("/proc/stat")
"""Where Linux shows what all processors of the machine were busy with."""

_PACKAGE = "package"
_IDLE = (3, 4)  # columns of /proc/stat that are no work: idle, waiting for disks
_GUESTS = 8  # and from this one on time that is in others already


class Meter:
    """Adds up what a worker is charged; the trainer asks at the ends of its blocks.

    Args:
        counter: Where the energy is read; None where nothing tells.
    """

    def __init__(self, counter: Counter | None) -> None:
        self._counter = counter
        self._joules = 0.0
        self._gaps = 0

    def total(self) -> tuple[float, int] | None:
        """Joules so far, and how often they could not be read; None where nothing tells.

        To be asked at least every minute, because the counters of processors run over.
        """
        if self._counter is None:
            return None
        more = self._counter()
        if more is None:
            self._gaps += 1
        else:
            self._joules += more
        return self._joules, self._gaps


def meter_of(device: str, gpus: float) -> Meter:
    """The meter of a worker.

    Args:
        device: The torch device that it trains on.
        gpus: GPUs of its pack, or the fraction of one.
    """
    return Meter(processor_counter() if device == "cpu" else gpu_counter(device, gpus))


def processor_counter(rapl: Path = RAPL, stat: Path = STAT) -> Counter | None:
    """The counter of this machine's processors; None where they have none that may be read.

    Args:
        rapl: Folder of the energy counters.
        stat: File of the processor times.
    """
    zones = [zone for zone in sorted(rapl.glob("*-rapl:*")) if _is_package(zone)]
    before = _microjoules(zones)
    if not before:
        return None
    spans = {zone: _number(zone / "max_energy_range_uj") or 0 for zone in zones}
    busy, own = _busy_seconds(stat), time.process_time()

    def joules() -> float | None:
        nonlocal before, busy, own
        last, busy_before, own_before = before, busy, own
        before, busy, own = _microjoules(zones), _busy_seconds(stat), time.process_time()
        if not before or not last or busy is None or busy_before is None:
            return None
        used = sum(_passed(last[zone], before[zone], spans[zone]) for zone in zones) / 1e6
        return used * _share(own - own_before, busy - busy_before)

    return joules


def gpu_counter(device: str, gpus: float) -> Counter | None:
    """The counter of a GPU; None where its driver has none.

    Args:
        device: The torch device: "cuda", or "cuda:1".
        gpus: GPUs of the pack, or the fraction of one that it is charged.
    """
    total = _nvml_millijoules(device)
    if total is None:
        return None
    return _since_the_last(total, min(1.0, gpus or 1.0))


def _since_the_last(total: Callable[[], float | None], share: float) -> Counter:
    """The counter that a growing total makes."""
    last = total()

    def joules() -> float | None:
        nonlocal last
        before, last = last, total()
        return None if last is None or before is None else share * (last - before) / 1000.0

    return joules


def _nvml_millijoules(device: str) -> Callable[[], float | None] | None:
    import pynvml
    import torch

    try:
        pynvml.nvmlInit()
        # By its id: NVML numbers all GPUs of the machine, torch those that this process may use.
        name = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        handle = pynvml.nvmlDeviceGetHandleByUUID(name)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except (pynvml.NVMLError, AttributeError, RuntimeError):
        return None

    def total() -> float | None:
        try:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except pynvml.NVMLError:
            return None

    return total


def _is_package(zone: Path) -> bool:
    """Whether a zone is a whole processor: not a part of one, which its package counts already."""
    try:
        return (zone / "name").read_text(encoding="ascii").startswith(_PACKAGE)
    except OSError:
        return False


def _microjoules(zones: list[Path]) -> Mapping[Path, int]:
    """What the counters show; empty when one of them cannot be read."""
    found = {zone: _number(zone / "energy_uj") for zone in zones}
    whole = {zone: value for zone, value in found.items() if value is not None}
    return whole if len(whole) == len(found) else {}


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _passed(before: int, now: int, span: int) -> int:
    """What a counter went on by, which begins at 0 again after its span."""
    return now - before if now >= before else now - before + span


def _share(own: float, busy: float) -> float:
    return min(1.0, own / busy) if busy > 0 else 0.0


def _busy_seconds(stat: Path) -> float | None:
    """Seconds that all processors together were busy since the machine started."""
    try:
        words = stat.read_text(encoding="ascii").splitlines()[0].split()[1 : 1 + _GUESTS]
        ticks = sum(int(word) for at, word in enumerate(words) if at not in _IDLE)
    except (OSError, ValueError, IndexError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK")
