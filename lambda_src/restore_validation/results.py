"""Verdicts that wait to be reported, in the DynamoDB table."""

from __future__ import annotations

from typing import Any

from restore_validation.logic import Verdict

PARTITION = "operations#restore"
# Long enough that a late retry finds it, in seconds.
KEPT = 30 * 86400


class Verdicts:
    """Verdicts by restore job.

    Args:
        dynamodb: client.
        table: name of the platform's own table.
        ttl_attribute: attribute after whose time DynamoDB deletes an item.
    """

    def __init__(self, dynamodb: Any, table: str, ttl_attribute: str) -> None:
        self._dynamodb, self._table, self._ttl = dynamodb, table, ttl_attribute

    def find(self, job: str) -> Verdict | None:
        """Return the verdict of a job, read consistently; ``None`` when there is none yet.

        Args:
            job: identifier of the restore job.
        """
        answer = self._dynamodb.get_item(TableName=self._table, Key=_key(job), ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = answer["Item"]
        rpo = item.get("rpo_seconds")
        return Verdict(item["successful"]["BOOL"], item["message"]["S"], float(rpo["N"]) if rpo else None)

    def keep(self, job: str, verdict: Verdict, now: float) -> None:
        """Write a verdict down.

        Args:
            job: identifier of the restore job.
            verdict: what was found.
            now: seconds since 1970.
        """
        rpo = {} if verdict.rpo_seconds is None else {"rpo_seconds": {"N": repr(verdict.rpo_seconds)}}
        self._dynamodb.put_item(
            TableName=self._table,
            Item=_key(job)
            | {
                "successful": {"BOOL": verdict.successful},
                "message": {"S": verdict.message},
                self._ttl: {"N": str(int(now + KEPT))},
                **rpo,
            },
        )


def _key(job: str) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": job}}
