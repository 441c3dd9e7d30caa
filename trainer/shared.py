"""Files that cells share: each made once, by whoever needs it first, from inputs that name it."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from grids.artifacts import recipe_hash


class SharedFiles(Protocol):
    """Where shared files are found and kept."""

    def file(self, recipe: Mapping[str, Any], make: Callable[[Path], None]) -> Path:
        """The file of a recipe.

        Args:
            recipe: everything that its content follows from, as plain data.
            make: writes the content to exactly the path it is given; called when there is no such
                file. Nobody sees the file before it returns.
        """


class TemporaryFiles:
    """Shared files of this object alone, gone when it is; for runs without a store."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sparsesweep-")

    def file(self, recipe: Mapping[str, Any], make: Callable[[Path], None]) -> Path:
        """The file of a recipe, below a temporary folder."""
        path = Path(self._folder.name) / recipe_hash(recipe)
        if not path.exists():
            unfinished = path.with_suffix(".tmp")
            make(unfinished)
            os.replace(unfinished, path)
        return path
