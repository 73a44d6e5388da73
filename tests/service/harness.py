"""What the tests of the reference service run it with: a PostgreSQL server, moto's AWS, and an HTTP client."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import psycopg
import uvicorn
from migration.logic import read_migrations, read_rights

from breakwater_service.__main__ import http_server, run
from breakwater_service.app import Service
from breakwater_service.settings import Settings
from embedded_aws.server.postgres.binaries import Binaries, PostgresError
from embedded_testing.ports import free_port
from embedded_testing.running import eventually as eventually_within
from tests.assembly import ROOT

OWNER, PASSWORD, DATABASE, USER = "owner", "of-the-owner", "breakwater", "breakwater_app"
TABLE, BUCKET, TTL = "table", "bucket", "expires_at"
AWS_VARIABLES = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
ORDER = {"from": 1, "to": 2, "amount": 5}
eventually = partial(eventually_within, seconds=20)


class Postgres:
    """A server with the schema of the migrations.

    Args:
        folder: For its data.
    """

    def __init__(self, folder: Path) -> None:
        self._binaries, self._folder, self.port = Binaries(folder), folder, free_port()
        self._data, secret = folder / "data", folder / "password"
        self._data.mkdir(mode=0o700)
        secret.write_text(PASSWORD)
        for path in (folder, self._data, secret):
            self._binaries.own(path)
        self._binaries.run(
            "initdb",
            "-D",
            self._data,
            "-U",
            OWNER,
            f"--pwfile={secret}",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        )
        rules = self._data / "pg_hba.conf"
        # As in the embedded AWS, where a token is signed and sent, and not checked.
        rules.write_text(f"host all {USER} 127.0.0.1/32 trust\n{rules.read_text()}")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n")
        self.start()
        self.ask(f"CREATE DATABASE {DATABASE}", database="postgres")
        self.ask(f"CREATE ROLE {USER} LOGIN")
        self.ask("CREATE TABLE schema_version (version int PRIMARY KEY)")
        for migration in read_migrations():
            version = f"INSERT INTO schema_version VALUES ({migration.version})"  # noqa: S608 - a number
            self.ask(";".join((*migration.statements, version)))
        self.ask(";".join(read_rights(USER)))

    def start(self) -> None:
        """Start it on its port, and wait until it accepts connections."""
        log = self._folder / "log"
        self._process = self._binaries.start("postgres", "-D", self._data, "-p", str(self.port), log=log)
        eventually(self._accepts_connections)

    def _accepts_connections(self) -> bool:
        try:
            self._binaries.run("pg_isready", "-h", "127.0.0.1", "-p", str(self.port))
        except PostgresError:
            return False
        return True

    def kill(self) -> None:
        """End it as a crash does, with every connection."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def ask(self, sql: str, database: str = DATABASE) -> str:
        """Run SQL as the owner and return the rows of its last statement as `psql` prints them: `1|t`."""
        address = f"host=127.0.0.1 port={self.port} user={OWNER} password={PASSWORD} dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            *_, rows = (
                each.fetchall() if each.description else [] for each in connection.execute(sql.encode()).results()
            )
        return "\n".join("|".join(str(x)[0].lower() if isinstance(x, bool) else str(x) for x in row) for row in rows)

    def demote(self, *, read_only: bool) -> None:
        """Make the server refuse writes, as a writer that became a reader does, or accept them again."""
        value = "on" if read_only else "off"
        self.ask(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        self.ask("SELECT pg_reload_conf()")
        eventually(lambda: self.ask("SHOW default_transaction_read_only") == value)

    def empty(self, opening: int = 1_000_000) -> None:
        """Undo what tests did, and give each account an opening balance."""
        accounts = f"UPDATE accounts SET opening = {opening}, balance = {opening}"  # noqa: S608 - a number
        # In the order in which a running service locks them, or its search for receipts ends in a deadlock, and is
        # counted as a retry of the next test. A query that an ended test left behind gives way, not this.
        self.ask(f"SET deadlock_timeout = '1min'; TRUNCATE outbox, transfers; {accounts}")

    def broken_sentences(self) -> list[str]:
        """Return which sentences about money do not hold: sum conserved, each balance explained by its transfers."""
        conserved = "SELECT sum(balance) = sum(opening) FROM accounts"
        explained = """SELECT bool_and(balance = opening
            + coalesce((SELECT sum(amount) FROM transfers WHERE destination = accounts.id), 0)
            - coalesce((SELECT sum(amount) FROM transfers WHERE source = accounts.id), 0)) FROM accounts"""
        return [name for name, sql in (("sum", conserved), ("balances", explained)) if self.ask(sql) != "t"]


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers with names in lower case, and the JSON of the body."""

    status: int
    headers: dict[str, str]
    body: Any


def call(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    """Send one request; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        text = response.read()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, json.loads(text or b"null"))
    finally:
        connection.close()


def transfer(port: int, key: str, order: Any = None) -> Answer:
    """Post a transfer."""
    return call(port, "POST", "/transactions", ORDER if order is None else order, Idempotency_Key=key)


def settings_for(postgres: Postgres, **changes: Any) -> Settings:
    """Return settings that lead to a server, with changes."""
    values: dict[str, Any] = {
        "host": "127.0.0.1", "port": free_port(), "database_host": "127.0.0.1", "database_reader_host": "127.0.0.1",
        "database_port": postgres.port, "database_name": DATABASE, "database_user": USER, "database_secret_arn": "",
        "table_name": TABLE, "ttl_attribute": TTL, "bucket_name": BUCKET, "retry_seconds": 10,
        "metric_namespace": "Breakwater", "suffix": "test",
    }  # fmt: skip
    return Settings(**(values | changes))


def kept_item(key: str) -> dict[str, Any]:
    """Return the item of a key in the table; empty when there is none."""
    found = boto3.client("dynamodb").get_item(
        TableName=TABLE, Key={"pk": {"S": f"idempotency#{key}"}, "sk": {"S": "request"}}
    )
    return dict(found.get("Item", {}))


class Running:
    """A service that runs in a thread of this process.

    Args:
        settings: Its environment.
    """

    def __init__(self, settings: Settings) -> None:
        self.port, self.service = settings.port, Service(settings)
        self.server: uvicorn.Server = http_server(self.service, settings)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = asyncio.run(run(self.service, self.server))


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Run a service until the block ends."""
    it = Running(settings)
    it.thread.start()
    try:
        eventually(lambda: it.server.started)
        yield it
    finally:
        it.server.should_exit = True
        it.thread.join(30)
        assert not it.thread.is_alive()


@contextmanager
def process(settings: Settings, log: Path = Path(os.devnull)) -> Iterator[subprocess.Popen[bytes]]:
    """Run a service as a process of its own, without any AWS, until the block ends.

    Args:
        settings: Its environment.
        log: Where its output goes.
    """
    values = {field.name.upper(): str(getattr(settings, field.name)) for field in fields(settings)}
    own = {**AWS_VARIABLES, "PYTHONPATH": str(ROOT / "service"), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "breakwater_service"]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env={**os.environ, **values, **own}, stdout=output, stderr=output) as it,
    ):
        try:
            yield it
        finally:
            it.kill()


def answers(port: int) -> bool:
    """Return whether a service answers on a port."""
    try:
        return call(port, "GET", "/health").status == 200
    except OSError:
        return False
