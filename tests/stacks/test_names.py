"""Names and tags: where they are given, and that every resource carries them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stacks.names import PhysicalName
from stacks.settings import SettingsError, load_settings
from tests.assembly import Assembly, synthesize

# What CloudFormation calls a name but is none of a resource of ours: parts of a resource, other people's names,
# and what somebody connects to inside a resource.
NOT_PHYSICAL = {
    "AttributeName": "attribute of the table",
    "ContainerName": "container in the task",
    "DatabaseName": "database in the cluster",
    "MetricName": "metric, or CloudWatch's name of a rule's metric",
    "PolicyName": "inline policy of one role, or scaling policy of one target; made by CDK from the construct path",
    "RuleName": "rule in the backup plan",
    "SelectionName": "selection in the backup plan",
    "ServiceName@AWS::EC2::VPCEndpoint": "AWS's service",
    "VendorName": "publisher of a managed rule group",
}
# A plain `Name` is a physical name only where it stands at the top of these types.
NAMED_BY_NAME = {"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::WAFv2::WebACL"}
# Longest name that each service accepts.
LIMITS = {
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
    "AliasName": 256,
    # https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
    "TopicName": 256,
    "DisplayName": 100,
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
    "TableName": 255,
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    "AlarmName": 255,
    "DashboardName": 255,
    # https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
    "DBClusterIdentifier": 63,
    "DBInstanceIdentifier": 63,
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    "LogGroupName": 512,
    # https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    "FunctionName": 64,
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    "ClusterName": 255,
    "ServiceName": 255,
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html (32), WAF: 128
    "Name": 32,
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
    "BackupVaultName": 50,
    "BackupPlanName": 50,
    # https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RestoreTestingPlanForCreate.html
    "RestoreTestingPlanName": 50,
    "RestoreTestingSelectionName": 50,
}


def _names(kind: str, value: Any, *, top: bool = True) -> Iterator[tuple[str, str]]:
    """Every literal physical name in the properties of a resource, with the property that holds it."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        named = key in {"Name"} and top and kind in NAMED_BY_NAME
        named |= key.endswith(("Name", "Identifier")) and key != "Name"
        if isinstance(inner, str) and named and not {key, f"{key}@{kind}"} & set(NOT_PHYSICAL):
            yield key, inner
        for part in inner if isinstance(inner, list) else [inner]:
            yield from _names(kind, part, top=False)


def _all_names(deployment: Assembly) -> list[tuple[str, str, str]]:
    return [
        (f"{stack}/{logical_id}", key, name)
        for stack, template in deployment.templates.items()
        for logical_id, resource in template.resources.items()
        for key, name in _names(resource["Type"], resource["Properties"])
    ]


def test_every_physical_name_carries_the_suffix(deployment: Assembly) -> None:
    suffix = deployment.settings.suffix
    found = _all_names(deployment)
    assert len(found) >= 30
    for where, key, name in found:
        parts = name.replace("_", "-").replace("/", "-").replace(" ", "-")
        assert f"-{suffix}-" in f"{parts}-", f"{where}.{key} = {name}"


def test_every_name_of_the_catalogue_is_used(deployment: Assembly) -> None:
    used = {name for _, _, name in _all_names(deployment)}
    absent = set()
    if not deployment.settings.compute.waf:
        absent |= {PhysicalName.WEB_ACL, PhysicalName.WAF_LOG_GROUP}
    if not deployment.settings.database.data_api:
        absent |= {PhysicalName.MIGRATION}
    for name in PhysicalName:
        assert (deployment.names.physical_name(name) in used) is (name not in absent), name


def test_deployments_of_one_region_share_no_name(
    dev: Assembly, staging: Assembly, prod: Assembly, prod_nat: Assembly
) -> None:
    # A restore-testing selection repeats the name of its plan, so each deployment is compared as a set.
    names = [{name for _, _, name in _all_names(made)} for made in (dev, staging, prod, prod_nat)]
    assert len(set().union(*names)) == sum(len(made) for made in names)


def test_names_stay_below_the_limits_of_their_services(deployment: Assembly) -> None:
    for where, key, name in _all_names(deployment):
        assert len(name) <= LIMITS[key], f"{where}.{key} = {name}"


