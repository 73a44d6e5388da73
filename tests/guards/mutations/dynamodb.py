"""Seeded defects of the table, and of what a second Region needs."""

from __future__ import annotations

import copy
from typing import Any

from tests.guards.mutations import MutableApp, mutation
from tests.guards.mutations.backup import copy_backups

TABLE = "AWS::DynamoDB::GlobalTable"


@mutation("DR-DYNAMODB-01")
def no_recovery(app: MutableApp) -> None:
    del replicas(app)[0]["PointInTimeRecoverySpecification"]


@mutation("DR-DYNAMODB-01", judged_as="multi-region")
def no_recovery_on_the_second_replica(app: MutableApp) -> None:
    second = add_replica(app)
    second["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] = "false"


@mutation("DR-DYNAMODB-02", judged_as="multi-region")
def replica_without_key(app: MutableApp) -> None:
    del add_replica(app)["SSESpecification"]


@mutation("DR-DYNAMODB-03")
def time_to_live_of_nothing(app: MutableApp) -> None:
    del app.properties(TABLE)["TimeToLiveSpecification"]["AttributeName"]


@mutation("DR-DYNAMODB-04")
def keys_without_encryption(app: MutableApp) -> None:
    del app.properties(TABLE)["SSESpecification"]


def replicas(app: MutableApp) -> list[dict[str, Any]]:
    """Return the replicas of the table, to be edited in place."""
    found: list[dict[str, Any]] = app.properties(TABLE)["Replicas"]
    return found


def add_replica(app: MutableApp) -> dict[str, Any]:
    """Add a replica in another Region like the first, with a key of its own, and let backups follow."""
    copy_backups(app)
    second = copy.deepcopy(replicas(app)[0])
    second["Region"] = "us-west-2"
    second["SSESpecification"] = {"KMSMasterKeyId": {"Fn::Sub": "arn:aws:kms:us-west-2:${AWS::AccountId}:key/mrk-1"}}
    replicas(app).append(second)
    return second


@mutation("DR-REGION-01", judged_as="multi-region")
def replica_at_home_only(app: MutableApp) -> None:
    add_replica(app)
    replicas(app).pop()


@mutation("DR-REGION-02", judged_as="multi-region")
def copies_that_stay_in_the_region(app: MutableApp) -> None:
    add_replica(app)
    copy_backups(app, "us-east-1")
