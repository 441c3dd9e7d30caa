"""Names registered for a test only, and a catalogue that knows them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grids.catalogue import Catalogue
from orchestrator.catalogue import cache_folder, cache_key
from orchestrator.provenance import code_hash
from sparse.registry import Registry
from trainer.describe import describe


@contextlib.contextmanager
def registered(registry: Registry, name: str, target: Any, **said: Any) -> Iterator[None]:
    """Have `target` under this name in a registry of this process, for the block."""
    registry.register(name, **said)(target)
    try:
        yield
    finally:
        del registry._entries[name]


def cache_catalogue() -> Path:
    """Cache what is registered now, as commands read it; asks for an own `XDG_CACHE_HOME`."""
    path = cache_folder() / f"catalogue-{cache_key()}.json"
    path.parent.mkdir(parents=True)
    path.write_text(Catalogue.from_json({**describe(), "code": code_hash()}).to_json())
    return path
