"""Validation results in DynamoDB, kept until they can be reported to AWS Backup."""

from __future__ import annotations

from typing import Any

from restore_validation.logic import ValidationResult

PARTITION = "operations#restore"
# Long enough for every retry of the message that led to the result.
RETENTION_SECONDS = 30 * 86400


class ResultStore:
    """Validation results by restore job.

    Args:
        dynamodb: DynamoDB client.
        table: Name of the platform's table.
        ttl_attribute: Attribute with the time after which DynamoDB deletes an item.
    """

    def __init__(self, dynamodb: Any, table: str, ttl_attribute: str) -> None:
        self._dynamodb, self._table, self._ttl_attribute = dynamodb, table, ttl_attribute

    def find(self, job: str) -> ValidationResult | None:
        """Return the result of a job with a consistent read; ``None`` if there is none yet.

        Args:
            job: Identifier of the restore job.
        """
        response = self._dynamodb.get_item(TableName=self._table, Key=_key(job), ConsistentRead=True)
        if "Item" not in response:
            return None
        item = response["Item"]
        rpo = item.get("rpo_seconds")
        return ValidationResult(item["successful"]["BOOL"], item["message"]["S"], float(rpo["N"]) if rpo else None)

    def save(self, job: str, result: ValidationResult, now: float) -> None:
        """Save the result of a job.

        Args:
            job: Identifier of the restore job.
            result: The result.
            now: Current time in seconds since 1970.
        """
        rpo = {} if result.rpo_seconds is None else {"rpo_seconds": {"N": repr(result.rpo_seconds)}}
        self._dynamodb.put_item(
            TableName=self._table,
            Item=_key(job)
            | {
                "successful": {"BOOL": result.successful},
                "message": {"S": result.message},
                self._ttl_attribute: {"N": str(int(now + RETENTION_SECONDS))},
                **rpo,
            },
        )


def _key(job: str) -> dict[str, Any]:
    return {"pk": {"S": PARTITION}, "sk": {"S": job}}
