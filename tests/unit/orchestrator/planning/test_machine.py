"""This machine: how many GPUs it has for us, and how many packs share them."""

from pathlib import Path

import pytest

from orchestrator.planning.machine import gpus_here, packs_on_gpus


@pytest.mark.parametrize(("visible", "count"), [("0,1", 2), ("GPU-8f2a", 1), ("", 0), ("-1", 0)])
def test_what_the_environment_allows_counts(
    monkeypatch: pytest.MonkeyPatch, visible: str, count: int
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_here() == count


def test_without_a_word_of_the_environment_the_device_files_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "sda"):
        (tmp_path / name).touch()
    assert gpus_here(tmp_path) == 2


@pytest.mark.parametrize(
    ("gpus", "share", "packs"), [(2, 1.0, 2), (2, 0.25, 8), (1, 0.3, 3), (3, 2.0, 1), (0, 0.5, 0)]
)
def test_a_fraction_never_spans_two_gpus(gpus: int, share: float, packs: int) -> None:
    assert packs_on_gpus(gpus, share) == packs
