"""Runs what is deployed: the health monitor, a transfer, a failover, and a restore test from end to end."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from breakwater_drills.clock import Clock
from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.clients import Aws
from ops.errors import OpsError
from ops.local import transfer
from stacks.names import OutputKey
from stacks.settings import Settings
from stacks.settings.rules import SERVICE_IMAGE

# How long a restore test may take from its event to its result; it takes less than a second.
_RESTORE_TIMEOUT_SECONDS: Final = 30.0
_REASON: Final = "make local tries the failover"


@dataclass(frozen=True)
class SmokeTest:
    """What was answered.

    Attributes:
        health: the health monitor's answer.
        transfer: one through the load balancer; None where another image than the reference service is deployed.
        failovers: the answers of two failovers in a row.
        restore: the restore job with its validation, as AWS Backup describes it.
    """

    health: Mapping[str, Any]
    transfer: transfer.Transfer | None
    failovers: list[Mapping[str, Any]]
    restore: Mapping[str, Any]

    @property
    def refused(self) -> bool:
        """Whether the first failover was refused as well: there was one within the cool-down."""
        return bool(self.failovers[0]["outcome"] == "refused")


def run(aws: Aws, outputs: Mapping[str, str], settings: Settings, authority: Path) -> SmokeTest:
    """Call the service as a client would, and each function as an operator, or AWS, would.

    Args:
        aws: clients of the embedded AWS.
        outputs: of the root stack.
        settings: that it was deployed with.
        authority: certificate of the authority that signed that of the load balancer.

    Returns:
        Their answers.

    Raises:
        OpsError: a function or the service failed, or did not do its work.
    """
    return SmokeTest(
        health=_health(aws, outputs),
        transfer=transfer.make(aws, outputs, authority) if settings.compute.image == SERVICE_IMAGE else None,
        failovers=_failovers(aws, outputs),
        restore=_restore(aws, outputs, settings),
    )


def _health(aws: Aws, outputs: Mapping[str, str]) -> Mapping[str, Any]:
    answer = _invoke(aws, outputs[OutputKey.HEALTH_MONITOR_FUNCTION], {})
    if answer["overall"] != "healthy":
        reasons = {name: part["reasons"] for name, part in answer["components"].items() if part["health"] != "healthy"}
        raise OpsError(f"the health monitor finds the new deployment {answer['overall']}: {reasons}")
    return answer


def _failovers(aws: Aws, outputs: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Fail over twice in a row; the cool-down must refuse the second, and the first as well soon after another run."""
    request = {"cluster": outputs[OutputKey.CLUSTER_IDENTIFIER], "reason": _REASON}
    before = _writer(aws, outputs)
    answers: list[Mapping[str, Any]] = [_invoke(aws, outputs[OutputKey.FAILOVER_FUNCTION], request) for _ in range(2)]
    first, second = answers
    moved = _writer(aws, outputs) != before
    if moved is not (first["outcome"] == "succeeded"):
        raise OpsError(f"the failover answered {first['outcome']}, and the writer did{'' if moved else ' not'} move")
    if "cool-down" not in (first.get("code"), second.get("code")) or second["outcome"] != "refused":
        raise OpsError(f"two failovers in a row answered {first['outcome']} and {second['outcome']}")
    return answers


def _writer(aws: Aws, outputs: Mapping[str, str]) -> str:
    cluster = aws("rds").describe_db_clusters(DBClusterIdentifier=outputs[OutputKey.CLUSTER_IDENTIFIER])
    members = cluster["DBClusters"][0]["DBClusterMembers"]
    return str(next(member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]))


def _restore(aws: Aws, outputs: Mapping[str, str], settings: Settings) -> Mapping[str, Any]:
    """Restore the table as a restore test does: AWS Backup's event starts the validation of the copy."""
    table = outputs[OutputKey.TABLE_NAME]
    items = max(1, settings.operations.validation_minimum_items)
    with _items(aws, table, items), _copy(aws) as copy:
        job = aws("backup").start_restore_job(
            RecoveryPointArn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/backup/local",
            Metadata={"targetTableName": copy},
            ResourceType="DynamoDB",
            IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/local",
        )["RestoreJobId"]

        def is_validated() -> bool:
            return bool(aws("backup").describe_restore_job(RestoreJobId=job)["ValidationStatus"] != "VALIDATING")

        if not Clock().wait_until(is_validated, timeout_seconds=_RESTORE_TIMEOUT_SECONDS, poll_seconds=0.2):
            limit = f"{_RESTORE_TIMEOUT_SECONDS:.0f} s"
            raise OpsError(f"restore job {job} was not validated within {limit}: see the log of the function")
        found: Mapping[str, Any] = aws("backup").describe_restore_job(RestoreJobId=job)
    if found["ValidationStatus"] != "SUCCESSFUL":
        raise OpsError(f"the restore test is {found['ValidationStatus']}: {found.get('ValidationStatusMessage')}")
    return found


@contextmanager
def _items(aws: Aws, table: str, number: int) -> Iterator[None]:
    """Keep items in the table, which its restored copy must hold."""
    keys = [{"pk": {"S": "local"}, "sk": {"S": str(uuid.uuid4())}} for _ in range(number)]
    try:
        for key in keys:
            aws("dynamodb").put_item(TableName=table, Item=key)
        yield
    finally:
        for key in keys:
            aws("dynamodb").delete_item(TableName=table, Key=key)


@contextmanager
def _copy(aws: Aws) -> Iterator[str]:
    """Give the name for a restored table, and delete that table afterwards, as AWS Backup would."""
    name = f"awsbackup-restore-test-{uuid.uuid4()}"
    try:
        yield name
    finally:
        if name in aws("dynamodb").list_tables()["TableNames"]:
            aws("dynamodb").delete_table(TableName=name)


def _invoke(aws: Aws, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = aws("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise OpsError(f"{function} failed: {payload.get('errorType')}: {payload.get('errorMessage')}")
    return dict(payload)
