"""Two pools of connections, to the writer and to the readers, and the loop that outlives a failover.

What a client of Aurora must do: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.BestPractices.FastFailover.html
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, LiteralString, TypeAlias, TypeVar

import boto3
import psycopg
from botocore.exceptions import BotoCoreError, ClientError
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.concurrency import run_in_threadpool

from breakwater_service.settings import Settings
from breakwater_service.telemetry import Metrics

SCHEMA_VERSION: Final = 1
# What passes by itself: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS: Final = frozenset({"40001", "40P01", "57014"})  # serialization, deadlock, our statement_timeout
# A demoted writer, a server that stops or starts, one without a free connection, our idle_in_transaction timeout.
_MOVED: Final = frozenset({"25006", "57P01", "57P02", "57P03", "53300", "25P03"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5  # seconds
_POOL_SECONDS: Final = 1.0
_LIBPQ: Final = {
    "autocommit": True,
    "connect_timeout": 2,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 3000,  # milliseconds
    "application_name": "breakwater-service",
    # A process that hangs in a transaction must not keep rows of the outbox locked: the server ends its session.
    "options": "-c statement_timeout=5s -c idle_in_transaction_session_timeout=3s"
    r" -c default_transaction_isolation=read\ committed",
}

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
_Result = TypeVar("_Result")
Work: TypeAlias = Callable[[Connection], Awaitable[_Result]]
Known: TypeAlias = Callable[[], Awaitable[_Result | None]]
_log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """The deadline passed; whether the last attempt was committed is unknown."""


def is_lost(error: psycopg.Error) -> bool:
    """Return whether an error means that this connection, and those opened with it, lead to no writer any more."""
    state = error.sqlstate
    if state is None:
        lost = psycopg.OperationalError, psycopg.InterfaceError
        return isinstance(error, lost) and not isinstance(error, PoolTimeout)
    return state in _MOVED or state.startswith("08")


def passes(error: psycopg.Error) -> bool:
    """Return whether the same work may succeed later."""
    return is_lost(error) or isinstance(error, PoolTimeout) or error.sqlstate in _CONFLICTS


class Database:
    """The pools, and what is run on them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._aws: Any = boto3.client("secretsmanager" if settings.database_secret_arn else "rds")
        self._secret, self._secret_is_stale = dict[str, str](), True
        self.writer = self._pool("writer", settings.database_host, 8, target_session_attrs="read-write")
        self.reader = self._pool("reader", settings.database_reader_host, 4)

    def _pool(self, name: str, host: str, size: int, **options: Any) -> AsyncConnectionPool[Connection]:
        async def arguments() -> dict[str, Any]:
            where = {"host": host, "port": self._settings.database_port, "dbname": self._settings.database_name}
            return {**_LIBPQ, **where, **options, **await self._login(host)}

        return AsyncConnectionPool(
            kwargs=arguments,
            name=name,
            min_size=2,
            max_size=size,
            max_lifetime=600,
            # Each failed attempt is followed by one a second later, not by ever longer pauses.
            reconnect_timeout=0.1,
            reconnect_failed=self._distrust_secret,
            open=False,
        )

    async def _login(self, host: str) -> dict[str, str]:
        """Return user and password of a new connection: an IAM token, which is asked for only then, or the secret."""
        if not self._settings.database_secret_arn:
            user, port = self._settings.database_user, self._settings.database_port
            token = self._aws.generate_db_auth_token
            return {"user": user, "password": await run_in_threadpool(token, host, port, user)}
        if self._secret_is_stale:
            try:
                self._secret = await run_in_threadpool(self._read_secret)
            except (BotoCoreError, ClientError) as error:
                if not self._secret:
                    raise
                _log.warning("the secret cannot be read, its last value is used: %s", error)
            self._secret_is_stale = False
        return self._secret

    def _read_secret(self) -> dict[str, str]:
        answer = self._aws.get_secret_value(SecretId=self._settings.database_secret_arn)
        secret = json.loads(answer["SecretString"])
        return {"user": secret["username"], "password": secret["password"]}

    def _distrust_secret(self, _: object) -> None:
        """Read the secret again: libpq does not tell a wrong password (28P01) from other failures to connect."""
        self._secret_is_stale = True

    async def has_schema(self, seconds: float, is_ending: Callable[[], bool]) -> bool:
        """Wait some seconds for the schema, unless nobody waits any more; return whether our version was found."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not is_ending():
            try:
                async with self.writer.connection(timeout=_POOL_SECONDS) as connection:
                    cursor = await connection.execute("SELECT max(version) FROM schema_version")
                    [(version,)] = await cursor.fetchall()
                if (version or 0) >= SCHEMA_VERSION:
                    return True
                found = f"version {version}"
            except psycopg.Error as error:
                found = str(error)
            _log.warning("waiting for version %d of the schema: %s", SCHEMA_VERSION, found)
            await asyncio.sleep(1)
        return False

    async def write(self, work: Work[_Result], deadline: float, known: Known[_Result] | None = None) -> _Result:
        """Run a transaction on the writer until it is committed.

        Args:
            work: What the transaction does; it may run, and be committed, several times.
            deadline: Moment of the monotonic clock, in seconds, after which nothing is tried again.
            known: Asked once, after the first try failed: returns what the work would return if somebody else knows it.

        Returns:
            What the work returned.

        Raises:
            UnavailableError: The deadline passed.
            psycopg.Error: The database refused the work.
        """
        attempt = 0
        while True:
            try:
                async with self.writer.connection(min(_POOL_SECONDS, deadline - time.monotonic())) as connection:
                    return await work(connection)
            except psycopg.Error as error:
                if not passes(error):
                    raise
                # Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
                pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt))  # noqa: S311
                if time.monotonic() + pause >= deadline:
                    raise UnavailableError(f"not committed after {attempt + 1} attempts: {error}") from error
                if is_lost(error):
                    # The others of the pool lead to the same server, and would fail one request each.
                    await self.writer.drain()
            if attempt == 0 and known is not None and (result := await known()) is not None:
                return result
            self._metrics.count("Retries")
            await asyncio.sleep(pause)
            attempt += 1

    async def read(self, sql: LiteralString, value: object) -> tuple[Any, ...] | None:
        """Return the first row of a query, from the writer if no reader has it (a replica lags) or none answers."""

        async def work(connection: Connection) -> tuple[Any, ...] | None:
            return await (await connection.execute(sql, (value,))).fetchone()

        try:
            async with self.reader.connection(timeout=_POOL_SECONDS) as connection:
                if (row := await work(connection)) is not None:
                    return row
        except psycopg.Error as error:
            _log.warning("no answer from a reader: %s", error)
        return await self.write(work, time.monotonic() + self._settings.retry_seconds)

    async def check(self) -> None:
        """Ask both endpoints for an answer; raise `psycopg.Error` if one of them gives none."""
        for pool in (self.writer, self.reader):
            async with pool.connection(timeout=_POOL_SECONDS) as connection:
                await connection.execute("SELECT 1")
