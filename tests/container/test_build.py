"""The steps of the Dockerfile, carried out without a container engine, give what it promises.

See tests/support/image_root.py for what stands in for what.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.dockerfile import patterns_of, stages_of
from tests.support.image_root import APT_CALLS, Image, Workshop

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
CI = os.environ.get("CI", "").lower() == "true"
NOBODY = "54321:54321"

# Links instead of copies, and nothing compiled: seconds instead of minutes, and no other result.
QUICKLY = {"UV_OFFLINE": "1", "UV_LINK_MODE": "symlink", "UV_COMPILE_BYTECODE": "0"}

TRAIN = """
echo 'raise SystemExit("shadowed")' > trainer.py
sparsesweep run digits --backend inline --set method=static --set density=0.5 --set seeds=1 \
    --set recipe.epochs=1
sparsesweep table digits
"""

FROZEN = """
mkdir /tmp/code
cp -R /opt/sparsesweep/grids /opt/sparsesweep/orchestrator /opt/sparsesweep/sparse \
    /opt/sparsesweep/trainer /tmp/code
PYTHONPATH=/tmp/code python -c '
import orchestrator.environment, trainer
orchestrator.environment.check_packages()
print(trainer.__file__)'
"""

JOIN = """
start() { ray start --block --num-cpus=1 --node-ip-address=127.0.0.1 --disable-usage-stats "$@"; }
start --head --port=6399 --include-dashboard=false >head.log 2>&1 &
until ray status --address=127.0.0.1:6399 >status.log 2>&1; do sleep 0.2; done
start --address=127.0.0.1:6399 >worker.log 2>&1 &
until ray status --address=127.0.0.1:6399 2>&1 | grep -F '/2.0 CPU'; do sleep 0.2; done
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The final image; where it cannot be made the tests are skipped, and with CI=true fail."""
    cache = uv_cache()
    reason = missing(cache)
    if reason is not None:
        (pytest.fail if CI else pytest.skip)(reason)
    folder = tmp_path_factory.mktemp("roots")
    workshop = Workshop(
        folder=folder,
        context=ROOT,
        patterns=patterns_of((ROOT / ".dockerignore").read_text(encoding="utf-8")),
        scripts=SCRIPTS,
        cache=cache,
        overrides=QUICKLY,
    )
    yield workshop.carry_out(stages_of((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    shutil.rmtree(folder)


def uv_cache() -> Path:
    """The cache that `make install` fills, not that of these tests."""
    environment = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    if not (SCRIPTS / "uv").exists():
        return Path.home() / ".cache" / "uv"
    asked = [SCRIPTS / "uv", "cache", "dir"]
    return Path(subprocess.check_output(asked, env=environment, text=True).strip())


def missing(cache: Path) -> str | None:
    """What keeps this machine from carrying out a Dockerfile, or None."""
    if os.geteuid() != 0:
        return "needs root: it makes root file systems and other users' processes"
    if shutil.which("ip") is None:
        return "needs ip (Debian's iproute2) for the loopback device of a network of its own"
    alone = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    if subprocess.run(alone, capture_output=True, check=False).returncode != 0:
        return "needs namespaces of its own: unshare is refused here"
    if not (SCRIPTS / "uv").exists() or not cache.is_dir():
        return "needs uv and its cache: this environment was installed without them"
    return None


def locked() -> dict[str, str]:
    """Name to version of everything in the lock that is for this machine."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    entries = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalnum()]
    wanted = [entry for entry in entries if entry.marker is None or entry.marker.evaluate()]
    return {entry.name: str(entry.specifier).removeprefix("==") for entry in wanted}


def test_what_is_installed_is_the_lock_and_the_project(image: Image) -> None:
    done = image.run("python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    listed = {item["name"].lower().replace("_", "-"): item for item in json.loads(done.stdout)}
    assert listed.pop("sparsesweep")["editable_project_location"] == "/opt/sparsesweep"
    del listed["pip"]
    assert {name: item["version"] for name, item in listed.items()} == locked()


def test_the_four_packages_their_data_and_nothing_private_came_along(image: Image) -> None:
    folder = image.inside("/opt/sparsesweep")
    assert {path.name for path in folder.iterdir()} == {
        *(".venv", "LICENSE", "README.md", "pyproject.toml", "requirements.lock"),
        *("grids", "orchestrator", "sparse", "trainer"),
    }
    assert (folder / "grids" / "studies" / "digits.yaml").is_file()
    assert list(folder.glob("orchestrator/__pycache__/cli.*.pyc")) != []


def test_debian_is_asked_for_ssh_and_rsync_and_nothing_more(image: Image) -> None:
    assert (image.root / APT_CALLS).read_text(encoding="utf-8").splitlines() == [
        "update",
        "install --yes --no-install-recommends openssh-client rsync",
    ]


def test_without_arguments_it_shows_its_help(image: Image) -> None:
    final = stages_of((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1]
    done = image.run(*final.one("ENTRYPOINT").words, *final.one("CMD").words)
    assert done.returncode == 0, done.stderr
    assert "Turn one grid file into one trustworthy table." in done.stdout


def test_its_user_is_not_root_and_cannot_change_the_installation(image: Image) -> None:
    assert image.run("id", "--user").stdout == "10001\n"
    found = image.run("find", "/opt", "/etc", "/base", "-writable", "-not", "-type", "l")
    assert (found.stdout, found.returncode) == ("", 0), found.stderr


def test_doctor_finds_nothing_wrong_for_its_user(image: Image) -> None:
    done = image.run("sparsesweep", "doctor", "--json", HOME="/home/sparsesweep")
    assert done.returncode == 0, done.stderr
    findings = {item["subject"]: item for item in json.loads(done.stdout)}
    assert findings["packages"]["found"] == "all four come from /opt/sparsesweep"
    assert [item for item in findings.values() if item["verdict"] == "broken"] == []


def test_anybody_trains_in_it_when_all_but_their_folder_is_read_only(image: Image) -> None:
    done = image.run(*("sh", "-ec", TRAIN), user=NOBODY, folder="/tmp", writable=False, HOME="/tmp")
    assert done.returncode == 0, done.stderr
    assert "digits: 1 of 1 cells have results" in done.stdout


def test_a_task_takes_the_code_of_the_store_and_not_that_of_the_image(image: Image) -> None:
    done = image.run("sh", "-ec", FROZEN, user=NOBODY, writable=False, HOME="/tmp")
    assert (done.stdout, done.returncode) == ("/tmp/code/trainer/__init__.py\n", 0), done.stderr


def test_a_login_shell_finds_ray(image: Image) -> None:
    done = image.run("bash", "--login", "-c", "command -v ray", HOME="/home/sparsesweep")
    assert done.stdout == "/opt/sparsesweep/.venv/bin/ray\n"


@pytest.mark.ray
def test_a_worker_joins_a_ray_cluster(image: Image) -> None:
    done = image.run("sh", "-c", JOIN, HOME="/home/sparsesweep")
    assert (done.returncode, "0.0/2.0 CPU" in done.stdout) == (0, True), done.stderr
