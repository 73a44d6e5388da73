"""The root stack: nine templates, flat outputs, wiring in one direction, CloudFormation's limits."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks.names import RESTORED_AT_PARAMETER, OutputKey, PhysicalName
from tests.assembly import NESTED, Assembly, TemplateView

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
RESOURCES, PARAMETERS, OUTPUTS, TEMPLATE_BYTES, LOGICAL_ID = 500, 200, 200, 1_000_000, 255
STACK = "AWS::CloudFormation::Stack"


def _manifest(deployment: Assembly) -> dict[str, Any]:
    manifest = json.loads((deployment.folder / "manifest.json").read_text(encoding="utf-8"))
    stacks = {
        name: artifact
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    # `cdk ls` shows one stack.
    assert list(stacks) == [deployment.names.stack]
    return dict(stacks[deployment.names.stack])


def _logical_ids(template: TemplateView) -> dict[str, str]:
    """Logical ids by construct path without the root, whose name carries the suffix."""
    return {
        str(resource["Metadata"]["aws:cdk:path"]).split("/", 1)[1]: name
        for name, resource in template.resources.items()
    }


def test_one_root_and_eight_nested_templates(deployment: Assembly) -> None:
    assert tuple(deployment.nested) == NESTED
    assert {resource["Type"] for resource in deployment.root.resources.values()} == {STACK}
    assert len(list(deployment.folder.glob("*.nested.template.json"))) == 8
    assert len(list(deployment.folder.glob("*.template.json"))) == 9
    for name, template in deployment.templates.items():
        assert template.document["Description"], name
        assert not template.of_type(STACK) or name == "Root"


def test_stack_is_called_after_the_suffix(deployment: Assembly) -> None:
    assert deployment.names.stack == f"Breakwater-{deployment.settings.suffix}"
    assert _manifest(deployment)["displayName"] == deployment.names.stack


@pytest.mark.parametrize(("environment", "protected"), [("dev", False), ("staging", False), ("prod", True)])
def test_termination_protection_by_environment(
    request: pytest.FixtureRequest, environment: str, protected: bool
) -> None:
    properties = _manifest(request.getfixturevalue(environment))["properties"]
    assert properties["terminationProtection"] is protected


def test_region_comes_from_settings_and_account_only_if_given(deployment: Assembly) -> None:
    account = deployment.settings.account or "unknown-account"
    assert _manifest(deployment)["environment"] == f"aws://{account}/{deployment.settings.region}"
    everything = "".join(json.dumps(template.document) for template in deployment.templates.values())
    # CDK's placeholder for zones that it could not look up.
    assert "dummy1" not in everything
    if deployment.settings.account is None:
        assert "AWS::AccountId" in everything


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("prod", None),
        ("unusual", "arn:aws:iam::${AWS::AccountId}:policy/team/boundary"),
        ("options", "arn:aws:iam::aws:policy/PowerUserAccess"),
    ],
)
def test_the_permissions_boundary_is_on_every_role_or_on_none(
    request: pytest.FixtureRequest, profile: str, expected: str | None
) -> None:
    deployment: Assembly = request.getfixturevalue(profile)
    boundaries = {
        path: deployment.plain(path.split("/")[0], resource["Properties"].get("PermissionsBoundary"))
        for path, resource in deployment.all_of_type("AWS::IAM::Role")
    }
    assert len(boundaries) >= 10
    assert {path.split("/")[0] for path in boundaries} == {"Network", "Database", "Compute", "Backup", "Operations"}
    assert boundaries == dict.fromkeys(boundaries, expected)


def test_outputs_are_exactly_the_pinned_keys_and_each_names_its_resource(deployment: Assembly) -> None:
    settings, names = deployment.settings, deployment.names
    account = settings.account or "${AWS::AccountId}"
    scheme = "https" if settings.compute.certificate_arn else "http"
    zones = range(1, deployment.zone_count + 1)
    expected = {
        "EnvironmentName": settings.environment,
        "Suffix": settings.suffix,
        "Region": settings.region,
        "DataKeyArn": "${Kms/DataKey.Arn}",
        "MessagingKeyArn": "${Kms/MessagingKey.Arn}",
        "BackupKeyArn": "${Kms/BackupKey.Arn}",
        "VpcId": "${Network/Vpc}",
        "PublicSubnetIds": ",".join(f"${{Network/Vpc/PublicSubnet{zone}/Subnet}}" for zone in zones),
        "IsolatedSubnetIds": ",".join(f"${{Network/Vpc/IsolatedSubnet{zone}/Subnet}}" for zone in zones),
        "LoadBalancerSecurityGroupId": "${Network/LoadBalancerSecurityGroup.GroupId}",
        "TaskSecurityGroupId": "${Network/TaskSecurityGroup.GroupId}",
        "DatabaseSecurityGroupId": "${Network/DatabaseSecurityGroup.GroupId}",
        "FlowLogGroupName": "${Network/FlowLog/LogGroup}",
        "AlertTopicArn": "${Monitoring/AlertTopic}",
        "TableName": "${Storage/Table}",
        "TableArn": "${Storage/Table.Arn}",
        "DataBucketName": "${Storage/DataBucket}",
        "LogBucketName": "${Storage/LogBucket}",
        "DatabaseClusterIdentifier": "${Database/Cluster}",
        "DatabaseClusterArn": f"arn:aws:rds:{settings.region}:{account}:cluster:${{Database/Cluster}}",
        "DatabaseClusterEndpoint": "${Database/Cluster.Endpoint.Address}",
        "DatabaseReaderEndpoint": "${Database/Cluster.ReadEndpoint.Address}",
        "DatabasePort": str(settings.database.port),
        "DatabaseSecretArn": "${Database/Cluster.MasterUserSecret.SecretArn}",
        "DatabaseName": settings.database.name,
        "EcsClusterName": "${Compute/Cluster}",
        "EcsServiceName": "${Compute/Service/Service.Name}",
        "ServiceLogGroupName": "${Compute/LogGroup}",
        "LoadBalancerArn": "${Compute/LoadBalancer}",
        "LoadBalancerDnsName": "${Compute/LoadBalancer.DNSName}",
        "TargetGroupArn": "${Compute/LoadBalancer/TargetGroup}",
        "ServiceUrl": f"{scheme}://{settings.compute.domain_name or '${Compute/LoadBalancer.DNSName}'}",
        "MigrationFunctionName": names.physical_name(PhysicalName.MIGRATION),
        "BackupVaultName": "${Backup/Vault.BackupVaultName}",
        "BackupPlanId": "${Backup/Plan.BackupPlanId}",
        "RestoreTestingPlanName": "${Backup/RestoreTesting/Plan}",
        "HealthMonitorFunctionName": names.physical_name(PhysicalName.HEALTH_MONITOR),
        "FailoverFunctionName": names.physical_name(PhysicalName.FAILOVER),
        "RestoreValidationFunctionName": names.physical_name(PhysicalName.RESTORE_VALIDATION),
        "RestoreEventsQueueUrl": "${Monitoring/RestoreEventQueue}",
        "GoldenSignalsDashboardName": names.physical_name(PhysicalName.GOLDEN_SIGNALS_DASHBOARD),
        "DataTierDashboardName": names.physical_name(PhysicalName.DATA_TIER_DASHBOARD),
        "RecoveryDashboardName": names.physical_name(PhysicalName.RECOVERY_DASHBOARD),
    }
    assert {str(key) for key in OutputKey} == set(expected)
    if not settings.database.data_api:
        del expected["MigrationFunctionName"]
    outputs = deployment.root.document["Outputs"]
    assert {key: deployment.text("Root", output["Value"]) for key, output in outputs.items()} == expected


def test_nothing_is_exported(deployment: Assembly) -> None:
    for name, template in deployment.templates.items():
        assert not any("Export" in output for output in template.document.get("Outputs", {}).values()), name
        assert "Fn::ImportValue" not in json.dumps(template.document), name


def test_references_point_only_to_earlier_stacks(deployment: Assembly) -> None:
    made = {
        name: resource["Properties"] for name, resource in zip(NESTED, deployment.root.resources.values(), strict=True)
    }
    order = {logical_id: index for index, logical_id in enumerate(deployment.root.resources)}
    for index, (name, properties) in enumerate(made.items()):
        for parameter, value in properties.get("Parameters", {}).items():
            if value == {"Ref": RESTORED_AT_PARAMETER}:
                continue
            assert list(value) == ["Fn::GetAtt"], f"{name}: {parameter} is no output of another stack"
            assert order[value["Fn::GetAtt"][0]] < index, f"{name}: {parameter} refers upwards"
    # The parameters make the order; DependsOn beside them would be noise that cfn-lint reports.
    assert not any("DependsOn" in resource for resource in deployment.root.resources.values())


def test_every_parameter_and_output_of_a_nested_stack_is_used(deployment: Assembly) -> None:
    root = json.dumps(deployment.root.document)
    for name, template in deployment.nested.items():
        body = json.dumps(template.resources)
        assert all(f'{{"Ref": "{parameter}"}}' in body for parameter in template.document.get("Parameters", {})), name
        assert all(f'"Outputs.{output}"' in root for output in template.document.get("Outputs", {})), name


def test_no_template_comes_near_a_limit_of_cloudformation(deployment: Assembly) -> None:
    for path in deployment.folder.glob("*.template.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert path.stat().st_size <= 0.8 * TEMPLATE_BYTES, path.name
        assert len(document["Resources"]) <= 0.8 * RESOURCES, path.name
        assert len(document.get("Parameters", {})) <= 0.8 * PARAMETERS, path.name
        assert len(document.get("Outputs", {})) <= 0.8 * OUTPUTS, path.name
        for section in ("Resources", "Parameters", "Outputs"):
            assert all(len(name) <= LOGICAL_ID for name in document.get(section, {})), path.name


def test_logical_ids_carry_neither_environment_nor_region_nor_suffix(deployment: Assembly, dev: Assembly) -> None:
    for name, template in deployment.templates.items():
        here, there = _logical_ids(template), _logical_ids(dev.templates[name])
        shared = set(here) & set(there)
        assert len(shared) >= len(there) * 0.6
        assert {path: here[path] for path in shared} == {path: there[path] for path in shared}
        for logical_id in here.values():
            assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", logical_id), f"{name}/{logical_id}"
