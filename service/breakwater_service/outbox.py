"""Receipts: a row of the outbox is committed with its transfer, and becomes an object in S3 soon after."""

import asyncio
import json
import logging
import time
from datetime import UTC
from typing import Any, Final

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from psycopg.rows import dict_row
from starlette.concurrency import run_in_threadpool

from breakwater_service.database import Connection, Database, UnavailableError
from breakwater_service.settings import Settings
from breakwater_service.telemetry import Metrics

_BATCH: Final = 100
_BATCH_SECONDS: Final = 3.0
_AT_ONCE: Final = 4
_IDLE_SECONDS: Final = 5.0  # until rows are looked for that another task left behind
# A try must end before the server ends the idle transaction, so that what was put is also deleted.
_CONFIG: Final = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})
# Tasks take different rows; a task that dies leaves its rows to the others.
_TAKE: Final = """
SELECT id, source AS "from", destination AS "to", amount, created_at
FROM outbox JOIN transfers ON transfers.id = outbox.transfer_id LIMIT %s FOR UPDATE OF outbox SKIP LOCKED
"""
_DELETE: Final = "DELETE FROM outbox WHERE transfer_id = ANY(%s)"
_log = logging.getLogger(__name__)


class Outbox:
    """What moves rows of the database to the bucket."""

    def __init__(self, settings: Settings, database: Database, metrics: Metrics) -> None:
        self._bucket, self._database, self._metrics = settings.bucket_name, database, metrics
        self._s3: Any = boto3.client("s3", config=_CONFIG)
        self._s3.meta.events.register("before-send.s3.PutObject", _send_at_once)
        self._look_again = 0.0  # moment of the monotonic clock

    def wake(self) -> None:
        """Say that there may be a new row."""
        self._look_again = 0.0

    async def move(self) -> None:
        """Move a batch if there are new rows, or if it is time to look for those that another task left behind."""
        if time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + _IDLE_SECONDS
        try:
            if await self._database.write(self._move, time.monotonic() + _BATCH_SECONDS) == _BATCH:
                self.wake()
        except (UnavailableError, psycopg.Error, BotoCoreError, ClientError) as error:
            _log.warning("receipts wait: %s", error)

    async def _move(self, connection: Connection) -> int:
        async with connection.transaction():
            rows = await (await connection.cursor(row_factory=dict_row).execute(_TAKE, (_BATCH,))).fetchall()
            shares = filter(None, (rows[start::_AT_ONCE] for start in range(_AT_ONCE)))
            await asyncio.gather(*(run_in_threadpool(self._put, share) for share in shares))
            if rows:
                await connection.execute(_DELETE, ([row["id"] for row in rows],))
        self._metrics.count("Receipts", len(rows))
        return len(rows)

    def _put(self, rows: list[dict[str, Any]]) -> None:
        """Write receipts: the same key and bytes each time, so twice is harmless."""
        for row in rows:
            receipt = {**row, "id": str(row["id"]), "created_at": row["created_at"].astimezone(UTC).isoformat()}
            key, body = f"receipts/{receipt['id']}.json", json.dumps(receipt).encode()
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


def _send_at_once(request: Any, **_: object) -> None:
    """Send a receipt with its request: boto3 asks first whether to go on, which costs more than the few bytes."""
    request.headers.pop("Expect")
