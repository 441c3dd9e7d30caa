"""Backends: who carries packs to workers, over existing engines, while somebody waits."""

from orchestrator.backends.base import Backend as Backend
from orchestrator.backends.base import BackendError as BackendError
from orchestrator.backends.base import PackEnd as PackEnd
from orchestrator.backends.choosing import RayOptions as RayOptions
from orchestrator.backends.choosing import choose_name as choose_name
from orchestrator.backends.choosing import get_backend as get_backend
from orchestrator.backends.choosing import names as names
