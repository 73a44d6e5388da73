"""One restore test in AWS, as restore validation meets it."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from common import clients
from restore_validation import handler
from tests.lambdas.answers import answering
from tests.lambdas.restored import CLUSTER_ARN, JOB, NOW, PLAN, SCOPE, TABLE_ARN, Backup, Data, Rds, job
from tests.lambdas.world import NAMESPACE, REGION, Context

RESTORED = TABLE_ARN.rpartition("/")[2]
VARIABLES = {
    "DATABASE_NAME": "transactions",
    "DATA_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/1",
    "RESTORE_TESTING_PLAN": PLAN,
    "RESTORE_TESTING_SCOPE": SCOPE,
    "TTL_ATTRIBUTE": "expires_at",
    "MINIMUM_TABLES": "1",
    "MINIMUM_ITEMS": "1",
    "NEWEST_WITHIN_SECONDS": "300",
    "DEADLINE_SECONDS": "13500",
}
EVENT = {
    "version": "0",
    "source": "aws.backup",
    "detail-type": "Restore Job State Change",
    "detail": {"restoreJobId": JOB, "status": "COMPLETED", "restoreTestingPlanArn": SCOPE + PLAN},
}


class RestoreWorld:
    """AWS with one restore test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.backup, self.rds, self.data = Backup(job("Aurora", CLUSTER_ARN)), Rds(), Data()
        self.now = NOW
        self._made: dict[str, Any] = {}
        monkeypatch.setattr(handler, "client", self._client)
        monkeypatch.setattr(handler.time, "time", lambda: self.now)

    def _client(self, service: str) -> Any:
        operations = {
            "backup": self.backup.operations,
            "rds": self.rds.operations,
            "rds-data": self.data.operations,
        }
        if service not in operations:
            return clients.client(service)
        return self._made.setdefault(service, answering(service, **operations[service]()))

    def again(self) -> list[str]:
        """Deliver the message once, and return which ones are to come again."""
        event = {"Records": [{"messageId": "m", "body": json.dumps(EVENT)}]}
        answer = handler.handle(event, Context())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def until_done(self) -> int:
        """Deliver the message until it is served, and return how often that was."""
        for times in range(1, 50):
            if not self.again():
                return times
            self.now += 360
        raise AssertionError("it never ends")

    def result(self) -> tuple[str, str]:
        """What AWS Backup was told, once."""
        (told,) = self.backup.results
        return told["ValidationStatus"], told["ValidationStatusMessage"]


def restored_table(*items: dict[str, Any]) -> None:
    """Make the table that AWS Backup restored."""
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName=RESTORED,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    for number, item in enumerate(items):
        dynamodb.put_item(TableName=RESTORED, Item={"pk": {"S": "a"}, "sk": {"S": f"{number:05}"}, **item})


def published() -> dict[str, float]:
    """What the function told CloudWatch, by metric."""
    cloudwatch = boto3.client("cloudwatch", region_name=REGION)
    found = {}
    for metric in cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]:
        answer = cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric["MetricName"],
            Dimensions=metric["Dimensions"],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
            Period=86400 * 3650,
            Statistics=["Maximum"],
        )
        found[metric["MetricName"]] = answer["Datapoints"][0]["Maximum"]
    return found
