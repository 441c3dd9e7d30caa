"""A local Ray of one's own for a peer, as quick to start as Ray's options allow."""

import logging
import os


def start_ray() -> None:
    """Start Ray with one CPU per core, on the loopback interface, without its dashboard."""
    import ray

    ray.init(
        address="local",
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
    )
