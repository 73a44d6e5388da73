"""One PostgreSQL server on loopback."""

import shutil
import signal
import socket
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Final

from embedded_aws.server.postgres.binaries import Binaries, PostgresError

_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 60
_POLL_SECONDS: Final = 0.05
# The role whose members log in with a token of AWS IAM:
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
IAM_ROLE: Final = "rds_iam"
_IMMEDIATE: Final = signal.SIGQUIT
_SETTINGS: Final = {
    "listen_addresses": _HOST,
    "unix_socket_directories": "",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "wal_keep_size": "64MB",
    "hot_standby": "on",
    "fsync": "off",  # data must outlive a killed server, not the machine; a standby's start would sync every file
    "shared_buffers": "16MB",
    "max_connections": "100",
    "archive_mode": "always",  # on a standby too: it archives what its killed writer had not
    "restart_after_crash": "off",  # a killed server stays down: what follows is a failover, as on Aurora
}
_SMALL_SEGMENTS: Final = "--wal-segsize=1"  # MB: a segment is archived whole, however little is in it


class Server:
    """A server and its data.

    Args:
        binaries: the programs.
        folder: for its data, settings and log; the parent folder exists.
        archive: where it archives its write-ahead log, for restores.
    """

    def __init__(self, binaries: Binaries, folder: Path, archive: Path) -> None:
        self._binaries, self._folder, self._archive = binaries, folder, archive
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._folder / "data"

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def initialize(self, user: str, password: str) -> None:
        """Create an empty database cluster.

        Args:
            user: name of the superuser.
            password: of that user.
        """
        self._make_folder()
        secret = self._folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        self._binaries.own(secret)
        self._binaries.run(
            "initdb", "-D", self.data, "-U", user, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8",
            "--no-sync", _SMALL_SEGMENTS,
        )  # fmt: skip
        secret.unlink()
        rules = self.data / "pg_hba.conf"
        # The first rule that matches decides: an IAM token comes as the password of a member, and is not checked.
        members = f"host all +{IAM_ROLE} {_HOST}/32 trust\n"
        rules.write_text(f"{members}{rules.read_text()}host replication all {_HOST}/32 scram-sha-256\n")

    def copy_from(self, source: "Server", user: str, password: str, *, standby: bool) -> None:
        """Copy a running server's data with pg_basebackup.

        Args:
            source: the running server.
            user: superuser of the source.
            password: of that user.
            standby: whether it is to follow the source.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._make_folder()
        address = f"host={_HOST} port={source.port} user={user} application_name=standby"
        follow = ["-R"] if standby else []
        self._binaries.run(
            "pg_basebackup", "-D", self.data, "-d", address, "-c", "fast", "-X", "stream", "--no-sync", *follow,
            password=password,
        )  # fmt: skip

    def copy_of(self, base: Path) -> None:
        """Copy the data of a base backup."""
        self._make_folder()
        shutil.copytree(base, self.data, symlinks=True, dirs_exist_ok=True)
        for path in (self.data, *self.data.rglob("*")):
            self._binaries.own(path)

    def start(self, **settings: str) -> None:
        """Start it and wait until it accepts connections.

        Args:
            settings: of postgresql.conf, besides those that all servers share.

        Raises:
            PostgresError: it does not start.
        """
        self.port = _free_port()
        self.configure(**settings)
        log = self._folder / "server.log"
        self._process = self._binaries.start("postgres", "-D", self.data, log=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._accepts_connections():
            if not self.is_running or time.monotonic() > deadline:
                self.kill()
                lines = log.read_text(errors="replace").splitlines() or ["it wrote nothing"]
                raise PostgresError(f"postgres did not start: {lines[-1]}")
            time.sleep(_POLL_SECONDS)

    def _accepts_connections(self) -> bool:
        try:
            self._binaries.run("pg_isready", "-h", _HOST, "-p", str(self.port))
        except PostgresError:
            return False
        return True

    def configure(self, **settings: str) -> None:
        """Write its settings; a running server reads them on `reload`."""
        kept = f"{self._archive}/%f"
        # Two servers may archive the same segment, and no reader may find half of one.
        archive = f"test -f '{kept}' || {{ cp '%p' '{kept}.{self.port}' && mv '{kept}.{self.port}' '{kept}'; }}"
        written = {**_SETTINGS, "port": str(self.port), "archive_command": archive, **settings}
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in written.items()]
        path = self.data / "postgresql.conf"
        path.write_text("\n".join(lines) + "\n")
        self._binaries.own(path)

    def reload(self, **settings: str) -> None:
        """Change settings of the running server."""
        self.configure(**settings)
        self._binaries.run("pg_ctl", "-D", self.data, "reload")

    def promote(self) -> None:
        """Promote a standby, and wait until it accepts writes."""
        self._binaries.run("pg_ctl", "-D", self.data, "-w", "-t", str(_START_SECONDS), "promote")

    def ask(self, sql: str, user: str, password: str, database: str = "postgres") -> str:
        """Run a statement as the superuser and return what psql prints."""
        address = f"host={_HOST} port={self.port} user={user} dbname={database} connect_timeout=5"
        return self._binaries.run("psql", "-XAtq", "-d", address, "-c", sql, password=password).strip()

    def kill(self) -> None:
        """End it at once, as a crash does: nothing is flushed, and connections break."""
        if self._process is not None:
            # SIGQUIT, PostgreSQL's immediate shutdown: SIGKILL would leave its children serving open connections.
            self._process.send_signal(_IMMEDIATE)
            self._process.wait()

    def remove(self) -> None:
        """End it and delete its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o755)
        self.data.mkdir(mode=0o700)
        for path in (self._folder, self.data):
            self._binaries.own(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def unused(folder: Path) -> Path:
    """Return the folder, or one of a name beside it where something that was renamed keeps its files in it."""
    candidates = (folder.with_name(f"{folder.name}.{number}") for number in count(2))
    return folder if not folder.exists() else next(each for each in candidates if not each.exists())
