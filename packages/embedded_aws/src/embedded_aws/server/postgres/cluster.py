"""The members of an Aurora cluster as PostgreSQL servers: a writer, standbys that follow it, and two fixed endpoints.

Aurora's members share their storage, so a failover loses no committed transaction. Here a commit waits until a standby
has written it too (`synchronous_standby_names`), which has the same effect.
"""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from embedded_aws.server.postgres.binaries import Binaries, PostgresError
from embedded_aws.server.postgres.endpoint import endpoints
from embedded_aws.server.postgres.server import IAM_ROLE, Server, unused

_ARCHIVE_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.05
_SYNCHRONOUS: Final = {"synchronous_standby_names": "ANY 1 (*)"}


@dataclass(frozen=True)
class Login:
    """The master user.

    Attributes:
        user: its name.
        password: its password.
        database: the database that is created with the cluster; empty for none.
    """

    user: str
    password: str
    database: str


@dataclass(frozen=True)
class Origin:
    """What a restored cluster begins with.

    Attributes:
        base: a base backup.
        archive: the write-ahead log since then; None to restore the backup as it is.
    """

    base: Path
    archive: Path | None


class Cluster:
    """A cluster.

    Args:
        binaries: the programs.
        folder: for its files; must not exist yet.
        listen: its identifier, to which its endpoints belong, and their port.
        login: the master user.
        origin: what it begins with, if it is restored.

    Raises:
        PostgresError: this port is free on no loopback address.
    """

    def __init__(
        self, binaries: Binaries, folder: Path, listen: tuple[str, int], login: Login, origin: Origin | None = None
    ) -> None:
        self._binaries, self._folder, self._login, self._origin = binaries, folder, login, origin
        self._members: dict[str, Server] = {}
        self._writer: Server | None = None
        self._lock = threading.RLock()
        folder.mkdir(mode=0o755)
        for part in (self._archive, self._bases):
            part.mkdir(mode=0o755)
            binaries.own(part)
        self.writer_endpoint, self.reader_endpoint = endpoints(*listen, self._to_writer, self._to_reader)

    @property
    def _archive(self) -> Path:
        return self._folder / "archive"

    @property
    def _bases(self) -> Path:
        return self._folder / "bases"

    @property
    def login(self) -> Login:
        """The master user."""
        return self._login

    def change_password(self, password: str) -> None:
        """Give the master user another password, of letters, digits, `-` and `_`; connections that are open stay."""
        with self._lock:
            self._ask(self._require_writer(), f"ALTER ROLE \"{self._login.user}\" PASSWORD '{password}'")
            self._login = replace(self._login, password=password)

    @property
    def writer(self) -> str | None:
        """The member that takes writes; None when there is none."""
        return next((name for name, server in self._members.items() if server is self._writer), None)

    def add(self, member: str) -> None:
        """Start a member: the first becomes the writer, the others follow it."""
        with self._lock:
            server = Server(self._binaries, unused(self._folder / member), self._archive)
            self._members[member] = server
            if self._writer is None:
                self._begin(server)
            else:
                self._follow(server)

    def _begin(self, server: Server) -> None:
        if self._origin is None:
            server.initialize(self._login.user, self._login.password)
            server.start()
            self._ask(server, f"CREATE ROLE {IAM_ROLE}")
            if self._login.database:
                self._ask(server, f'CREATE DATABASE "{self._login.database}"')
        else:
            server.copy_of(self._origin.base)
            server.start(**self._recovery(server, self._origin))
            self._wait_until_recovered(server)
        self._writer = server
        self._origin = Origin(self.backup("first"), self._archive)

    def _recovery(self, server: Server, origin: Origin) -> dict[str, str]:
        if origin.archive is None:
            return {}
        signal = server.data / "recovery.signal"
        signal.touch()
        self._binaries.own(signal)
        return {"restore_command": f'cp "{origin.archive}/%f" "%p"'}

    def _wait_until_recovered(self, server: Server) -> None:
        while self._ask(server, "SELECT pg_is_in_recovery()") == "t":  # refused once it has ended
            time.sleep(_POLL_SECONDS)

    def _follow(self, server: Server) -> None:
        writer = self._require_writer()
        server.copy_from(writer, self._login.user, self._login.password, standby=True)
        server.start()
        writer.reload(**_SYNCHRONOUS)

    def fail_over(self, target: str, *, moved: Callable[[], None]) -> None:
        """Kill the writer, promote a standby, and make the old writer and all others follow the new one.

        Args:
            target: the member to promote.
            moved: called as soon as the new writer accepts writes.
        """
        with self._lock:
            old, new = self._require_writer(), self._members[target]
            self._writer = None
            old.kill()
            new.promote()
            self._writer = new
            moved()
            for server in self._members.values():
                if server is not new:
                    server.kill()
                    self._follow(server)

    def remove(self, member: str) -> None:
        """Remove a member.

        As on Aurora, a reader takes over from a removed writer, and the data outlives all members.
        """
        with self._lock:
            others = [name for name in self._members if name != member]
            if self._members[member] is self._writer and others:
                self.fail_over(others[0], moved=lambda: None)
            elif self._members[member] is self._writer:
                self._origin = self.latest()
                self._writer = None
            server = self._members.pop(member)
            if self._writer is not None and len(self._members) == 1:
                self._writer.reload()  # no standby is left for a commit to wait for
            server.remove()

    def move(self, name: str) -> None:
        """Listen on the endpoints of another name of the cluster, and on those of its old name no longer."""
        with self._lock:
            self._close_endpoints()
            port = self.writer_endpoint.port
            self.writer_endpoint, self.reader_endpoint = endpoints(name, port, self._to_writer, self._to_reader)

    def rename(self, member: str, name: str) -> None:
        """Give a member another name; its folder keeps the first one."""
        with self._lock:
            self._members = {name if each == member else each: server for each, server in self._members.items()}

    def backup(self, name: str) -> Path:
        """Take a base backup of the writer, and return its folder."""
        server = Server(self._binaries, self._bases / name, self._archive)
        server.copy_from(self._require_writer(), self._login.user, self._login.password, standby=False)
        return server.data

    def latest(self) -> Origin:
        """Return everything that is committed by now, for a restore to the latest moment.

        Raises:
            PostgresError: the cluster has no writer.
        """
        with self._lock:
            writer = self._require_writer()
            # With nothing written since the last switch there would be nothing to switch, and nothing to archive.
            self._ask(writer, "SELECT pg_create_restore_point('latest')")
            written = self._ask(writer, "SELECT pg_walfile_name(pg_switch_wal())")
            deadline = time.monotonic() + _ARCHIVE_SECONDS
            while not (self._archive / written).exists():
                if time.monotonic() > deadline:
                    raise PostgresError(f"{written} was not archived within {_ARCHIVE_SECONDS} s")
                time.sleep(_POLL_SECONDS)
            assert self._origin is not None, "a cluster with a writer has a base backup"  # noqa: S101
            return self._origin

    def close(self) -> None:
        """End all members, close the endpoints and delete the data."""
        with self._lock:
            self._writer = None
            for server in self._members.values():
                server.kill()
            self._members.clear()
            self._close_endpoints()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _close_endpoints(self) -> None:
        for endpoint in (self.writer_endpoint, self.reader_endpoint):
            endpoint.close()

    def _ask(self, server: Server, sql: str) -> str:
        return server.ask(sql, self._login.user, self._login.password)

    def _require_writer(self) -> Server:
        if self._writer is None:
            raise PostgresError("the cluster has no writer")
        return self._writer

    def _to_writer(self) -> int | None:
        writer = self._writer
        return writer.port if writer else None

    def _to_reader(self) -> int | None:
        standbys = (server for server in list(self._members.values()) if server is not self._writer)
        ready = next((server.port for server in standbys if server.is_running), None)
        return ready or self._to_writer()  # without a reader Aurora's reader endpoint leads to the writer
