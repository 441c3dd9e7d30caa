"""Cells that name what a user's package brings: trained only where it means the same."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grids.catalogue import Catalogue, Entry
from grids.cell import Cell, Component
from orchestrator import provenance
from orchestrator.provenance import host
from orchestrator.store.layout import Store
from orchestrator.submissions.cell_probes import CellProbes
from orchestrator.submissions.manifest import Manifest, publish_manifests
from orchestrator.worker import plugins
from orchestrator.worker.plugins import PluginProblem, check_plugins
from orchestrator.worker.run import run_manifest
from trainer.outcome import PackReport, PackRequest

WHERE = f"{sys.executable} on {host()}"


def a_catalogue(semantics: int = 1, loaded: bool = True) -> Catalogue:
    """A dataset of the package ourlab, among what comes with sparsesweep."""
    return Catalogue(
        methods=(Entry(name="dense"),),
        allocations=(Entry(name="erk"),),
        scenarios=(Entry(name="clean"),),
        datasets=(Entry(name="chips", semantics=semantics, distribution="ourlab"),),
        models=(Entry(name="mlp", semantics=3),),
        plugins=({"distribution": "ourlab", "version": "1.0"},) if loaded else (),
    )


def a_manifest(planned: int = 1) -> Manifest:
    """A pack of one cell of that dataset, planned with these semantics."""
    cell = Cell(
        method=Component(name="dense"), density="1", dataset=Component(name="chips"),
        model=Component(name="mlp"), seed=0, semantics=(("dataset", planned),),
    )  # fmt: skip
    return Manifest(
        pack="p", store="/s", grid="g", number=1, backend="slurm", code="c0de", cells=(cell,),
        driver=None, plugins={"ourlab": "1.0"},
    )  # fmt: skip


def problem_of(manifest: Manifest, catalogue: Catalogue) -> str:
    with pytest.raises(PluginProblem) as caught:
        check_plugins(manifest, catalogue)
    return str(caught.value)


def test_the_package_in_the_same_sense_is_enough() -> None:
    check_plugins(a_manifest(), a_catalogue())
    check_plugins(a_manifest(planned=2), a_catalogue(semantics=2))


def test_a_package_that_is_not_installed_is_named_with_the_python_that_lacks_it() -> None:
    assert problem_of(a_manifest(), a_catalogue(loaded=False)) == (
        f"ourlab 1.0, whose names these cells use, is not installed for {WHERE}: install it "
        "there, then run the grid again"
    )


def test_a_package_that_is_installed_but_cannot_be_loaded_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugins, "plugins", lambda: (("ourlab", "1.0"),))
    assert problem_of(a_manifest(), a_catalogue(loaded=False)) == (
        f"ourlab 1.0, whose names these cells use, cannot be loaded by {WHERE}"
    )


@pytest.mark.parametrize(("here", "planned"), [(2, 1), (1, 2)])
def test_the_same_name_with_another_meaning_is_refused(here: int, planned: int) -> None:
    assert problem_of(a_manifest(planned), a_catalogue(here)) == (
        f"the dataset chips of ourlab has semantics {here} for {WHERE}; these cells were planned "
        f"with {planned}: install the same version there and here, then run the grid again"
    )


def test_a_probe_that_is_another_here_is_refused() -> None:
    asked = replace(a_manifest(), probes=CellProbes(common=('{"name":"norms"}',)))
    norms = Entry(name="norms", distribution="ourlab")
    check_plugins(asked, replace(a_catalogue(), probes=(norms,)))
    for here in ((), (replace(norms, semantics=2),)):
        assert problem_of(asked, replace(a_catalogue(), probes=here)) == (
            f"the probe norms is not here, or has other semantics or options, for {WHERE}: "
            "install the same version there and here, then run the grid again"
        )


def test_the_catalogue_knows_whose_names_cells_use() -> None:
    assert a_catalogue().distributions(a_manifest().cells) == {"ourlab"}
    ours = replace(a_catalogue(), datasets=(Entry(name="chips"),))
    assert ours.distributions(a_manifest().cells) == set()


def test_a_checkpoint_of_another_version_of_a_package_that_the_cells_use_is_of_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "plugins", lambda: (("other", "2.0"), ("ourlab", "1.0")))
    codes: list[str] = []

    def train(cells: Sequence[Cell], *, publish: Any, request: PackRequest) -> PackReport:
        codes.append(request.code)
        return PackReport(finished=0, stopped=False, seconds=0.0)

    store = Store.create(tmp_path)
    [path] = publish_manifests(store, [replace(a_manifest(), store=str(store.root))])
    assert run_manifest(path, trainer=train, catalogue=a_catalogue()).error == ""
    assert codes == [f"{provenance.code_hash()} ourlab 1.0"]


def test_a_manifest_keeps_the_packages() -> None:
    manifest = a_manifest()
    assert Manifest.from_json(manifest.to_json()) == manifest
