"""A restore test of AWS Backup: its job, and the restored cluster, whose changes take effect with a delay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError

from tests.fake_clients import Operation, ServiceError

NOW = 1_800_000_000.0
PLAN = "dr_restore_test_us_east_1"
SCOPE = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:"
PLAN_ARN = f"{SCOPE}{PLAN}-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:awsbackup-restore-test-0a1b2c3d"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/awsbackup-restore-test-0a1b2c3d"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1"
JOB = "0A1B2C3D-1111-2222-3333-444455556666"


def at(seconds: float) -> datetime:
    """Return a time relative to now."""
    return datetime.fromtimestamp(NOW + seconds, UTC)


@dataclass
class FakeBackup:
    """AWS Backup with one restore job.

    Attributes:
        job: Description of the job; empty if there is none.
        results: Validation results that it received.
    """

    job: dict[str, Any]
    results: list[Mapping[str, str]] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        """Return the operations of the API."""
        return {"DescribeRestoreJob": self._describe, "PutRestoreValidationResult": self._put}

    def _describe(self, RestoreJobId: str) -> Mapping[str, Any]:  # noqa: N803 (the API's parameter)
        if not self.job or RestoreJobId != JOB:
            raise ServiceError("ResourceNotFoundException")
        return self.job

    def _put(self, **result: str) -> Mapping[str, Any]:
        self.results.append(result)
        self.job["ValidationStatus"] = result["ValidationStatus"]
        return {}


def describe_job(resource_type: str, arn: str, **changes: Any) -> dict[str, Any]:
    """Return a completed restore test, as AWS Backup describes it."""
    return {
        "RestoreJobId": JOB,
        "Status": "COMPLETED",
        "ResourceType": resource_type,
        "CreatedResourceArn": arn,
        "CreatedBy": {"RestoreTestingPlanArn": PLAN_ARN},
        "CreationDate": at(-900),
        "CompletionDate": at(-300),
        "RecoveryPointCreationDate": at(-4500),
        "ValidationStatus": "VALIDATING",
        **changes,
    }


@dataclass
class FakeRds:
    """RDS with a restored cluster, in which a change takes effect after one more request.

    Attributes:
        status: Status of the cluster; empty if it does not exist.
        has_capacity_range: Whether the restore has set the capacity range.
        instance: Status of its instance; empty if there is none.
        data_api_enabled: Whether the Data API is enabled.
        secret: Status of the master user's secret; empty if there is none.
        changes: Operations that changed something, in order.
        asked: What each of them was asked.
        errors: Error codes of operations that fail.
    """

    status: str = "available"
    has_capacity_range: bool = False
    instance: str = ""
    data_api_enabled: bool = False
    secret: str = ""
    changes: list[str] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        """Return the operations of the API."""
        changing = ("ModifyDBCluster", "CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance")
        return {
            "DescribeDBClusters": self._clusters,
            "DescribeDBInstances": self._instances,
            **{name: self._change(name) for name in changing},
        }

    def _clusters(self, DBClusterIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        assert DBClusterIdentifier == CLUSTER_ARN
        if not self.status:
            raise ServiceError("DBClusterNotFoundFault")
        self._fail("DescribeDBClusters")
        cluster: dict[str, Any] = {"Status": self.status}
        if self.data_api_enabled:
            cluster["HttpEndpointEnabled"] = True
        if self.has_capacity_range:
            cluster["ServerlessV2ScalingConfiguration"] = {"MinCapacity": 0.5, "MaxCapacity": 4.0}
        if self.secret:
            cluster["MasterUserSecret"] = {"SecretArn": SECRET_ARN, "SecretStatus": self.secret}
            self.secret = "active"
        return {"DBClusters": [cluster]}

    def _instances(self, DBInstanceIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        assert DBInstanceIdentifier == "awsbackup-restore-test-0a1b2c3d-v"
        self._fail("DescribeDBInstances")
        status = self.instance
        self.instance = {"creating": "available", "deleting": ""}.get(status, status)
        if not status:
            raise ServiceError("DBInstanceNotFound")
        return {"DBInstances": [{"DBInstanceStatus": status}]}

    def _change(self, operation: str) -> Operation:
        def change(**given: Any) -> Mapping[str, Any]:
            name = given.get("DBClusterIdentifier") or given.get("DBInstanceIdentifier") or given["ResourceArn"]
            assert "awsbackup-restore-test-" in name
            self._fail(operation)
            self.changes.append(operation)
            self.asked.append(given)
            if operation == "CreateDBInstance":
                self.instance = "creating"
            elif operation == "DeleteDBInstance":
                self.instance = "deleting"
            elif operation == "EnableHttpEndpoint":
                self.data_api_enabled = True
            elif "ManageMasterUserPassword" in given:
                self.secret = "creating"
            else:
                self.has_capacity_range = True
            return {}

        return change

    def _fail(self, operation: str) -> None:
        if operation in self.errors:
            raise ServiceError(self.errors[operation])


@dataclass
class FakeDataApi:
    """The RDS Data API of the restored cluster.

    Attributes:
        tables: Number of tables, and number of those that hold data.
        newest: Latest time, in seconds before the recovery point; ``None`` if the table is empty.
        error: Error of every statement, or its code; empty if statements succeed.
        statements: Statements that were executed.
    """

    tables: tuple[int, int] = (12, 9)
    newest: float | None = 4.5
    error: str | BotoCoreError = ""
    statements: list[str] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        """Return the operations of the API."""
        return {"ExecuteStatement": self._execute}

    def _execute(self, resourceArn: str, secretArn: str, database: str, sql: str) -> Mapping[str, Any]:  # noqa: N803
        assert (resourceArn, secretArn, database) == (CLUSTER_ARN, SECRET_ARN, "transactions")
        if isinstance(self.error, BotoCoreError):
            raise self.error
        if self.error:
            raise ServiceError(self.error)
        self.statements.append(sql)
        asked = self.newest is not None and "NULL::numeric" not in sql
        newest = {"stringValue": f"{NOW - 4500 - (self.newest or 0):.6f}"} if asked else {"isNull": True}
        return {"records": [[*({"longValue": number} for number in self.tables), newest]]}
