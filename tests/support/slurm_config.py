"""The configuration of the tests' SLURM, as text.

Three lines differ from what a site would write. `config_overrides` lets a node register with less
than it claims, so that each of the two has more cores and memory than this machine. `CR_CPU_Memory`
hands out those claimed CPUs one by one (with `CR_Core` it would be the same: one thread per core)
and knows memory, so that a request beyond a node is refused. Short timeouts let a killed node be
DOWN, and a cancelled job be gone, within seconds; `MessageTimeout` is what takes longest there.
"""

import random
import socket
from collections.abc import Mapping
from pathlib import Path

NODES = ("n1", "n2")
CPUS = 4
GPUS = 2
MEMORY_MB = 64_000

_DEFAULTS: dict[str, object] = {
    "SlurmUser": "root",
    "AuthType": "auth/munge",
    "CredType": "cred/munge",
    "SlurmctldDebug": "info",
    "SlurmdDebug": "info",
    "MailProg": "/bin/true",
    "MpiDefault": "none",
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/none",
    "JobAcctGatherType": "jobacct_gather/none",
    "AccountingStorageType": "accounting_storage/none",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_CPU_Memory",
    "DefMemPerCPU": 1000,
    "GresTypes": "gpu",
    "SlurmdParameters": "config_overrides",
    "ReturnToService": 2,
    "SlurmctldTimeout": 5,
    "SlurmdTimeout": 5,
    "MessageTimeout": 5,
    "TCPTimeout": 1,
    "InactiveLimit": 0,
    "KillWait": 5,
    "MinJobAge": 30,
    "MaxArraySize": 1001,
    "MaxJobCount": 10_000,
    "SchedulerType": "sched/backfill",
    "SchedulerParameters": "sched_min_interval=100000,bf_interval=1,batch_sched_delay=0",
    "PreemptType": "preempt/partition_prio",
    "PreemptMode": "CANCEL",
    "JobRequeue": 1,
}

_MAIN: dict[str, object] = {
    "Nodes": "n1,n2",
    "Default": "YES",
    "MaxTime": "INFINITE",
    "State": "UP",
    "PriorityTier": 1,
    "GraceTime": 10,
}

_URGENT = _MAIN | {"Default": "NO", "PriorityTier": 9, "GraceTime": 0, "PreemptMode": "OFF"}


def slurm_conf(folder: Path, settings: Mapping[str, object], main: Mapping[str, object]) -> str:
    """The text of slurm.conf for a cluster in this folder, on free ports of its own.

    Args:
        folder: Where its state, spool, logs and munge socket are.
        settings: Lines that replace or join the usual ones.
        main: The same for the partition `main`.
    """
    host = socket.gethostname().partition(".")[0]
    controller, *nodes = free_ports(1 + len(NODES))
    chosen = _DEFAULTS | _places(folder, host, controller) | dict(settings)
    size = f"CPUs={CPUS} RealMemory={MEMORY_MB} Gres=gpu:{GPUS}"
    lines = [
        *(f"{name}={value}" for name, value in chosen.items()),
        *(
            f"NodeName={node} NodeAddr=127.0.0.1 NodeHostname={host} Port={port} {size}"
            for node, port in zip(NODES, nodes, strict=True)
        ),
        _partition("main", _MAIN | dict(main)),
        _partition("urgent", _URGENT),
    ]
    return "\n".join([*lines, ""])


def gres_conf(devices: list[Path]) -> str:
    """The text of gres.conf: the same devices serve as the GPUs of both nodes."""
    lines = [f"NodeName={','.join(NODES)} Name=gpu File={device}" for device in devices]
    return "\n".join(["AutoDetect=off", *lines, ""])


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on, below those that outgoing connections take for themselves."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            if port not in ports and probe.connect_ex(("127.0.0.1", port)) != 0:
                ports.append(port)
    return ports


def _places(folder: Path, host: str, port: int) -> dict[str, object]:
    return {
        "ClusterName": folder.name.replace("-", "").lower(),
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": port,
        "AuthInfo": f"socket={folder}/munge/socket",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool-%n",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "slurmd-%n.pid",
        "SlurmctldLogFile": folder / "slurmctld.log",
        "SlurmdLogFile": folder / "slurmd-%n.log",
    }


def _partition(name: str, options: Mapping[str, object]) -> str:
    return " ".join(
        [f"PartitionName={name}", *(f"{key}={value}" for key, value in options.items())]
    )
