"""Accounting for the tests' SLURM: slurmdbd over a MariaDB with its own data folder and socket."""

import os
import subprocess
from pathlib import Path

from tests.support.daemons import Daemons
from tests.support.slurm_config import free_ports

_SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
DebugLevel=info
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
"""

# Small and without care for power cuts. The lock wait is what slurmdbd asks for.
_DATABASE_OPTIONS = (
    "--user=root",
    "--innodb-log-file-size=16M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-lock-wait-timeout=900",
)


class Accounting:
    """The database and slurmdbd of one cluster, in its folder and among its daemons."""

    def __init__(self, folder: Path, daemons: Daemons) -> None:
        self._folder = folder
        self._daemons = daemons
        self._port = free_ports(1)[0]

    def settings(self) -> dict[str, object]:
        """The lines of slurm.conf that send a cluster's accounts to this slurmdbd."""
        return {
            "AccountingStorageType": "accounting_storage/slurmdbd",
            "AccountingStorageHost": "127.0.0.1",
            "AccountingStoragePort": self._port,
            "AccountingStoragePass": f"socket={self._folder}/munge/socket",
            "AccountingStorageTRES": "gres/gpu",
            "JobAcctGatherType": "jobacct_gather/linux",
            "JobAcctGatherFrequency": 1,
        }

    def start_database(self) -> None:
        """Make an empty database and start its server, on a socket and no port."""
        done = subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self._data}", "--skip-test-db",
             "--skip-name-resolve", "--force", "--auth-root-authentication-method=socket",
             *_DATABASE_OPTIONS],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db: {done.stdout}{done.stderr}")
        files = [f"--{name}={self._folder}/mariadb.{name}" for name in ("socket", "pid-file")]
        self._daemons.start(
            "mariadbd", "mariadbd", "--no-defaults", f"--datadir={self._data}", "--skip-networking",
            *files, *_DATABASE_OPTIONS,
        )  # fmt: skip

    def database_answers(self) -> bool:
        """Whether the database server can be reached."""
        ping = ["mariadb-admin", "--no-defaults", f"--socket={self._socket}", "ping"]
        return subprocess.run(ping, capture_output=True, timeout=60).returncode == 0

    def start_slurmdbd(self) -> None:
        """Start slurmdbd.

        It has no setting for the database's socket; its client library reads this variable.
        """
        conf = self._folder / "slurmdbd.conf"
        conf.write_text(_SLURMDBD_CONF.format(folder=self._folder, port=self._port))
        os.chmod(conf, 0o600)
        self._daemons.start("slurmdbd", "slurmdbd", "-D", MYSQL_UNIX_PORT=str(self._socket))

    @property
    def _data(self) -> Path:
        return self._folder / "mariadb"

    @property
    def _socket(self) -> Path:
        return self._folder / "mariadb.socket"
