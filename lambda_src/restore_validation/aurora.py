"""A restored Aurora cluster: made readable, read through the RDS Data API, and prepared for deletion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.responses import error_code, resource_name
from restore_validation.logic import ClusterState, Contents

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
INSTANCE_SUFFIX = "-v"
MAX_IDENTIFIER_LENGTH = 63
# Aurora capacity units; validation runs a few statements.
CAPACITY = {"MinCapacity": 0.5, "MaxCapacity": 4.0}
# The number of user tables, the number of those that hold at least one page of data, and the latest time. It is one
# statement: the Data API may take 45 s for each, and the function has 60 s.
READ_CONTENTS = """
SELECT count(*), count(*) FILTER (WHERE pg_relation_size(c.oid) > 0), {newest}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
"""


@dataclass(frozen=True)
class QueryTarget:
    """What to query in a restored database.

    Attributes:
        database: Name of the database.
        table: Table with the latest data, as ``schema.table`` or ``table``; empty if times are not checked.
        column: Column of that table with the time of a row.
        key_arn: ARN of the KMS key for the master user's secret.
    """

    database: str
    table: str
    column: str
    key_arn: str


class RestoredCluster:
    """One restored cluster.

    Args:
        rds: RDS client.
        data: RDS Data API client.
        arn: ARN of the cluster.
        target: What to query.
    """

    def __init__(self, rds: Any, data: Any, arn: str, target: QueryTarget) -> None:
        self._rds, self._data, self._arn, self._target = rds, data, arn, target
        self._name = resource_name(arn)
        self._secret_arn: str | None = None
        self._data_api_enabled = False

    @property
    def _instance(self) -> str:
        return self._name[: MAX_IDENTIFIER_LENGTH - len(INSTANCE_SUFFIX)] + INSTANCE_SUFFIX

    def read_state(self) -> ClusterState | None:
        """Return the cluster's state; ``None`` if the cluster does not exist.

        Raises:
            ClientError: RDS rejects the request.
        """
        try:
            cluster = self._rds.describe_db_clusters(DBClusterIdentifier=self._arn)["DBClusters"][0]
        except ClientError as error:
            if error_code(error) == "DBClusterNotFoundFault":
                return None
            raise
        secret = cluster.get("MasterUserSecret", {})
        self._secret_arn = secret.get("SecretArn")
        self._data_api_enabled = bool(cluster.get("HttpEndpointEnabled"))
        return ClusterState(
            status=cluster["Status"],
            has_capacity_range="ServerlessV2ScalingConfiguration" in cluster,
            instance_status=self._instance_status(),
            data_api_enabled=self._data_api_enabled,
            secret_status=secret.get("SecretStatus"),
        )

    def _instance_status(self) -> str | None:
        try:
            instance = self._rds.describe_db_instances(DBInstanceIdentifier=self._instance)["DBInstances"][0]
        except ClientError as error:
            if error_code(error) == "DBInstanceNotFound":
                return None
            raise
        return str(instance["DBInstanceStatus"])

    def set_capacity(self) -> None:
        """Set a capacity range, which not every restore copies from the recovery point.

        Raises:
            ClientError: RDS rejects the request.
        """
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.create.html
        self._rds.modify_db_cluster(
            DBClusterIdentifier=self._name, ServerlessV2ScalingConfiguration=CAPACITY, ApplyImmediately=True
        )

    def create_instance(self) -> None:
        """Create the instance that the Data API needs.

        Raises:
            ClientError: RDS rejects the request.
        """
        self._rds.create_db_instance(
            DBInstanceIdentifier=self._instance,
            DBClusterIdentifier=self._name,
            DBInstanceClass="db.serverless",
            Engine="aurora-postgresql",
            PubliclyAccessible=False,
        )

    def enable_data_api(self) -> None:
        """Enable the Data API, with a password that RDS generates in Secrets Manager.

        Raises:
            ClientError: RDS rejects the request.
        """
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
        if not self._data_api_enabled:
            self._rds.enable_http_endpoint(ResourceArn=self._arn)
        if not self._secret_arn:
            self._rds.modify_db_cluster(
                DBClusterIdentifier=self._name,
                ManageMasterUserPassword=True,
                MasterUserSecretKmsKeyId=self._target.key_arn,
                ApplyImmediately=True,
            )

    def read_contents(self) -> Contents:
        """Count the user tables, and read the latest time.

        Raises:
            ClientError: The Data API rejects the statement, or the database has no such table or column.
            BotoCoreError: The Data API does not answer.
        """
        ((tables, filled, newest),) = self._select(READ_CONTENTS.format(newest=self._newest()))
        return Contents("tables", int(tables), int(filled), None if newest is None else float(newest))

    def _newest(self) -> str:
        """Return an expression for the latest time in seconds since 1970."""
        if not self._target.table:
            return "NULL::numeric"
        table = ".".join(map(_quote, self._target.table.split(".")))
        return f"(SELECT extract(epoch FROM max({_quote(self._target.column)})) FROM {table})"  # noqa: S608

    def _select(self, sql: str) -> list[list[Any]]:
        response = self._data.execute_statement(
            resourceArn=self._arn, secretArn=self._secret_arn, database=self._target.database, sql=sql
        )
        return [[_value(field) for field in row] for row in response["records"]]

    def delete_instance(self) -> None:
        """Delete the instance, without a final snapshot.

        Raises:
            ClientError: RDS rejects the request.
        """
        self._rds.delete_db_instance(DBInstanceIdentifier=self._instance, SkipFinalSnapshot=True)


def _quote(identifier: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def _value(field: dict[str, Any]) -> Any:
    # https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_Field.html
    return None if field.get("isNull") else next(iter(field.values()))
