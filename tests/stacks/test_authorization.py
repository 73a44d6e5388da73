"""Every action in every policy against AWS's Service Authorization Reference: nothing that a call needs is missing."""

from __future__ import annotations

from stacks.profiles import PROFILES
from tests import assembly
from tests.assembly import Assembly
from tests.stacks.authorization import (
    NOT_INVOLVED,
    NOT_TRIGGERED,
    actions_like,
    gaps,
    identity_grants,
    reason_for,
    reference,
)
from tests.stacks.permissions import as_list

# Types of resources with a policy of their own, and the property that holds it.
RESOURCE_POLICIES = {
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::Backup::BackupVault": "AccessPolicy",
    "AWS::EC2::VPCEndpoint": "PolicyDocument",
}


def test_each_call_is_allowed_on_everything_that_it_involves(deployment: Assembly) -> None:
    """A right that a call needs and the policy lacks ends in AccessDenied on the day of the call."""
    for role, grants in identity_grants(deployment):
        missing = [gap for gap in gaps(grants) if reason_for(gap) is None]
        assert not missing, f"{deployment.profile}: {role} may not {missing}"


def test_a_new_instance_may_use_the_groups_of_a_restored_cluster(deployment: Assembly) -> None:
    """Without these three every restore test of Aurora ends in AccessDenied."""
    grants = dict(identity_grants(deployment))["${Operations/RestoreValidation/Role}"]["rds:CreateDBInstance"]
    scope = f"arn:aws:rds:{deployment.settings.region}:{deployment.settings.account or '${AWS::AccountId}'}"
    assert grants == {
        f"{scope}:cluster:awsbackup-restore-test-*",
        f"{scope}:db:awsbackup-restore-test-*",
        f"{scope}:og:default:aurora-postgresql-*",
        f"{scope}:pg:default.aurora-postgresql*",
        f"{scope}:subgrp:${{Database/Cluster/SubnetGroup}}",
    }


def test_each_reason_explains_a_gap_and_says_why() -> None:
    explained = {
        reason_for(gap)
        for profile in PROFILES
        for _, grants in identity_grants(assembly.assembly(profile))
        for gap in gaps(grants)
    }
    assert explained == NOT_INVOLVED.keys() | NOT_TRIGGERED.keys()
    assert all(reason.endswith(".") and len(reason) > 12 for reason in (NOT_INVOLVED | NOT_TRIGGERED).values())


def test_the_comparison_sees_what_is_missing() -> None:
    types, others = reference("rds:CreateDBInstance")
    assert {"cluster", "db", "og", "pg", "subgrp"} <= types.keys()
    assert "kms:CreateGrant" in others
    granted = {"rds:CreateDBInstance": {"arn:aws:rds:r:a:cluster:x", "arn:aws:rds:r:a:og:default:x"}}
    found = {missing for _, missing in gaps(granted)}
    assert {"db", "pg", "subgrp", "kms:CreateGrant"} <= found
    assert not {"cluster", "og"} & found
    assert not list(gaps({"cloudwatch:GetMetricData": {"*"}}))


def test_every_action_of_a_resource_policy_is_one_that_aws_knows(deployment: Assembly) -> None:
    for kind, key in RESOURCE_POLICIES.items():
        for path, resource in deployment.all_of_type(kind):
            for statement in resource["Properties"].get(key, {}).get("Statement", []):
                for pattern in as_list(statement["Action"]):
                    assert pattern == "*" or actions_like(pattern), f"{path}: {pattern}"
