"""Tags on every resource that CloudFormation can tag."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.assembly import Assembly

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


def _pairs(tags: Any) -> dict[str, str]:
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags or []}


def test_every_taggable_resource_carries_the_tags(deployment: Assembly) -> None:
    expected, untagged, seen = _expected(deployment), [], 0
    for where, tags in _tagged(deployment):
        seen += 1
        if expected.items() - _pairs(tags).items():
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
