"""The answers that were given, in DynamoDB: a repeated request gets its answer from there while Aurora fails over.

The table is never the judge: only the unique key in Aurora decides, so nobody waits for it, and what fails is left out.
"""

import json
import logging
import time
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from starlette.concurrency import run_in_threadpool

from breakwater_service.settings import Settings
from breakwater_service.transfers import Transfer

_KEPT_SECONDS: Final = 24 * 3600
_PAUSE_SECONDS: Final = 5.0
# Items: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
_BATCH, _MOST_WAITING = 25, 1000
_CONFIG: Final = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=40)
_log = logging.getLogger(__name__)


class Replays:
    """The table's items `idempotency#<key>`."""

    def __init__(self, settings: Settings) -> None:
        self._table, self._expiry = settings.table_name, settings.ttl_attribute
        self._dynamodb: Any = boto3.client("dynamodb", config=_CONFIG)
        self._waiting: dict[str, Any] = {}  # items by key: a batch may name each once
        self._silent_until = 0.0

    async def find(self, key: str) -> Transfer | None:
        """Return the transfer that was made with a key; None also where that is not known."""
        item = (await self._ask(self._dynamodb.get_item, TableName=self._table, Key=_key(key))).get("Item")
        # DynamoDB deletes an expired item within days, not at once.
        if not item or int(item[self._expiry]["N"]) <= time.time():
            return None
        return Transfer(*json.loads(item["result"]["S"]).values())

    def keep(self, key: str, transfer: Transfer) -> None:
        """Keep the answer for a day, soon: every request with its key has the same one, so it may be written twice."""
        if len(self._waiting) < _MOST_WAITING:
            expiry = {self._expiry: {"N": str(int(time.time()) + _KEPT_SECONDS)}}
            self._waiting[key] = {**_key(key), **expiry, "result": {"S": json.dumps(transfer.body())}}

    async def write(self) -> None:
        """Write the answers that wait; those that the table has no capacity for wait on."""
        while batch := dict(islice(self._waiting.items(), _BATCH)):
            self._waiting = {key: item for key, item in self._waiting.items() if key not in batch}
            puts = [{"PutRequest": {"Item": item}} for item in batch.values()]
            answer = await self._ask(self._dynamodb.batch_write_item, RequestItems={self._table: puts})
            refused = answer.get("UnprocessedItems", {}).get(self._table, ())
            if left := {each["PutRequest"]["Item"]["pk"]["S"] for each in refused}:
                self._waiting |= {key: item for key, item in batch.items() if item["pk"]["S"] in left}
                return

    async def check(self) -> None:
        """Ask the table for an answer; raise `BotoCoreError` or `ClientError` if it gives none."""
        await run_in_threadpool(self._dynamodb.get_item, TableName=self._table, Key=_key("none"))

    async def _ask(self, operation: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
        """Call an operation, or return nothing; after a failure nothing is asked for some seconds."""
        if time.monotonic() < self._silent_until:
            return {}
        try:
            return await run_in_threadpool(operation, **arguments)
        except (BotoCoreError, ClientError) as error:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            _log.warning("DynamoDB is left out for %.0f s: %s", _PAUSE_SECONDS, error)
            return {}


def _key(key: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"idempotency#{key}"}, "sk": {"S": "request"}}
