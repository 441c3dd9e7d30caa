"""The Dockerfile keeps its promises: pinned, locked, not root, in step with `make install`.

What can be said of any Dockerfile is hadolint's, which `make lint` runs. Here stands what only this
project knows.
"""

import re
import tomllib
from pathlib import Path

import pytest

from tests.support.dockerfile import Stage, ignored, patterns_of, stages_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
IGNORE = patterns_of((ROOT / ".dockerignore").read_text(encoding="utf-8"))
PACKAGES = ("grids", "orchestrator", "sparse", "trainer")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def builder() -> Stage:
    return stages_of(TEXT)[0]


@pytest.fixture(scope="module")
def final() -> Stage:
    return stages_of(TEXT)[-1]


def test_one_stage_installs_and_the_other_is_shipped(builder: Stage, final: Stage) -> None:
    assert [stage.name for stage in stages_of(TEXT)] == ["builder", ""]
    assert [step.flags for step in final.all("COPY")] == [{"from": "builder"}]


def test_both_stages_begin_with_the_same_pinned_slim_python(builder: Stage, final: Stage) -> None:
    assert builder.base == final.base
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", final.base)


def test_the_python_is_the_one_that_the_lock_was_made_for(final: Stage, project: dict) -> None:
    minor = re.search(r"--python-version (\S+)", MAKEFILE)
    assert minor is not None
    assert final.base.startswith(f"python:{minor[1]}.")
    assert project["project"]["requires-python"] == f">={minor[1]}"


def test_the_environment_is_installed_as_make_install_does(builder: Stage) -> None:
    made = [line.split("--quiet ")[1].rstrip("; \\") for line in MAKEFILE.splitlines()
            if line.strip().startswith("$$installer")]  # fmt: skip
    run = " && ".join(step.text for step in builder.all("RUN"))
    imaged = re.findall(r"uv pip install --python \.venv/bin/python (.*?) *(?:&&|$)", run)
    assert imaged == made
    assert imaged == [
        "--no-deps --require-hashes -r requirements.lock",
        "--no-deps --no-build-isolation --editable .",
    ]


def test_the_installer_is_the_makefiles(builder: Stage) -> None:
    assert f"UV_VERSION := {builder.pairs('ARG')['UV_VERSION']}\n" in MAKEFILE
    assert builder.all("RUN")[0].text.endswith(" uv==${UV_VERSION}")


def test_the_lock_is_installed_before_the_code_comes_in(builder: Stage) -> None:
    steps = [(step.keyword, step.text) for step in builder.steps]
    locked = next(n for n, (_, text) in enumerate(steps) if "--require-hashes" in text)
    copied = [text for keyword, text in steps[:locked] if keyword == "COPY"]
    assert copied == ["requirements.lock ./"]


def test_every_package_is_copied_whole(builder: Stage) -> None:
    copied = {step.text for step in builder.all("COPY")}
    assert {f"{package} {package}/" for package in PACKAGES} <= copied


def test_everything_copied_is_there_and_reaches_the_engine(builder: Stage) -> None:
    sources = [word for step in builder.all("COPY") for word in step.words[:-1]]
    assert [name for name in sources if not (ROOT / name).exists()] == []
    assert [name for name in sources if ignored(name, IGNORE)] == []


def test_nothing_else_reaches_the_engine(builder: Stage) -> None:
    sources = {word for step in builder.all("COPY") for word in step.words[:-1]}
    sent = {path.name for path in ROOT.iterdir() if not ignored(path.name, IGNORE)}
    assert sent == sources
    for private in (
        "grids/__pycache__/cell.cpython-311.pyc",
        "results/records/a.json",
        ".git/HEAD",
    ):
        assert ignored(private, IGNORE), private


def test_it_runs_as_a_user_with_a_fixed_number_and_a_home(final: Stage) -> None:
    assert final.one("USER").text == "10001:10001"
    making = next(step.text for step in final.all("RUN") if "useradd" in step.text)
    for flag in ("--uid 10001 ", "--user-group ", "--create-home "):
        assert flag in making
    assert "--owner=10001 --group=10001 /work" in making
    assert final.one("WORKDIR").text == "/work"


def test_it_becomes_that_user_only_when_everything_is_written(final: Stage) -> None:
    keywords = [step.keyword for step in final.steps]
    assert not {"RUN", "COPY"} & set(keywords[keywords.index("USER") :])


def test_the_entrypoint_is_the_command_of_the_project(final: Stage, project: dict) -> None:
    assert final.one("ENTRYPOINT").text == '["sparsesweep"]'
    assert final.one("CMD").text == '["--help"]'
    assert "sparsesweep" in project["project"]["scripts"]


def test_the_command_is_found_by_exec_and_by_a_login_shell(builder: Stage, final: Stage) -> None:
    scripts = f"{builder.one('WORKDIR').text}/.venv/bin"
    assert final.one("COPY").words == [builder.one("WORKDIR").text] * 2
    assert final.pairs("ENV")["PATH"] == f"{scripts}:$PATH"
    profile = f'echo "PATH={scripts}:\\$PATH" > /etc/profile.d/sparsesweep.sh'
    assert [step for step in final.all("RUN") if step.text.endswith(profile)] != []


def test_the_folder_a_person_works_in_shadows_nothing(final: Stage) -> None:
    assert final.pairs("ENV")["PYTHONSAFEPATH"] == "1"
    assert "PYTHONPATH" not in final.pairs("ENV")


def test_an_nvidia_runtime_shows_its_devices(final: Stage) -> None:
    assert final.pairs("ENV")["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert final.pairs("ENV")["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"


def test_debians_packages_leave_no_lists_and_bring_no_compiler(final: Stage) -> None:
    (install,) = [step.text for step in final.all("RUN") if "apt-get" in step.text]
    assert "--no-install-recommends openssh-client rsync" in install
    assert install.endswith("rm -rf /var/lib/apt/lists/*")


def test_the_labels_say_what_the_project_says(final: Stage, project: dict) -> None:
    labels = final.pairs("LABEL")
    prefix = "org.opencontainers.image."
    said = {"title": "name", "version": "version", "licenses": "license"}
    for label, key in {**said, "description": "description"}.items():
        assert labels[prefix + label] == project["project"][key], label
    assert labels[prefix + "revision"] == "${REVISION}"


def test_it_names_no_index_no_secret_and_nobody_elses_image() -> None:
    assert (
        re.findall(r"https?:|index-url|find-links|:latest|\bsudo\b|\bcurl\b|\bwget\b", TEXT) == []
    )
    stages = stages_of(TEXT)
    names = {name for stage in stages for name in (*stage.pairs("ENV"), *stage.pairs("ARG"))}
    assert [name for name in names if re.search("TOKEN|SECRET|PASSWORD|KEY", name)] == []
    assert [stage for stage in stages if stage.all("ADD")] == []
