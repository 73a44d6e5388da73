"""Opens a restored Aurora cluster, reads it through the RDS Data API, and closes it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from restore_validation.logic import Contents, RestoredCluster

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
INSTANCE_SUFFIX = "-v"
LONGEST_IDENTIFIER = 63
# Aurora capacity units of the instance that opens the copy: enough for a few statements.
CAPACITY = {"MinCapacity": 0.5, "MaxCapacity": 4.0}
# Of the tables that are nobody's but the users': how many there are, and how many of them have a page of data.
TABLES = """
SELECT count(*), count(*) FILTER (WHERE pg_relation_size(c.oid) > 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
"""


@dataclass(frozen=True)
class Check:
    """Where to look in a restored database.

    Args:
        database: its name.
        table: ``schema.table`` or ``table`` with the newest data; empty: nobody asks.
        column: column of that table with the time of a row.
        key_arn: key for the secret of the master user.
    """

    database: str
    table: str
    column: str
    key_arn: str


class Aurora:
    """One restored cluster.

    Args:
        rds: client.
        data: client of the Data API.
        arn: of the cluster.
        check: where to look.
    """

    def __init__(self, rds: Any, data: Any, arn: str, check: Check) -> None:
        self._rds, self._data, self._arn, self._check = rds, data, arn, check
        self._name = arn.rpartition(":")[2]
        self._secret, self._answers = "", False

    @property
    def _instance(self) -> str:
        return self._name[: LONGEST_IDENTIFIER - len(INSTANCE_SUFFIX)] + INSTANCE_SUFFIX

    def read(self) -> RestoredCluster | None:
        """Describe it; ``None`` when it is gone.

        Raises:
            ClientError: RDS refuses to tell.
        """
        try:
            cluster = self._rds.describe_db_clusters(DBClusterIdentifier=self._arn)["DBClusters"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "DBClusterNotFoundFault":
                return None
            raise
        secret = cluster.get("MasterUserSecret", {})
        self._secret, self._answers = secret.get("SecretArn", ""), cluster.get("HttpEndpointEnabled", False)
        return RestoredCluster(
            status=cluster["Status"],
            scales="ServerlessV2ScalingConfiguration" in cluster,
            instance_status=self._instance_status(),
            data_api=self._answers,
            secret_status=secret.get("SecretStatus"),
        )

    def _instance_status(self) -> str | None:
        try:
            found = self._rds.describe_db_instances(DBInstanceIdentifier=self._instance)["DBInstances"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "DBInstanceNotFound":
                return None
            raise
        return str(found["DBInstanceStatus"])

    def let_scale(self) -> None:
        """Give it a capacity range, which a restore does not always bring along.

        Raises:
            ClientError: RDS refuses.
        """
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.create.html
        self._rds.modify_db_cluster(
            DBClusterIdentifier=self._name, ServerlessV2ScalingConfiguration=CAPACITY, ApplyImmediately=True
        )

    def create_instance(self) -> None:
        """Give it the instance without which it answers nothing.

        Raises:
            ClientError: RDS refuses.
        """
        self._rds.create_db_instance(
            DBInstanceIdentifier=self._instance,
            DBClusterIdentifier=self._name,
            DBInstanceClass="db.serverless",
            Engine="aurora-postgresql",
            PubliclyAccessible=False,
        )

    def open(self) -> None:
        """Let the Data API in, with a password that RDS makes and nobody sees.

        Raises:
            ClientError: RDS refuses.
        """
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html
        if not self._answers:
            self._rds.enable_http_endpoint(ResourceArn=self._arn)
        if not self._secret:
            self._rds.modify_db_cluster(
                DBClusterIdentifier=self._name,
                ManageMasterUserPassword=True,
                MasterUserSecretKmsKeyId=self._check.key_arn,
                ApplyImmediately=True,
            )

    def query(self) -> Contents:
        """Count its tables and read the newest timestamp.

        Raises:
            ClientError: the database does not answer, or has no such table or column.
        """
        ((tables, filled),) = self._select(TABLES)
        return Contents("tables", int(tables), int(filled), self._newest())

    def _newest(self) -> float | None:
        if not self._check.table:
            return None
        table = ".".join(map(_quoted, self._check.table.split(".")))
        ((newest,),) = self._select(f"SELECT extract(epoch FROM max({_quoted(self._check.column)})) FROM {table}")  # noqa: S608
        return None if newest is None else float(newest)

    def _select(self, sql: str) -> list[list[Any]]:
        answer = self._data.execute_statement(
            resourceArn=self._arn, secretArn=self._secret, database=self._check.database, sql=sql
        )
        return [[_value(field) for field in row] for row in answer["records"]]

    def delete_instance(self) -> None:
        """Take its instance away.

        Raises:
            ClientError: RDS refuses.
        """
        self._rds.delete_db_instance(DBInstanceIdentifier=self._instance, SkipFinalSnapshot=True)


def _quoted(identifier: str) -> str:
    """Return an identifier as SQL takes it, whatever is in it."""
    return '"' + identifier.replace('"', '""') + '"'


def _value(field: dict[str, Any]) -> Any:
    # https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_Field.html
    return None if field.get("isNull") else next(iter(field.values()))
