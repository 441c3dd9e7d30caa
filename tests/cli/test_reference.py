"""methods, schema, doctor on the command line: what may be written, and whether this works here."""

import json
from pathlib import Path

import pytest

from orchestrator import doctor
from orchestrator.health.findings import Finding
from tests.support.console import sparsesweep

ROOT = Path(__file__).resolve().parents[2]


def test_methods_lists_every_kind_with_its_names() -> None:
    said = sparsesweep("methods")
    lines = said.out.splitlines()
    assert said.code == 0
    for kind in ("method:", "allocation:", "scenario:", "dataset:", "model:"):
        assert kind in lines
    named = {line.split()[0] for line in lines if line.startswith("  ")}
    assert named >= {"dense", "static", "snip", "gmp", "set", "rigl", "erk", "digits", "mlp"}


def test_methods_describes_one_of_them_with_its_options() -> None:
    said = sparsesweep("methods", "rigl")
    assert said.code == 0
    assert said.out.startswith("method rigl: ")
    assert "  update_every: an integer >= 1, default 100\n" in said.out


@pytest.mark.parametrize(
    ("name", "models", "densities"),
    [
        ("rigl", "any", "any"),
        (
            "set_np",
            "convnet, lenet5, lenet_300_100, mlp, vgg16, vgg16_bn, vgg19_bn",
            "any",
        ),
        ("n_m", "any", "multiples of 1 / m"),
        ("dense", "any", "none to choose"),
    ],
)
def test_methods_says_which_models_and_densities_are_legal(
    name: str, models: str, densities: str
) -> None:
    said = sparsesweep("methods", name).out
    assert f"  models: {models}\n  densities: {densities}\n" in said


@pytest.mark.parametrize(
    ("name", "storage"),
    [
        ("static", "masked; csr"),
        ("rigl", "masked"),
        (
            "set_np",
            "masked; csr with drop: magnitude or signed or threshold, growth: random,"
            " redistribution: none or magnitude or nonzeros",
        ),
    ],
)
def test_methods_says_how_a_network_may_be_stored(name: str, storage: str) -> None:
    assert f"  storage: {storage}\n" in sparsesweep("methods", name).out


def test_methods_can_be_asked_for_one_kind() -> None:
    said = sparsesweep("methods", "--kind", "dataset")
    assert [line for line in said.out.splitlines() if line.endswith(":")] == ["dataset:"]
    assert "  digits " in said.out
    assert sparsesweep("methods", "digits", "--kind", "dataset").out.startswith("dataset digits: ")


def test_a_kind_or_a_name_of_it_that_does_not_exist_gets_the_nearest() -> None:
    kind = sparsesweep("methods", "--kind", "datset")
    name = sparsesweep("methods", "digit", "--kind", "dataset")
    assert (kind.code, name.code) == (2, 2)
    assert "unknown kind of entry 'datset'" in kind.err
    assert "'dataset'" in kind.err
    assert "unknown dataset 'digit'" in name.err
    assert "'digits'" in name.err


def test_methods_as_json_is_for_scripts() -> None:
    [entry] = json.loads(sparsesweep("methods", "set", "--json").out)
    assert (entry["kind"], entry["name"]) == ("method", "set")
    assert "update_every" in {option["name"] for option in entry["options"]}


def test_schema_shows_what_it_writes_and_what_is_shipped(tmp_path: Path) -> None:
    shown = sparsesweep("schema")
    written = sparsesweep("schema", "--write", tmp_path / "schema.json")
    shipped = (ROOT / "grids" / "schema" / "grid.schema.json").read_text()
    assert (shown.code, written.code) == (0, 0)
    assert (written.out, written.err) == ("", f"wrote {tmp_path / 'schema.json'}\n")
    assert (tmp_path / "schema.json").read_text() == shown.out == shipped


def test_a_schema_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = sparsesweep("schema", "--write", tmp_path / "file" / "schema.json")
    assert told.code == 2
    assert told.err == f"cannot write {tmp_path}/file/schema.json: Not a directory\n"


@pytest.fixture
def quick_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing heavy is really imported by the doctor."""

    def imports(subject: str, code: str) -> Finding:
        return Finding(subject=subject, verdict="ok", found="imports")

    monkeypatch.setattr(doctor, "look_at_import", imports)


@pytest.mark.usefixtures("quick_imports")
def test_doctor_says_what_it_found_about_every_subject(tmp_path: Path) -> None:
    said = sparsesweep("doctor", "--store", tmp_path / "results")
    subjects = [line.split(":")[0] for line in said.out.splitlines() if line[0] != " "]
    assert said.code == 0
    assert [subject[7:] for subject in subjects] == [
        "packages", "torch pair", "torch, torchvision", "ray", "MKL_CBWR", "cores", "disk", "store",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick_imports")
def test_doctor_fails_where_something_is_broken_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text(json.dumps({"schema": 99}))
    said = sparsesweep("doctor", "--store", tmp_path)
    assert said.code == 1
    assert "BROKEN store: " in said.out
    assert "       give a folder that you may write with --store\n" in said.out
    found = json.loads(sparsesweep("doctor", "--json", "--store", tmp_path).out)
    assert [entry["subject"] for entry in found if entry["verdict"] == "broken"] == ["store"]
