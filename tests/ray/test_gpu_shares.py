"""Packs that share GPUs, on a Ray that is told of GPUs it does not have: who may use which."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import json, os, sys, time
from pathlib import Path

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # loopback only
import ray
from orchestrator.backends.ray_trials import Share, import_tune, run_trials
from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.submissions.manifest import Manifest, publish_manifests, this_driver
from tests.support.cells import make_cell

ray.init(address="local", num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False)
import_tune()
store = Store.create(sys.argv[1])
paths = publish_manifests(store, [
    Manifest(pack=f"pack{seed}", store=str(store.root), grid="g", number=1, backend="ray",
             code="c0de", cells=(make_cell(seed=seed),), driver=this_driver(host()))
    for seed in range(4)
])


def note(cells, *, publish, request):
    from trainer.outcome import PackReport

    began = time.time()
    time.sleep(3)
    said = [os.environ["CUDA_VISIBLE_DEVICES"], began, time.time()]
    Path(request.checkpoint_folder).parent.parent.joinpath(f"{cells[0].seed}.said").write_text(
        json.dumps(said)
    )
    return PackReport(finished=0, stopped=False, seconds=3.0)


ends = run_trials(paths, slots=4, share=Share(threads=1, gpus=float(sys.argv[2])), trainer=note)
assert not any(end.error for end in ends), ends
print([json.loads(path.read_text()) for path in sorted(store.root.rglob("*.said"))])
"""


def notes_of(folder: Path, gpus: float) -> list[list[Any]]:
    """For each of four packs: the GPUs it saw, and from when to when it ran."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder / "results"), str(gpus)],
        cwd=ROOT, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[Any]] = ast.literal_eval(done.stdout.splitlines()[-1])
    assert len(found) == 4
    return found


def most_at_once(notes: list[list[Any]]) -> int:
    return max(sum(a[1] <= b[1] < a[2] for a in notes) for b in notes)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize(("gpus", "at_once"), [(0.5, 4), (1.0, 2)])
def test_each_pack_sees_one_gpu_and_as_many_run_as_fit(
    tmp_path: Path, gpus: float, at_once: int
) -> None:
    notes = notes_of(tmp_path, gpus)
    assert sorted({note[0] for note in notes}) == ["0", "1"]
    assert most_at_once(notes) == at_once
