"""Restore jobs of AWS Backup: a copy of the table, the event that rules hear, and the result of its validation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy

pytestmark = pytest.mark.emulator
TABLE, COPY = "restored-from", "awsbackup-restore-test-1"
POINT = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}/backup/1"
ROLE = "arn:aws:iam::000000000000:role/backup"


@pytest.fixture
def table(aws: Aws) -> Iterator[None]:
    """Create a table with an item, and delete its copies after the test."""
    dynamodb = aws("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": "one"}})
    yield
    for name in dynamodb.list_tables()["TableNames"]:
        if name in (TABLE, COPY, "by-hand"):
            dynamodb.delete_table(TableName=name)


@pytest.fixture
def plan(aws: Aws, deploy: Deploy) -> str:
    """Create a restore-testing plan."""
    properties = {
        "RestoreTestingPlanName": "weekly",
        "ScheduleExpression": "cron(0 7 ? * SUN *)",
        "RecoveryPointSelection": {
            "Algorithm": "LATEST_WITHIN_WINDOW",
            "IncludeVaults": ["*"],
            "RecoveryPointTypes": ["SNAPSHOT"],
        },
    }
    deploy({"Plan": {"Type": "AWS::Backup::RestoreTestingPlan", "Properties": properties}})
    found = aws("backup").get_restore_testing_plan(RestoreTestingPlanName="weekly")["RestoreTestingPlan"]
    arn: str = found["RestoreTestingPlanArn"]
    return arn


def _restore(aws: Aws, target: str = COPY) -> dict[str, Any]:
    job = aws("backup").start_restore_job(
        RecoveryPointArn=POINT, Metadata={"targetTableName": target}, ResourceType="DynamoDB", IamRoleArn=ROLE
    )
    found: dict[str, Any] = aws("backup").describe_restore_job(RestoreJobId=job["RestoreJobId"])
    return found


@pytest.mark.usefixtures("table")
def test_a_test_of_the_plan_holds_what_the_table_held(aws: Aws, plan: str) -> None:
    job = _restore(aws)
    assert (job["Status"], job["ResourceType"], job["ValidationStatus"]) == ("COMPLETED", "DynamoDB", "VALIDATING")
    assert job["CreatedBy"] == {"RestoreTestingPlanArn": plan}
    assert job["CreatedResourceArn"].endswith(f":table/{COPY}")
    assert job["CreationDate"] <= job["CompletionDate"]
    assert aws("dynamodb").scan(TableName=COPY)["Items"] == [{"pk": {"S": "one"}}]


@pytest.mark.usefixtures("table", "plan")
def test_a_restore_by_hand_is_no_test(aws: Aws) -> None:
    job = _restore(aws, "by-hand")
    assert "CreatedBy" not in job
    assert "ValidationStatus" not in job


@pytest.mark.usefixtures("table")
def test_without_a_plan_nothing_is_a_test(aws: Aws) -> None:
    assert "CreatedBy" not in _restore(aws)


@pytest.mark.usefixtures("table")
def test_the_result_of_a_validation_stays_with_the_job(aws: Aws, plan: str) -> None:
    job = _restore(aws)["RestoreJobId"]
    aws("backup").put_restore_validation_result(
        RestoreJobId=job, ValidationStatus="FAILED", ValidationStatusMessage="empty"
    )
    found = aws("backup").describe_restore_job(RestoreJobId=job)
    assert (found["ValidationStatus"], found["ValidationStatusMessage"]) == ("FAILED", "empty")
    listed = aws("backup").list_restore_jobs(ByRestoreTestingPlanArn=plan, ByStatus="COMPLETED")["RestoreJobs"]
    assert job in {each["RestoreJobId"] for each in listed}
    assert aws("backup").list_restore_jobs(ByStatus="FAILED")["RestoreJobs"] == []
    other = plan.replace("weekly", "daily")
    assert aws("backup").list_restore_jobs(ByRestoreTestingPlanArn=other)["RestoreJobs"] == []


@pytest.mark.usefixtures("table")
def test_a_rule_hears_of_it(aws: Aws, plan: str) -> None:
    queue = aws("sqs").create_queue(QueueName="heard")["QueueUrl"]
    pattern = {"source": ["aws.backup"], "detail": {"restoreTestingPlanArn": [{"prefix": plan}]}}
    aws("events").put_rule(Name="heard", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:us-east-1:000000000000:heard"
    aws("events").put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])
    try:
        job = _restore(aws)
        event = _message(aws, queue)
        assert event["detail-type"] == "Restore Job State Change"
        assert event["detail"]["restoreJobId"] == job["RestoreJobId"]
        assert event["detail"]["status"] == "COMPLETED"
        assert event["detail"]["createdResourceArn"] == job["CreatedResourceArn"]
    finally:
        aws("events").remove_targets(Rule="heard", Ids=["queue"])
        aws("events").delete_rule(Name="heard")
        aws("sqs").delete_queue(QueueUrl=queue)


def _message(aws: Aws, queue: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for message in aws("sqs").receive_message(QueueUrl=queue).get("Messages", []):
            event: dict[str, Any] = json.loads(message["Body"])
            return event
        time.sleep(0.05)
    raise AssertionError("no message")


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ("arn:aws:rds:us-east-1:000000000000:cluster-snapshot:1", "Aurora"),
        ("arn:aws:ec2:us-east-1:000000000000:volume/vol-1/backup/1", "EBS"),
    ],
)
def test_nothing_but_tables_and_clusters_is_restored(aws: Aws, point: str, kind: str) -> None:
    with pytest.raises(ClientError, match="restores only DynamoDB tables and Aurora clusters"):
        aws("backup").start_restore_job(RecoveryPointArn=point, Metadata={}, ResourceType=kind)


def test_a_job_that_is_not_there_is_not_found(aws: Aws) -> None:
    with pytest.raises(ClientError, match="Restore job 'none' not found"):
        aws("backup").describe_restore_job(RestoreJobId="none")
    with pytest.raises(ClientError, match="Restore job 'none' not found"):
        aws("backup").put_restore_validation_result(RestoreJobId="none", ValidationStatus="FAILED")
