"""doctor: what is broken is told with a fix, what is well is told as well."""

from pathlib import Path

from orchestrator import doctor


def test_a_shadowed_package_is_broken_and_named(tmp_path: Path) -> None:
    found = doctor.look_at_packages(tmp_path)
    assert found.verdict == "broken"
    assert "sparse is" in found.found


def test_our_own_packages_and_the_installed_pair_are_well() -> None:
    assert doctor.look_at_packages().verdict == "ok"
    assert doctor.look_at_pair().verdict == "ok"


def test_what_cannot_be_imported_is_broken_with_the_reason() -> None:
    found = doctor.look_at_import("nothing", "import no_such_module_at_all")
    assert found.verdict == "broken"
    assert "no_such_module_at_all" in found.found


def test_the_symptom_of_a_wrong_pair_is_explained() -> None:
    code = "raise RuntimeError('operator torchvision::nms does not exist')"
    assert "do not match" in doctor.look_at_import("torch, torchvision", code).found
