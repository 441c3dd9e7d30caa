"""Pages for the tests of the report, each written once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grids.cell import Component
from orchestrator.store.layout import Store
from tests.support.browser import started_browser
from tests.support.report_stores import (
    EVIL,
    EVIL_TEXT,
    METHODS,
    cells_of,
    page_of,
    report_store,
    troubled,
)


@pytest.fixture(scope="session")
def troubled_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store in which some cells failed, some are missing, and texts are hostile."""
    methods = (*METHODS, Component(name="gmp", options=(("scope", EVIL),)))
    folder, overrides = tmp_path_factory.mktemp("troubled"), (f"method={EVIL}",)
    return report_store(folder, cells_of(methods), troubled, text=EVIL_TEXT, overrides=overrides)


@pytest.fixture(scope="session")
def troubled_page(troubled_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that store, as a file."""
    path = tmp_path_factory.mktemp("page") / "troubled.html"
    path.write_text(page_of(troubled_store), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a grid of 1,200 cells, all completed."""
    methods = tuple(Component(name=name) for name in ("static", "set", "rigl", "snip"))
    cells = cells_of(methods, ("0.02", "0.05", "0.1"), 100)
    path = tmp_path_factory.mktemp("page") / "large.html"
    path.write_text(page_of(report_store(path.parent / "store", cells)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium for all tests of one run."""
    with started_browser(tmp_path_factory.mktemp("browser")) as driver:
        yield driver
