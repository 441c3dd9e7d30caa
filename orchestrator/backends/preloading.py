"""Imported by every process of a local Ray that waits for work: loads what it needs ahead of it."""

import importlib
import logging

from orchestrator.worker.run import preload

try:
    preload()
    importlib.import_module("ray.tune")  # holds the base class of every trial
except Exception:  # the pack that needs it tells the person; a waiting process has nobody to tell
    logging.getLogger(__name__).exception("the trainer cannot be loaded ahead of time")
