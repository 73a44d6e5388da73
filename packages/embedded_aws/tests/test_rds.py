"""RDS: clusters and instances made by its API, with what its records have no field for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.aurora import aurora
from embedded_testing.stack import reasons

pytestmark = pytest.mark.emulator


def test_a_cluster_has_one_writer_a_key_a_managed_password_and_members_in_two_zones(
    aws: Aws, deploy: Deploy, delete: Callable[[], None]
) -> None:
    rds = aws("rds")
    made = deploy(aurora(exports=("postgresql",)))
    found = rds.describe_db_clusters(DBClusterIdentifier=made.physical_ids["Cluster"])["DBClusters"][0]
    members = {each["DBInstanceIdentifier"]: each["IsClusterWriter"] for each in found["DBClusterMembers"]}
    assert members == {made.physical_ids["First"]: True, made.physical_ids["Second"]: False}
    instances = rds.describe_db_instances()["DBInstances"]
    assert sorted(each["AvailabilityZone"] for each in instances) == ["us-east-1a", "us-east-1b"]
    assert found["KmsKeyId"].endswith(made.physical_ids["Key"])
    assert found["DBClusterParameterGroup"] == made.physical_ids["Parameters"]
    assert found["DatabaseInsightsMode"] == "standard"
    assert found["EnabledCloudwatchLogsExports"] == ["postgresql"]
    secret = aws("secretsmanager").describe_secret(SecretId=made.outputs["Secret"])
    assert secret["KmsKeyId"].endswith(made.physical_ids["Key"])

    delete()
    assert rds.describe_db_clusters()["DBClusters"] == []
    assert aws("secretsmanager").list_secrets()["SecretList"] == []


def test_an_update_keeps_the_endpoint_and_the_password(aws: Aws, deploy: Deploy) -> None:
    before = deploy(aurora())
    after = deploy(aurora(insights="advanced", exports=("postgresql", "instance")))
    assert after.status == "UPDATE_COMPLETE"
    assert after.outputs == before.outputs
    found = aws("rds").describe_db_clusters(DBClusterIdentifier=after.physical_ids["Cluster"])["DBClusters"][0]
    assert found["DatabaseInsightsMode"] == "advanced"
    assert found["EnabledCloudwatchLogsExports"] == ["postgresql", "instance"]
    assert (found["Endpoint"], found["Port"]) == (before.outputs["Endpoint"], 5433)


def test_an_engine_version_that_aurora_does_not_have_fails_the_stack(aws: Aws, deploy: Deploy, stack_name: str) -> None:
    assert deploy(aurora(version="17.77")).status == "ROLLBACK_COMPLETE"
    assert "17.77" in reasons(aws, stack_name)
    assert aws("rds").describe_db_clusters()["DBClusters"] == []


@pytest.mark.parametrize("name", ["../../victim", "a/b", "-a", "a-", "a--b", "1a", "a" * 256, "ä"])
def test_a_name_that_is_none_is_refused(aws: Aws, name: str) -> None:
    rds = aws("rds")
    calls: list[Callable[[], Any]] = [
        lambda: rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql"),
        lambda: rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.serverless", Engine="aurora-postgresql"
        ),
        lambda: rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier=name, DBClusterIdentifier="any"),
        lambda: rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=name, SourceDBClusterIdentifier="any", UseLatestRestorableTime=True
        ),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="is not a valid identifier") as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_version_of_aurora_postgresql_says_which_logs_it_exports(aws: Aws) -> None:
    versions = aws("rds").describe_db_engine_versions(Engine="aurora-postgresql")["DBEngineVersions"]
    assert versions
    assert {tuple(sorted(each["ExportableLogTypes"])) for each in versions} == {
        ("iam-db-auth-error", "instance", "postgresql")
    }
    assert {each["SupportsLogExportsToCloudwatchLogs"] for each in versions} == {True}
    other = aws("rds").describe_db_engine_versions(Engine="mysql")["DBEngineVersions"]
    assert {tuple(each["ExportableLogTypes"]) for each in other} == {()}
