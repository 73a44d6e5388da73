"""A restore test of AWS Backup: its job, and the cluster or table that it made, which take their time as AWS does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.lambdas.answers import Operation, RefusedError

NOW = 1_800_000_000.0
PLAN = "dr_restore_test_us_east_1"
SCOPE = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:"
PLAN_ARN = f"{SCOPE}{PLAN}-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:awsbackup-restore-test-0a1b2c3d"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/awsbackup-restore-test-0a1b2c3d"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1"
JOB = "0A1B2C3D-1111-2222-3333-444455556666"


def at(seconds: float) -> datetime:
    """Moment relative to now."""
    return datetime.fromtimestamp(NOW + seconds, UTC)


@dataclass
class Backup:
    """AWS Backup with one restore job.

    Args:
        job: what it tells of it; an empty one does not exist.
        results: what it was told.
    """

    job: dict[str, Any]
    results: list[Mapping[str, str]] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        """What the API answers."""
        return {"DescribeRestoreJob": self._describe, "PutRestoreValidationResult": self._put}

    def _describe(self, RestoreJobId: str) -> Mapping[str, Any]:  # noqa: N803 (the API's name)
        if not self.job or RestoreJobId != JOB:
            raise RefusedError("ResourceNotFoundException")
        return self.job

    def _put(self, **result: str) -> Mapping[str, Any]:
        self.results.append(result)
        self.job["ValidationStatus"] = result["ValidationStatus"]
        return {}


def job(resource_type: str, arn: str, **changes: Any) -> dict[str, Any]:
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
class Rds:
    """RDS with a restored cluster, in which each change takes one more look to be done.

    Args:
        status: of the cluster; empty when it is gone.
        scales: whether the restore brought the capacity range along.
        instance: status of its instance.
        did: operations that changed something, in order.
        refuses: operations that are refused, with the code.
    """

    status: str = "available"
    scales: bool = False
    instance: str = ""
    data_api: bool = False
    secret: str = ""
    did: list[str] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        """What the API answers."""
        changes = ("ModifyDBCluster", "CreateDBInstance", "EnableHttpEndpoint", "DeleteDBInstance")
        return {
            "DescribeDBClusters": self._clusters,
            "DescribeDBInstances": self._instances,
            **{name: self._change(name) for name in changes},
        }

    def _clusters(self, DBClusterIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        assert DBClusterIdentifier == CLUSTER_ARN
        if not self.status:
            raise RefusedError("DBClusterNotFoundFault")
        self._refuse("DescribeDBClusters")
        found: dict[str, Any] = {"Status": self.status, "HttpEndpointEnabled": self.data_api}
        if self.scales:
            found["ServerlessV2ScalingConfiguration"] = {"MinCapacity": 0.5, "MaxCapacity": 4.0}
        if self.secret:
            found["MasterUserSecret"] = {"SecretArn": SECRET_ARN, "SecretStatus": self.secret}
            self.secret = "active"
        return {"DBClusters": [found]}

    def _instances(self, DBInstanceIdentifier: str) -> Mapping[str, Any]:  # noqa: N803
        assert DBInstanceIdentifier == "awsbackup-restore-test-0a1b2c3d-v"
        self._refuse("DescribeDBInstances")
        seen = self.instance
        self.instance = {"creating": "available", "deleting": ""}.get(seen, seen)
        if not seen:
            raise RefusedError("DBInstanceNotFound")
        return {"DBInstances": [{"DBInstanceStatus": seen}]}

    def _change(self, operation: str) -> Operation:
        def change(**given: Any) -> Mapping[str, Any]:
            named = given.get("DBClusterIdentifier") or given.get("DBInstanceIdentifier") or given["ResourceArn"]
            assert "awsbackup-restore-test-" in named
            self._refuse(operation)
            self.did.append(operation)
            if operation == "CreateDBInstance":
                self.instance = "creating"
            elif operation == "DeleteDBInstance":
                self.instance = "deleting"
            elif operation == "EnableHttpEndpoint":
                self.data_api = True
            elif "ManageMasterUserPassword" in given:
                self.secret = "creating"
            else:
                self.scales = True
            return {}

        return change

    def _refuse(self, operation: str) -> None:
        if operation in self.refuses:
            raise RefusedError(self.refuses[operation])


@dataclass
class Data:
    """The RDS Data API of the restored cluster.

    Args:
        tables: how many tables there are, and how many hold data.
        newest: newest timestamp, in seconds before the recovery point; ``None`` when the table is empty.
        refuses: code with which it refuses every statement.
        asked: the statements.
    """

    tables: tuple[int, int] = (12, 9)
    newest: float | None = 4.5
    refuses: str = ""
    asked: list[str] = field(default_factory=list)

    def operations(self) -> dict[str, Operation]:
        """What the API answers."""
        return {"ExecuteStatement": self._execute}

    def _execute(self, resourceArn: str, secretArn: str, database: str, sql: str) -> Mapping[str, Any]:  # noqa: N803
        assert (resourceArn, secretArn, database) == (CLUSTER_ARN, SECRET_ARN, "transactions")
        if self.refuses:
            raise RefusedError(self.refuses)
        self.asked.append(sql)
        if "pg_class" in sql:
            return {"records": [[{"longValue": number} for number in self.tables]]}
        if self.newest is None:
            return {"records": [[{"isNull": True}]]}
        return {"records": [[{"stringValue": f"{NOW - 4500 - self.newest:.6f}"}]]}
