"""The methods, one file each; importing this package registers them all in `METHODS`."""

import importlib
import pkgutil

from sparse.registry import Registry

METHODS = Registry("method", "sparsesweep.methods")

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
