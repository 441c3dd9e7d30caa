"""The methods, one file each; importing this package registers them all in `METHODS`."""

from sparse.method_traits import MethodTraits, derived_traits
from sparse.registry import Registry, import_modules

METHODS = Registry("method", "sparsesweep.methods", traits=MethodTraits, derived=derived_traits)

import_modules(__name__, __path__)
