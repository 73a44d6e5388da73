"""Restore validation with one restore test to validate: its events, and the services that it calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common import clients
from restore_validation import handler
from tests.fake_clients import fake_client
from tests.lambdas.account import FakeAccount, LambdaContext, record_calls
from tests.lambdas.restore_fakes import (
    CLUSTER_ARN,
    JOB,
    NOW,
    PLAN,
    SCOPE,
    TABLE_ARN,
    FakeBackup,
    FakeDataApi,
    FakeRds,
    describe_job,
)

# Time after the end of the restore within which there must be a result.
DEADLINE_SECONDS = 5400
# Time between two deliveries of a message: the queue's visibility timeout.
REDELIVERY_SECONDS = 360
# The restore ended 300 s ago.
DELIVERIES_UNTIL_DEADLINE = (DEADLINE_SECONDS - 300) / REDELIVERY_SECONDS
VARIABLES = {
    "DATABASE_NAME": "transactions",
    "DATA_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/1",
    "RESTORE_TESTING_PLAN": PLAN,
    "RESTORE_TESTING_SCOPE": SCOPE,
    "TTL_ATTRIBUTE": "expires_at",
    "MINIMUM_TABLES": "1",
    "MINIMUM_ITEMS": "1",
    "NEWEST_WITHIN_SECONDS": "300",
    "DEADLINE_SECONDS": str(DEADLINE_SECONDS),
}
EVENT = {
    "version": "0",
    "source": "aws.backup",
    "detail-type": "Restore Job State Change",
    "detail": {"restoreJobId": JOB, "status": "COMPLETED", "restoreTestingPlanArn": SCOPE + PLAN},
}


class RestoreHarness:
    """An account with one restore test.

    Attributes:
        backup: AWS Backup with the restore job.
        rds: RDS with the restored cluster.
        data: The restored cluster's Data API.
        now: Current time in seconds since 1970.
        options: What the function asked of the client of each service, e.g. how long it waits for a response.
    """

    def __init__(self, account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> None:
        self.backup, self.rds, self.data = FakeBackup(describe_job("Aurora", CLUSTER_ARN)), FakeRds(), FakeDataApi()
        self.now = NOW
        self.options: dict[str, dict[str, int]] = {}
        self._account = account
        self._clients: dict[str, Any] = {}
        monkeypatch.setattr(handler, "client", self._client)
        monkeypatch.setattr("restore_validation.handler.time.time", lambda: self.now)

    def _client(self, service: str, **options: int) -> Any:
        self.options[service] = options
        fakes: dict[str, FakeBackup | FakeRds | FakeDataApi] = {
            "backup": self.backup,
            "rds": self.rds,
            "rds-data": self.data,
        }
        if service in fakes and service not in self._clients:
            client = fake_client(service, **fakes[service].operations())
            self._clients[service] = record_calls(client, service, self._account.calls)
        return self._clients.get(service) or clients.client(service)

    def replace_client(self, service: str, client: Any) -> None:
        """Give the function another client of a service."""
        self._clients[service] = client

    def deliver(self) -> list[str]:
        """Deliver the message once, and return the messages that are to be delivered again."""
        event = {"Records": [{"messageId": "m", "body": json.dumps(EVENT)}]}
        response = handler.handle(event, LambdaContext())
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def deliver_until_done(self) -> int:
        """Deliver the message until it is processed, and return the number of deliveries."""
        for deliveries in range(1, 50):
            if not self.deliver():
                return deliveries
            self.now += REDELIVERY_SECONDS
        raise AssertionError("the message is still not processed")

    def result(self) -> tuple[str, str]:
        """Return the only result that AWS Backup received: status and message."""
        (result,) = self.backup.results
        return result["ValidationStatus"], result["ValidationStatusMessage"]

    def restore_table(self, *items: dict[str, Any]) -> None:
        """Let the restore test be of a table that holds these items."""
        self.backup.job = describe_job("DynamoDB", TABLE_ARN)
        name = TABLE_ARN.rpartition("/")[2]
        self._account.create_table(name)
        for number, item in enumerate(items):
            key = {"pk": {"S": "a"}, "sk": {"S": f"{number:05}"}}
            self._account.client("dynamodb").put_item(TableName=name, Item=key | item)

    def metrics(self) -> dict[str, float]:
        """Return the published metrics by name."""
        return {name: value for (name, *_), value in self._account.metrics().items()}
