"""The password that RDS keeps for a cluster changes in PostgreSQL and in the secret."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.aurora import aurora

pytestmark = pytest.mark.emulator


def test_a_rotated_password_is_the_new_one_and_the_only_one(aws: Aws, deploy: Deploy) -> None:
    template = aurora()
    template["Resources"]["Cluster"]["Properties"] |= {"EnableHttpEndpoint": True, "DatabaseName": "app"}
    made = deploy(template)
    assert made.status == "CREATE_COMPLETE"
    rds, secrets, data = aws("rds"), aws("secretsmanager"), aws("rds-data")
    name, secret = made.physical_ids["Cluster"], made.outputs["Secret"]
    arn = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["DBClusterArn"]
    first = secrets.get_secret_value(SecretId=secret)

    def ask(by: str) -> list[object]:
        sql = "SELECT current_user"
        return list(data.execute_statement(resourceArn=arn, secretArn=by, database="app", sql=sql)["records"])

    before = ask(secret)
    with pytest.raises(ClientError, match="You must specify apply immediately when rotating"):
        rds.modify_db_cluster(DBClusterIdentifier=name, RotateMasterUserPassword=True)
    rds.modify_db_cluster(DBClusterIdentifier=name, RotateMasterUserPassword=True, ApplyImmediately=True)
    second = secrets.get_secret_value(SecretId=secret)
    old, new = (json.loads(each["SecretString"]) for each in (first, second))
    assert (old["username"], old["password"] != new["password"]) == (new["username"], True)
    assert first["VersionId"] != second["VersionId"]
    assert secrets.describe_secret(SecretId=secret)["VersionIdsToStages"][second["VersionId"]] == ["AWSCURRENT"]
    assert ask(secret) == before
    stale = secrets.create_secret(Name="rds!stale", SecretString=first["SecretString"])["ARN"]
    try:
        with pytest.raises(ClientError, match="password authentication failed"):
            ask(stale)
    finally:
        secrets.delete_secret(SecretId=stale, ForceDeleteWithoutRecovery=True)
    reader = next(
        each["DBInstanceIdentifier"]
        for each in rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["DBClusterMembers"]
        if not each["IsClusterWriter"]
    )
    rds.failover_db_cluster(DBClusterIdentifier=name, TargetDBInstanceIdentifier=reader)
    deadline = time.monotonic() + 60
    while rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]["Status"] != "available":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert ask(secret) == before


def test_only_a_password_that_rds_keeps_can_be_rotated(aws: Aws) -> None:
    rds = aws("rds")
    rds.create_db_cluster(
        DBClusterIdentifier="own-password",
        Engine="aurora-postgresql",
        MasterUsername="me",
        MasterUserPassword="secret123",
    )
    try:
        with pytest.raises(ClientError, match="only rotate the master user password when it's managed by RDS"):
            rds.modify_db_cluster(
                DBClusterIdentifier="own-password", RotateMasterUserPassword=True, ApplyImmediately=True
            )
    finally:
        rds.delete_db_cluster(DBClusterIdentifier="own-password", SkipFinalSnapshot=True)