@pytest.mark.parametrize(("region", "longest"), [("us-east-1", 12), ("ap-southeast-1", 10)])
def test_the_longest_accepted_suffix_still_fits_everywhere(tmp_path: Path, region: str, longest: int) -> None:
    """The load balancer's 32 characters decide; with them used up every other name must fit as well."""
    suffix = "abcdefghijklmnop"[:longest]
    settings = load_settings({"suffix": suffix, "region": region, "compute.waf": "true", "database.readers": "15"})
    deployment = synthesize(settings, "longest", tmp_path)
    for where, key, name in _all_names(deployment):
        assert len(name) <= LIMITS[key], f"{where}.{key} = {name}"
    with pytest.raises(SettingsError, match="suffix"):
        load_settings({"suffix": f"{suffix}x", "region": region})


# Its schema says nothing of tags because they belong to each replica.
REPLICATED_TABLE = "AWS::DynamoDB::GlobalTable"


def _tag_property(kind: str, region: str) -> str | None:
    """Name of the property that holds the tags of a type, by CloudFormation's own schema of it."""
    schema: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind).schema
    tagging = schema.get("tagging", {"taggable": "Tags" in schema["properties"]})
    if not tagging.get("taggable", True):
        return None
    return str(tagging.get("tagProperty", "/properties/Tags")).removeprefix("/properties/")


def _tagged(deployment: Assembly) -> Iterator[tuple[str, Any]]:
    """Every taggable resource of every template with its tags."""
    for stack, template in deployment.templates.items():
        for name, resource in template.resources.items():
            kind, where = resource["Type"], f"{stack}/{name} ({resource['Type']})"
            if kind.startswith("Custom::"):
                continue
            if kind == REPLICATED_TABLE:
                for replica in resource["Properties"]["Replicas"]:
                    yield where, replica.get("Tags")
            elif holder := _tag_property(kind, deployment.settings.region):
                yield where, resource["Properties"].get(holder)


def _expected(deployment: Assembly) -> dict[str, str]:
    settings = deployment.settings
    return {
        "Project": settings.project.name,
        "Environment": settings.environment,
        "Suffix": settings.suffix,
        "Owner": settings.project.owner,
        "CostCenter": settings.project.cost_center,
    }


def _pairs(tags: Any) -> dict[str, Any]:
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags or []}


def test_every_taggable_resource_carries_the_tags(deployment: Assembly) -> None:
    expected, untagged, seen = _expected(deployment), [], 0
    for where, tags in _tagged(deployment):
        seen += 1
        pairs = _pairs(tags)
        if any(pairs.get(key) != value for key, value in expected.items()):
            untagged.append(where)
    assert not untagged
    assert seen >= 60


def test_root_and_nested_stacks_carry_them(deployment: Assembly) -> None:
    expected = _expected(deployment)
    manifest = json.loads((deployment.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["artifacts"][deployment.names.stack]["properties"]["tags"] == expected
    for where, resource in deployment.all_of_type("AWS::CloudFormation::Stack"):
        assert _pairs(resource["Properties"]["Tags"]) == expected, where


def test_no_two_tags_of_a_resource_differ_in_case_only(deployment: Assembly) -> None:
    for where, tags in _tagged(deployment):
        keys = [key.lower() for key in _pairs(tags)]
        assert len(set(keys)) == len(keys), where


@pytest.mark.parametrize(
    ("kind", "holder"),
    [
        ("AWS::RDS::DBCluster", "Tags"),
        ("AWS::Backup::BackupVault", "BackupVaultTags"),
        ("AWS::Lambda::Function", "Tags"),
        ("AWS::KMS::Alias", None),
        ("AWS::IAM::Policy", None),
    ],
)
def test_the_schema_knows_what_can_be_tagged(kind: str, holder: str | None) -> None:
    assert _tag_property(kind, "us-east-1") == holder


def test_the_rule_looks_at_these_types_too(dev: Assembly) -> None:
    kinds = {where.split("(")[1].rstrip(")") for where, _ in _tagged(dev)}
    assert {REPLICATED_TABLE, "AWS::ECS::Service", "AWS::Events::Rule", "AWS::CloudWatch::Alarm"} <= kinds
