"""What the Aurora cluster tells about itself: Database Insights, Enhanced Monitoring and exported logs."""

from __future__ import annotations

import pytest

from tests.assembly import Assembly, Resource, removal_policies

INSIGHTS_RETENTION_DAYS = {"standard": 7, "advanced": 465}


def _cluster(deployment: Assembly) -> Resource:
    return deployment.nested["Database"].one("AWS::RDS::DBCluster")


def _instances(deployment: Assembly) -> list[Resource]:
    return [made["Properties"] for made in deployment.nested["Database"].of_type("AWS::RDS::DBInstance").values()]


def test_database_insights_with_the_retention_of_its_mode(deployment: Assembly) -> None:
    mode, cluster = deployment.settings.database.insights, _cluster(deployment)
    assert cluster["DatabaseInsightsMode"] == mode
    assert cluster["PerformanceInsightsEnabled"] is True
    assert cluster["PerformanceInsightsRetentionPeriod"] == INSIGHTS_RETENTION_DAYS[mode]
    for instance in _instances(deployment):
        assert instance["EnablePerformanceInsights"] is True
        assert instance["PerformanceInsightsRetentionPeriod"] == INSIGHTS_RETENTION_DAYS[mode]


@pytest.mark.parametrize(("environment", "mode"), [("dev", "standard"), ("staging", "standard"), ("prod", "advanced")])
def test_insights_mode_by_environment(request: pytest.FixtureRequest, environment: str, mode: str) -> None:
    assert _cluster(request.getfixturevalue(environment))["DatabaseInsightsMode"] == mode


def test_enhanced_monitoring_by_setting(deployment: Assembly) -> None:
    seconds = deployment.settings.database.enhanced_monitoring_seconds
    roles = deployment.nested["Database"].of_type("AWS::IAM::Role")
    if seconds == 0:
        assert not roles
        assert not any(
            {"MonitoringInterval", "MonitoringRoleArn"} & set(instance) for instance in _instances(deployment)
        )
        return
    role = deployment.nested["Database"].one("AWS::IAM::Role")
    account = deployment.settings.account or "${AWS::AccountId}"
    assert deployment.plain("Database", role["AssumeRolePolicyDocument"]["Statement"]) == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "monitoring.rds.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": f"arn:aws:rds:{deployment.settings.region}:{account}:db:*"},
            },
        }
    ]
    assert deployment.texts("Database", role["ManagedPolicyArns"]) == [
        "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    ]
    for instance in _instances(deployment):
        assert instance["MonitoringInterval"] == seconds
        assert deployment.text("Database", instance["MonitoringRoleArn"]) == "${Database/Cluster/MonitoringRole.Arn}"


def test_no_other_permission_is_given(deployment: Assembly) -> None:
    assert not deployment.nested["Database"].of_type("AWS::IAM::Policy")


def test_logs_are_exported_to_groups_that_are_there_before_the_cluster(deployment: Assembly) -> None:
    database, exports = deployment.nested["Database"], list(deployment.settings.database.log_exports)
    groups = database.of_type("AWS::Logs::LogGroup")
    if not exports:
        assert "EnableCloudwatchLogsExports" not in _cluster(deployment)
        assert not groups
        return
    assert _cluster(deployment)["EnableCloudwatchLogsExports"] == exports
    identifier = _cluster(deployment)["DBClusterIdentifier"]
    assert [group["Properties"]["LogGroupName"] for group in groups.values()] == [
        f"/aws/rds/cluster/{identifier}/{export}" for export in exports
    ]
    (cluster,) = database.of_type("AWS::RDS::DBCluster").values()
    assert set(groups) <= set(cluster["DependsOn"])


def test_log_groups_are_encrypted_expire_and_follow_the_data(deployment: Assembly) -> None:
    kept = removal_policies(deployment)
    for name, group in deployment.nested["Database"].of_type("AWS::Logs::LogGroup").items():
        assert deployment.text("Database", group["Properties"]["KmsKeyId"]) == "${Kms/MessagingKey.Arn}", name
        assert group["Properties"]["RetentionInDays"] == deployment.settings.monitoring.log_retention_days, name
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == kept, name


@pytest.mark.parametrize(
    ("environment", "exports"), [("dev", None), ("staging", ["postgresql"]), ("prod", ["postgresql"])]
)
def test_log_exports_by_environment(
    request: pytest.FixtureRequest, environment: str, exports: list[str] | None
) -> None:
    assert _cluster(request.getfixturevalue(environment)).get("EnableCloudwatchLogsExports") == exports
