"""The Aurora cluster: engine, capacity, network, encryption, credentials, backups and removal."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, Resource

RDS_CLUSTER, RDS_INSTANCE = "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"


def _cluster(deployment: Assembly) -> Resource:
    return deployment.nested["Database"].one(RDS_CLUSTER)


def _instances(deployment: Assembly) -> list[Resource]:
    """Return the instances in the order of their promotion tiers and numbers: the writer first."""
    found = [made["Properties"] for made in deployment.nested["Database"].of_type(RDS_INSTANCE).values()]
    return sorted(found, key=lambda instance: (instance["PromotionTier"], instance["DBInstanceIdentifier"]))


def _where(instance: Resource) -> str:
    return json.dumps(instance["AvailabilityZone"])


def test_one_cluster_in_one_stack(deployment: Assembly) -> None:
    databases = [where for where, _ in deployment.all_of_type(RDS_CLUSTER)]
    assert [where.split("/")[0] for where in databases] == ["Database"]
    assert all(where.startswith("Database/") for where, _ in deployment.all_of_type(RDS_INSTANCE))
    assert not list(deployment.all_of_type("AWS::RDS::GlobalCluster"))


def test_engine_is_the_version_of_the_settings_everywhere(deployment: Assembly) -> None:
    version = deployment.settings.database.engine_version
    cluster = _cluster(deployment)
    assert (cluster["Engine"], cluster["EngineVersion"]) == ("aurora-postgresql", version)
    assert {instance["Engine"] for instance in _instances(deployment)} == {"aurora-postgresql"}
    assert not any("EngineVersion" in instance for instance in _instances(deployment))
    group = deployment.nested["Database"].one("AWS::RDS::DBClusterParameterGroup")
    assert group["Family"] == f"aurora-postgresql{version.split('.')[0]}"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_default_engine_is_the_long_term_support_release(request: pytest.FixtureRequest, environment: str) -> None:
    assert _cluster(request.getfixturevalue(environment))["EngineVersion"] == "17.7"


def test_minor_upgrades_are_off_on_cluster_and_instances(deployment: Assembly) -> None:
    assert _cluster(deployment)["AutoMinorVersionUpgrade"] is False
    assert [made["AutoMinorVersionUpgrade"] for made in _instances(deployment)] == [False] * len(_instances(deployment))


def test_writer_and_readers_are_serverless(deployment: Assembly) -> None:
    instances = _instances(deployment)
    assert len(instances) == deployment.settings.database.readers + 1 >= 2
    assert {instance["DBInstanceClass"] for instance in instances} == {"db.serverless"}
    # A cluster that names an instance class is a Multi-AZ DB cluster, which is no Aurora.
    assert "DBClusterInstanceClass" not in _cluster(deployment)
    assert {deployment.text("Database", made["DBClusterIdentifier"]) for made in instances} == {"${Database/Cluster}"}


def test_readers_scale_with_the_writer_and_take_over_first(deployment: Assembly) -> None:
    # Serverless instances in tier 0 and 1 keep the writer's capacity; a reader in tier 2 or more may be too small.
    assert [instance["PromotionTier"] for instance in _instances(deployment)] == [
        0,
        *[1] * deployment.settings.database.readers,
    ]


def test_readers_stand_in_other_zones_than_the_writer(deployment: Assembly) -> None:
    writer, *readers = [_where(instance) for instance in _instances(deployment)]
    assert readers[0] != writer
    instances = Counter([writer, *readers])
    assert len(instances) == min(deployment.zone_count, len(readers) + 1)
    assert max(instances.values()) - min(instances.values()) <= 1
    subnets = deployment.nested["Network"].of_type("AWS::EC2::Subnet").values()
    assert {writer, *readers} <= {json.dumps(subnet["Properties"]["AvailabilityZone"]) for subnet in subnets}


def test_capacity_is_the_range_of_the_settings(deployment: Assembly) -> None:
    settings = deployment.settings.database
    assert _cluster(deployment)["ServerlessV2ScalingConfiguration"] == {
        "MinCapacity": settings.min_acu,
        "MaxCapacity": settings.max_acu,
    }


def test_subnets_are_the_isolated_ones_and_all_of_them(deployment: Assembly) -> None:
    group = deployment.nested["Database"].one("AWS::RDS::DBSubnetGroup")
    assert deployment.texts("Database", group["SubnetIds"]) == [
        f"${{Network/Vpc/IsolatedSubnet{number}/Subnet}}" for number in range(1, deployment.zone_count + 1)
    ]
    assert deployment.text("Database", _cluster(deployment)["DBSubnetGroupName"]) == "${Database/Cluster/SubnetGroup}"


def test_only_the_network_stack_decides_who_may_connect(deployment: Assembly) -> None:
    groups = _cluster(deployment)["VpcSecurityGroupIds"]
    assert deployment.texts("Database", groups) == ["${Network/DatabaseSecurityGroup.GroupId}"]
    database = deployment.nested["Database"]
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        assert not database.of_type(kind)
    assert [instance["PubliclyAccessible"] for instance in _instances(deployment)] == [False] * len(
        _instances(deployment)
    )


def test_port_is_not_the_default(deployment: Assembly) -> None:
    port = _cluster(deployment)["Port"]
    assert port == deployment.settings.database.port
    assert port != 5432


def test_everything_is_encrypted_with_the_data_key(deployment: Assembly) -> None:
    cluster = _cluster(deployment)
    assert cluster["StorageEncrypted"] is True
    keys = [
        cluster["KmsKeyId"],
        cluster["MasterUserSecret"]["KmsKeyId"],
        cluster["PerformanceInsightsKmsKeyId"],
        *[instance["PerformanceInsightsKMSKeyId"] for instance in _instances(deployment)],
    ]
    assert set(deployment.texts("Database", keys)) == {"${Kms/DataKey.Arn}"}


def test_rds_makes_and_rotates_the_password(deployment: Assembly) -> None:
    cluster = _cluster(deployment)
    assert cluster["ManageMasterUserPassword"] is True
    assert cluster["MasterUsername"] == deployment.settings.database.master_username
    assert cluster["MasterUsername"] not in {"admin", "postgres", "rdsadmin", "root"}
    assert cluster["DatabaseName"] == deployment.settings.database.name


def test_no_template_holds_or_resolves_a_password(deployment: Assembly) -> None:
    for stack, template in deployment.templates.items():
        text = json.dumps(template.document)
        assert "MasterUserPassword" not in text.replace("ManageMasterUserPassword", ""), stack
        assert "{{resolve:" not in text, stack
        # A password that CDK generates would need a secret of its own, and its rotation a function of its own.
        for kind in ("AWS::SecretsManager::Secret", "AWS::SecretsManager::RotationSchedule"):
            assert not template.of_type(kind), stack


def test_iam_authentication_and_data_api(deployment: Assembly) -> None:
    cluster = _cluster(deployment)
    assert cluster["EnableIAMDatabaseAuthentication"] is True
    if deployment.settings.database.data_api:
        assert cluster["EnableHttpEndpoint"] is True
    else:
        assert not cluster.get("EnableHttpEndpoint")


def test_parameters_force_tls_and_log_who_connects(deployment: Assembly) -> None:
    group = deployment.nested["Database"].one("AWS::RDS::DBClusterParameterGroup")
    assert group["Parameters"] == {
        "rds.force_ssl": "1",
        "log_connections": "1",
        "log_disconnections": "1",
        "log_min_duration_statement": "1000",
    }
    used = _cluster(deployment)["DBClusterParameterGroupName"]
    assert deployment.text("Database", used) == "${Database/Cluster/ParameterGroup}"
    assert group["Description"]


def test_backups_and_maintenance(deployment: Assembly) -> None:
    settings, cluster = deployment.settings.database, _cluster(deployment)
    assert cluster["BackupRetentionPeriod"] == settings.backup_retention_days >= 7
    assert cluster["PreferredBackupWindow"] == settings.backup_window
    assert cluster["PreferredMaintenanceWindow"] == settings.maintenance_window
    assert cluster["CopyTagsToSnapshot"] is True


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_default_windows_are_apart(request: pytest.FixtureRequest, environment: str) -> None:
    cluster = _cluster(request.getfixturevalue(environment))
    assert cluster["PreferredBackupWindow"] == "03:00-04:00"
    days = re.findall(r"(\w{3}):(\d\d):\d\d", cluster["PreferredMaintenanceWindow"])
    assert all(int(hour) >= 4 for _, hour in days)


def test_only_the_data_tier_of_its_own_is_named(deployment: Assembly) -> None:
    cluster_name = deployment.names.physical_name(PhysicalName.AURORA_CLUSTER)
    assert _cluster(deployment)["DBClusterIdentifier"] == cluster_name
    names = [instance["DBInstanceIdentifier"] for instance in _instances(deployment)]
    assert names == [f"{cluster_name}-{number}" for number in range(1, len(names) + 1)]
    # These keep their generated names, so that CloudFormation can replace them.
    database = deployment.nested["Database"]
    assert "DBSubnetGroupName" not in database.one("AWS::RDS::DBSubnetGroup")
    assert "DBClusterParameterGroupName" not in database.one("AWS::RDS::DBClusterParameterGroup")


def test_the_writer_is_created_first(deployment: Assembly) -> None:
    # The first instance of a cluster becomes its writer.
    instances = deployment.nested["Database"].of_type(RDS_INSTANCE)
    (writer,) = (name for name, made in instances.items() if made["Properties"]["PromotionTier"] == 0)
    for name, made in instances.items():
        assert (writer in made.get("DependsOn", [])) is (name != writer), name


DELETED, KEPT = ("Delete", "Delete"), ("RetainExceptOnCreate", "Retain")
# Policies of the cluster, and of its instances and what they need.
REMOVAL = {
    "destroy": (DELETED, DELETED),
    # The final snapshot is the cluster's; an instance of Aurora has none, and nothing else is needed to restore it.
    "snapshot": (("Snapshot", "Snapshot"), DELETED),
    "retain": (KEPT, KEPT),
}


def _policies(resource: Resource) -> tuple[str, str]:
    return resource["DeletionPolicy"], resource["UpdateReplacePolicy"]


def test_removal_follows_the_settings(deployment: Assembly) -> None:
    removal, database = deployment.settings.removal, deployment.nested["Database"]
    cluster, others = REMOVAL[removal.data]
    for kind, policies in (
        (RDS_CLUSTER, cluster),
        (RDS_INSTANCE, others),
        ("AWS::RDS::DBSubnetGroup", others),
        ("AWS::RDS::DBClusterParameterGroup", others),
        ("AWS::IAM::Role", others),
    ):
        for name, resource in database.of_type(kind).items():
            assert _policies(resource) == policies, name
    assert _cluster(deployment)["DeletionProtection"] is removal.deletion_protection
    assert _cluster(deployment)["DeleteAutomatedBackups"] is (removal.data == "destroy")


@pytest.mark.parametrize(
    ("environment", "policies", "protected"),
    [("dev", DELETED, False), ("staging", ("Snapshot", "Snapshot"), False), ("prod", KEPT, True)],
)
def test_removal_by_environment(
    request: pytest.FixtureRequest, environment: str, policies: tuple[str, str], protected: bool
) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    (cluster,) = deployment.nested["Database"].of_type(RDS_CLUSTER).values()
    assert _policies(cluster) == policies
    assert cluster["Properties"]["DeletionProtection"] is protected
