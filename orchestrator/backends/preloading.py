"""Imported by every process of a local Ray that waits for work: loads the trainer ahead of it."""

import logging

from orchestrator.worker import preload

try:
    preload()
except Exception:  # the pack that needs it tells the person; a waiting process has nobody to tell
    logging.getLogger(__name__).exception("the trainer cannot be loaded ahead of time")
