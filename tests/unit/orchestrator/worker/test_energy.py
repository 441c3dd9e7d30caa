"""Energy: charged as the device tells it, by shares where it is shared; None and never 0 else."""

from pathlib import Path

import pytest

from orchestrator.worker import energy
from orchestrator.worker.energy import Counter, Meter, gpu_counter, meter_of, processor_counter


def telling(*joules: float | None) -> Counter:
    """A counter that tells these, one after the other."""
    values = iter(joules)
    return lambda: next(values)


def test_a_meter_adds_up_what_is_told() -> None:
    meter = Meter(telling(10.0, 20.0, 7.0))
    assert [meter.total() for _ in range(3)] == [(10.0, 0), (30.0, 0), (37.0, 0)]


def test_a_device_that_does_not_tell_is_none_and_not_nothing() -> None:
    assert Meter(None).total() is None


def test_a_gap_is_counted_beside_what_is_known() -> None:
    meter = Meter(telling(5.0, None, 3.0))
    assert [meter.total() for _ in range(3)] == [(5.0, 0), (5.0, 1), (8.0, 1)]


class Machine:
    """The files of a machine with two processors, written by a test."""

    def __init__(self, folder: Path) -> None:
        self.rapl, self.stat = folder / "powercap", folder / "stat"
        zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1",
                 "intel-rapl:0:0": "core", "psys-rapl:0": "psys"}  # fmt: skip
        for zone, name in zones.items():
            (self.rapl / zone).mkdir(parents=True)
            (self.rapl / zone / "name").write_text(f"{name}\n")
            (self.rapl / zone / "max_energy_range_uj").write_text("1000000000\n")
        self.show(0, 0, busy=0.0)

    def show(self, first: int, second: int, *, busy: float) -> None:
        """Set both counters in joules, and the seconds that all processors were busy."""
        for zone in self.rapl.iterdir():
            joules = second if zone.name == "intel-rapl:1" else first
            (zone / "energy_uj").write_text(f"{joules * 1_000_000}\n")
        ticks = int(busy * energy.os.sysconf("SC_CLK_TCK"))
        self.stat.write_text(f"cpu {ticks // 2} 0 {ticks - ticks // 2} 999999 888 0 0 0 55 0\n")

    def counter(self) -> Counter:
        counter = processor_counter(self.rapl, self.stat)
        assert counter is not None
        return counter


@pytest.fixture
def own_seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The processor time of this process, for a test to set."""
    seconds = [0.0]
    monkeypatch.setattr(energy.time, "process_time", lambda: seconds[0])
    return seconds


def test_a_worker_is_charged_its_share_of_whole_processors(
    tmp_path: Path, own_seconds: list[float]
) -> None:
    machine = Machine(tmp_path)
    counter = machine.counter()
    machine.show(100, 60, busy=8.0)
    own_seconds[0] = 2.0
    assert counter() == pytest.approx(160 * 2 / 8)
    assert counter() == 0.0
    machine.show(110, 70, busy=9.0)
    own_seconds[0] = 3.0
    assert counter() == pytest.approx(20.0)


def test_a_counter_that_ran_over_goes_on(tmp_path: Path, own_seconds: list[float]) -> None:
    machine = Machine(tmp_path)
    machine.show(990, 0, busy=0.0)
    counter = machine.counter()
    machine.show(15, 5, busy=1.0)
    own_seconds[0] = 1.0
    assert counter() == pytest.approx(25.0 + 5.0)


def test_a_machine_without_readable_counters_tells_nothing(tmp_path: Path) -> None:
    assert processor_counter(tmp_path / "nowhere") is None
    machine = Machine(tmp_path)
    (machine.rapl / "intel-rapl:1" / "energy_uj").unlink()
    assert processor_counter(machine.rapl, machine.stat) is None


def test_a_counter_that_can_no_longer_be_read_tells_nothing(
    tmp_path: Path, own_seconds: list[float]
) -> None:
    machine = Machine(tmp_path)
    counter = machine.counter()
    (machine.rapl / "intel-rapl:0" / "energy_uj").unlink()
    assert counter() is None
    machine.show(50, 50, busy=1.0)
    assert counter() is None  # since when is not known
    machine.show(60, 60, busy=2.0)
    own_seconds[0] = 1.0
    assert counter() == pytest.approx(20.0)


@pytest.mark.parametrize(("gpus", "joules"), [(1.0, 90.0), (0.25, 22.5), (4.0, 90.0)])
def test_a_pack_is_charged_its_part_of_the_gpu_it_trains_on(
    monkeypatch: pytest.MonkeyPatch, gpus: float, joules: float
) -> None:
    # Only the driver is stood in for: it tells a growing total in millijoules.
    shown = iter([1_000.0, 91_000.0, None, 95_000.0])
    monkeypatch.setattr(energy, "_nvml_millijoules", lambda device: lambda: next(shown))
    counter = gpu_counter("cuda:0", gpus)
    assert counter is not None
    assert (counter(), counter(), counter()) == (joules, None, None)


def test_a_gpu_whose_driver_is_not_there_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the worker's numerical library")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU: its counter is read by the test marked gpu")
    assert meter_of("cuda", 1.0).total() is None


@pytest.mark.gpu
def test_a_real_gpu_counts_what_work_takes() -> None:
    import torch

    counter = gpu_counter("cuda", 1.0)
    assert counter is not None
    matrix = torch.ones(4096, 4096, device="cuda")
    for _ in range(300):
        matrix = (matrix @ matrix).clamp_(max=1.0)
    torch.cuda.synchronize()
    used = counter()
    assert used is not None
    assert 1.0 < used < 10_000.0
