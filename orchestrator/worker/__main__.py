"""`python -m orchestrator.worker MANIFEST`: one pack in a process of its own."""

import sys

from orchestrator.worker.run import main

sys.exit(main())
