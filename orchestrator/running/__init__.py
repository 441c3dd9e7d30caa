"""Running: handing a plan to a backend, and waiting for it or not."""
