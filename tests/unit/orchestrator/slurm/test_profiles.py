"""Profiles: every key, every mistake with its line, and resources changed for one submission."""

from pathlib import Path

import pytest

from grids.problems import GridError
from orchestrator.slurm.profiles import Profile, ProfileError, find_profile, read_profiles

WHOLE = """\
[alpha]
partition = "gpu"
account = "lab"
qos = "normal"
constraint = "a100"
gpus = 1
cpus = 8
mem_gb = 64
time = "1-12:00:00"
setup = ["module load apptainer"]
container = "/images/sparsesweep.sif"
python = "python3"
data_root = "/scratch/data"
exclude = ["n7"]
concurrency = 20
max_array = 300
signal_seconds = 120
hand_over = "requeue"
accounting = true
extra = {nice = 100, mail_type = "END"}

[small]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "profiles.toml"
    path.write_text(WHOLE)
    return path


def test_every_key_is_read(file: Path) -> None:
    assert find_profile("alpha", file) == Profile(
        name="alpha", partition="gpu", account="lab", qos="normal", constraint="a100", gpus=1,
        cpus=8, mem_gb=64.0, time_minutes=36 * 60, setup=("module load apptainer",),
        container="/images/sparsesweep.sif", python="python3", data_root="/scratch/data",
        exclude=("n7",), concurrency=20,
        max_array=300, signal_seconds=120, hand_over="requeue", accounting=True,
        extra={"nice": "100", "mail-type": "END"},
    )  # fmt: skip


def test_an_empty_profile_is_the_site_s_own_default(file: Path) -> None:
    assert find_profile("small", file) == Profile(name="small")


def test_a_profile_survives_its_file(file: Path) -> None:
    profile = find_profile("alpha", file)
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90), ('"90"', 90), ('"90:30"', 91), ('"24:00:00"', 1440), ('"2-00:00:00"', 2880),
        ('"1-12"', 2160), ('"1-12:30"', 2190), ('"00:01:00"', 1),
    ],
)  # fmt: skip
def test_times_are_written_as_slurm_writes_them(tmp_path: Path, text: str, minutes: int) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f"[a]\ntime = {text}\n")
    assert find_profile("a", path).time_minutes == minutes


def test_places_may_be_below_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    path = tmp_path / "profiles.toml"
    path.write_text('[a]\npython = "~/env/bin/python"\ncontainer = "~/sparse.sif"\n')
    profile = find_profile("a", path)
    assert profile.python == "/home/ada/env/bin/python"
    assert profile.container == "/home/ada/sparse.sif"


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(
        '[alpha]\npartion = "gpu"\ncpus = 0\ntime = "soon"\n\n'
        '[beta]\ngpus = 1.5\nhand_over = "sucessor"\nsetup = "module load"\n'
    )
    with pytest.raises(GridError) as raised:
        read_profiles(path)
    lines = str(raised.value).splitlines()
    assert [line.split(": ")[0].removeprefix(f"{path}:") for line in lines] == [
        "2", "3", "4", "7", "8", "9",
    ]  # fmt: skip
    assert lines[0].endswith("did you mean 'partition'?")
    assert "cpus: it is 0; allowed: an integer from 1" in lines[1]
    assert 'allowed: minutes, or a text such as "24:00:00"' in lines[2]
    assert "gpus: it is 1.5; allowed: a whole number, or a fraction below 1" in lines[3]
    assert lines[4].endswith("did you mean 'successor'?")


def test_a_value_outside_of_any_profile_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('# mine\npartition = "gpu"\n')
    with pytest.raises(GridError) as raised:
        read_profiles(path)
    assert str(raised.value) == f"{path}:2: partition is 'gpu'; allowed: a table [partition]"


@pytest.mark.parametrize("text", ['"1:75:00"', '"1:2:3:4"', '"0:00"', "0", "1.5", '"4h"', "true"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text(f"[a]\ntime = {text}\n")
    with pytest.raises(GridError, match=r"profiles.toml:2: time: it is .*; allowed: "):
        read_profiles(path)


def test_options_on_which_the_program_stands_cannot_be_set(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('[a]\nextra = {nice = 5, "--job_name" = "mine", array = "0-3"}\n')
    with pytest.raises(GridError, match="extra: array, job-name cannot be set here"):
        read_profiles(path)


def test_a_profile_that_is_not_there_is_told_with_those_that_are(file: Path) -> None:
    with pytest.raises(ProfileError, match=r"it has: alpha, small; did you mean 'alpha'"):
        find_profile("alhpa", file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="there is no file of profiles at"):
        find_profile("alpha", tmp_path / "none.toml")


def test_a_file_that_is_no_toml_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text("[alpha]\npartition = gpu\n")
    with pytest.raises(ProfileError, match=r"profiles.toml:2: not TOML: Invalid"):
        read_profiles(path)


def test_resources_are_changed_for_one_submission() -> None:
    changed = Profile(name="a").with_resources({"mem_gb": "32", "time": "4:00:00"})
    assert (changed.mem_gb, changed.time_minutes) == (32.0, 240)


def test_what_is_no_resource_cannot_be_changed_so() -> None:
    with pytest.raises(GridError, match="did you mean 'mem_gb'"):
        Profile(name="a").with_resources({"memgb": "32"})
    with pytest.raises(GridError, match="allowed: an integer from 1"):
        Profile(name="a").with_resources({"cpus": "many"})
