"""Finding a backend: by name, with options that belong to it."""

from pathlib import Path

import pytest

from grids.problems import GridError
from orchestrator.backends import BackendError, RayOptions, choose_name, get_backend

STORE = Path("results")


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(GridError, match="unknown backend 'rya'; allowed: inline, ray, slurm"):
        get_backend("rya", STORE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RayOptions(address="h:1"), "--address belongs to --backend ray, not to inline"),
        (RayOptions(gpus=1.0), "--gpus-per-pack belongs to --backend ray, not to inline"),
    ],
)
def test_what_belongs_to_ray_is_refused_elsewhere(options: RayOptions, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        get_backend("inline", STORE, options)


@pytest.mark.parametrize("gpus", [1.5, -1.0, -0.25])
def test_a_pack_gets_a_fraction_of_one_gpu_or_whole_ones(gpus: float) -> None:
    with pytest.raises(BackendError, match=r"allowed: a fraction of one GPU, such as 0\.25"):
        get_backend("ray", STORE, RayOptions(gpus=gpus))


def test_packs_on_gpus_train_on_cuda() -> None:
    assert get_backend("ray", STORE).device == "cpu"
    assert get_backend("ray", STORE, RayOptions(gpus=0.5)).device == "cuda"
    assert get_backend("ray", STORE, RayOptions(address="h:1", gpus=2.0)).device == "cuda"


def test_a_local_ray_without_gpus_refuses_to_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    backend = get_backend("ray", STORE, RayOptions(gpus=0.5))
    with pytest.raises(BackendError, match="but this machine has 0 GPUs that may be used"):
        backend.capacity(threads=1)


def test_a_local_ray_carries_as_many_packs_as_its_gpus_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr("orchestrator.backends.ray_tune.default_slots", lambda threads: 64)
    capacity = get_backend("ray", STORE, RayOptions(gpus=0.3)).capacity(threads=1)
    assert capacity is not None
    assert capacity.slots == 6


def test_a_cluster_is_nobody_s_login_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.backends.choosing.shutil.which", lambda name: "/bin/sbatch")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert choose_name(None, "ray", elsewhere=True) == "ray"
    with pytest.raises(BackendError, match="looks like the login node"):
        choose_name(None, "ray")
