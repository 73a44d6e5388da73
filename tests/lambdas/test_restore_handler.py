"""Restore validation as Lambda runs it, from the event to the result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from common import clients
from common.environment import ConfigurationError
from restore_validation import handler
from tests.assembly import assembly
from tests.lambdas.answers import RefusedError, answering
from tests.lambdas.restored import CLUSTER_ARN, JOB, NOW, PLAN, SCOPE, TABLE_ARN, Backup, Data, Rds, at, job
from tests.lambdas.world import NAMESPACE, REGION, Calls, Context, make_table
from tests.stacks.test_least_privilege import action_of, granted

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


class _World:
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


@pytest.fixture
def world(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[_World]:
    """The function's variables, and an account."""
    assert calls == set()
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    make_table()
    yield _World(monkeypatch)
    clients.client.cache_clear()


def _restored_table(*items: dict[str, Any]) -> None:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.create_table(
        TableName=RESTORED,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    for number, item in enumerate(items):
        dynamodb.put_item(TableName=RESTORED, Item={"pk": {"S": "a"}, "sk": {"S": f"{number:05}"}, **item})


def _published() -> dict[str, float]:
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


def test_a_cluster_is_opened_read_closed_and_told(world: _World) -> None:
    times = world.until_done()
    assert times < 15
    assert world.result() == ("SUCCESSFUL", "12 tables, 9 with data")
    assert world.rds.did == [
        "ModifyDBCluster",
        "CreateDBInstance",
        "EnableHttpEndpoint",
        "ModifyDBCluster",
        "DeleteDBInstance",
    ]
    assert world.rds.instance == ""
    assert len(world.data.asked) == 1
    assert _published() == {"RestoreTestSeconds": 600, "RestoreTestSucceeded": 1, "RestoreTestRpoSeconds": 3600}


def test_it_calls_nothing_that_its_role_may_not(world: _World, calls: Calls) -> None:
    calls.clear()
    world.until_done()
    made = {action_of(call) for call in calls}
    assert len(made) > 10
    assert made <= granted(assembly("dev"), "RestoreValidation")


def test_the_newest_row_is_asked_for_where_a_column_is_configured(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", 'ledger.en"tries')
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    world.until_done()
    assert world.data.asked[-1] == 'SELECT extract(epoch FROM max("created_at")) FROM "ledger"."en""tries"'
    assert world.result()[0] == "SUCCESSFUL"
    assert _published()["RestoreTestRpoSeconds"] == 4.5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(tables=(0, 0)), "0 tables, 0 with data: at least 1 must hold data"),
        (Data(newest=None), "12 tables, 9 with data: no timestamp in them"),
        (Data(refuses="DatabaseErrorException"), "the database could not be read: DatabaseErrorException"),
        (Data(refuses="BadRequestException"), "the database could not be read: BadRequestException"),
    ],
)
def test_a_copy_that_proves_nothing_fails(
    world: _World, data: Data, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_TABLE", "entries")
    monkeypatch.setenv("CHECK_COLUMN", "created_at")
    world.data = data
    world.until_done()
    status, told = world.result()
    assert status == "FAILED"
    assert told.startswith(message)
    assert world.rds.did[-1] == "DeleteDBInstance"
    assert _published()["RestoreTestSucceeded"] == 0


@pytest.mark.parametrize(
    "code", ["DatabaseResumingException", "ThrottlingException", "HttpEndpointNotEnabledException"]
)
def test_a_database_that_is_not_ready_is_asked_again_until_the_deadline(world: _World, code: str) -> None:
    world.data.refuses = code
    times = world.until_done()
    assert times > 30
    assert world.result() == ("FAILED", f"the database could not be read: {code}: as the test says")


def test_a_cluster_that_never_opens_fails_at_the_deadline(world: _World) -> None:
    world.rds.refuses = {"CreateDBInstance": "InsufficientDBInstanceCapacity"}
    world.until_done()
    assert world.result() == ("FAILED", "not opened in time: the cluster has no instance")


def test_an_instance_that_does_not_go_delays_the_result_no_longer_than_its_grace(world: _World) -> None:
    world.rds.refuses = {"DeleteDBInstance": "InvalidDBInstanceState"}
    times = world.until_done()
    assert (times - 1) * 360 == pytest.approx(13500 - 300 + 1800, abs=360)
    assert world.result()[0] == "SUCCESSFUL"


def test_a_cluster_that_is_gone_fails(world: _World) -> None:
    world.rds.status = ""
    assert world.until_done() == 1
    assert world.result() == ("FAILED", "the restored cluster is gone")


@pytest.mark.parametrize(
    ("rds", "changes"),
    [
        (Rds(scales=True, data_api=True, secret="active"), ["CreateDBInstance", "DeleteDBInstance"]),
        (Rds(scales=True, data_api=True), ["CreateDBInstance", "ModifyDBCluster", "DeleteDBInstance"]),
        (Rds(scales=True, secret="active"), ["CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance"]),
    ],
)
def test_what_the_restore_brought_along_is_not_made_again(world: _World, rds: Rds, changes: list[str]) -> None:
    world.rds = rds
    world.until_done()
    assert world.result()[0] == "SUCCESSFUL"
    assert rds.did == changes


@pytest.mark.parametrize("operation", ["DescribeDBClusters", "DescribeDBInstances"])
def test_a_refusal_of_another_kind_comes_again(world: _World, operation: str) -> None:
    world.rds.refuses = {operation: "Throttling"}
    assert world.again() == ["m"]
    assert world.backup.results == []


def test_a_message_that_comes_twice_changes_nothing(world: _World) -> None:
    world.until_done()
    before = list(world.rds.did)
    assert world.again() == []
    assert world.rds.did == before
    assert len(world.backup.results) == 1


def test_a_table_with_items_is_proved(world: _World) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    _restored_table({}, {})
    assert world.until_done() == 1
    assert world.result() == ("SUCCESSFUL", "2 items, 2 with data")


def test_what_the_functions_keep_there_themselves_proves_nothing(world: _World) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    _restored_table({"pk": {"S": "operations#health"}})
    world.until_done()
    assert world.result() == ("FAILED", "0 items, 0 with data: at least 1 must hold data")


def test_the_newest_item_is_looked_for_where_an_attribute_is_configured(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECK_ATTRIBUTE", "at")
    world.backup.job = job("DynamoDB", TABLE_ARN)
    times = [{"at": {"N": str(NOW - 4500 - age)}} for age in (90, 20, 50)]
    _restored_table(*times, {"at": {"S": "yesterday"}}, {})
    world.until_done()
    assert world.result() == ("SUCCESSFUL", "5 items, 5 with data, the newest from 20 s before the recovery point")


def test_of_a_large_table_only_the_first_pages_are_read(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restore_validation.table.ITEMS_ON_A_PAGE", 2)
    monkeypatch.setattr("restore_validation.table.PAGES", 3)
    world.backup.job = job("DynamoDB", TABLE_ARN)
    _restored_table(*({} for _ in range(9)))
    world.until_done()
    assert world.result() == ("SUCCESSFUL", "6 items, 6 with data")


def test_a_table_that_is_gone_fails(world: _World) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    world.until_done()
    assert world.result() == ("FAILED", "the restored table is gone")


def _table_that_is(status: str, monkeypatch: pytest.MonkeyPatch, world: _World) -> None:
    world.backup.job = job("DynamoDB", TABLE_ARN)
    slow = answering("dynamodb", DescribeTable=lambda **_: {"Table": {"TableStatus": status}})
    given = handler.client
    monkeypatch.setattr(handler, "client", lambda service: slow if service == "dynamodb" else given(service))


def test_a_table_that_is_not_there_yet_is_waited_for_until_the_deadline(
    world: _World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _table_that_is("CREATING", monkeypatch, world)
    assert world.until_done() > 30
    assert world.result() == ("FAILED", "not opened in time: the table is CREATING")


def test_a_table_that_dynamodb_does_not_describe_comes_again(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise RefusedError("ThrottlingException")

    world.backup.job = job("DynamoDB", TABLE_ARN)
    given, throttled = handler.client, answering("dynamodb", DescribeTable=refuse)
    monkeypatch.setattr(handler, "client", lambda service: throttled if service == "dynamodb" else given(service))
    assert world.again() == ["m"]


def test_a_type_without_a_check_fails(world: _World) -> None:
    world.backup.job = job("S3", "arn:aws:s3:::awsbackup-restore-test-1")
    world.until_done()
    assert world.result() == ("FAILED", "no check is written for S3")
    assert "RestoreTestRpoSeconds" not in _published()


@pytest.mark.parametrize(
    "changes",
    [
        {"CreatedBy": {}},
        {"Status": "RUNNING"},
        {"ValidationStatus": "SUCCESSFUL"},
        {"CreatedResourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"},
    ],
)
def test_another_job_is_left_alone(world: _World, changes: dict[str, Any]) -> None:
    world.backup.job = job("Aurora", CLUSTER_ARN, **changes)
    assert world.again() == []
    assert world.rds.did == []
    assert world.backup.results == []


def test_a_job_with_the_least_that_aws_backup_tells(world: _World) -> None:
    world.backup.job = {"RestoreJobId": JOB, "Status": "PENDING", "CreationDate": at(-10)}
    assert world.again() == []
    assert world.backup.results == []


def test_a_job_that_is_gone_is_left_alone(world: _World) -> None:
    world.backup.job = {}
    assert world.again() == []


def test_an_event_without_a_job_is_left_alone(world: _World) -> None:
    assert handler.handle({"Records": [{"messageId": "m", "body": "{}"}]}, Context()) == {"batchItemFailures": []}
    assert world.backup.results == []


def test_one_message_that_fails_does_not_stop_the_others(world: _World) -> None:
    world.rds.status = ""
    event = {
        "Records": [
            {"messageId": "broken", "body": "{"},
            {"messageId": "good", "body": json.dumps(EVENT)},
        ]
    }
    assert handler.handle(event, Context()) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert world.result()[0] == "FAILED"


def test_an_endpoint_that_does_not_answer_comes_again(world: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(_service: str) -> Any:
        raise ConnectTimeoutError(endpoint_url="https://backup.us-east-1.amazonaws.com")

    monkeypatch.setattr(handler, "client", time_out)
    assert world.again() == ["m"]


def test_people_may_invoke_it_with_the_event_itself(world: _World) -> None:
    answer = handler.handle(EVENT, Context())
    assert answer == {"finished": False, "note": f"{JOB}: let-scale, since the cluster has no capacity range"}
    assert world.rds.did == ["ModifyDBCluster"]


def test_and_are_told_what_aws_refused(world: _World) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise RefusedError("ServiceUnavailableException")

    world.backup.operations = lambda: {"DescribeRestoreJob": refuse}  # type: ignore[method-assign]
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        handler.handle(EVENT, Context())


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_variable_that_is_missing_is_named(world: _World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.backup.results == []
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        world.again()
