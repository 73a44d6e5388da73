"""Every check: what it makes of each answer of the account, and that it asks for nothing that it did not declare."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from syrupy.assertion import SnapshotAssertion

from breakwater_guards.model.assembly import Assembly
from ops.preflight.account import CouldNotAsk
from ops.preflight.check import Status, all_checks
from ops.preflight.checks.bootstrap import needed_version
from ops.preflight.checks.stack import CREATE_ONLY
from ops.preflight.context import Plan
from ops.preflight.engine import run
from tests.ops.preflight import cases_data, cases_dns, cases_rds, cases_region, cases_room, cases_stack
from tests.ops.preflight.cases import Case, Said, plan, refuse

CASES = [
    *cases_region.CASES,
    *cases_data.CASES,
    *cases_dns.CASES,
    *cases_room.CASES,
    *cases_rds.CASES,
    *cases_stack.CASES,
]


def _asking(version: int) -> dict[str, Any]:
    """Return an artifact of a manifest that asks for a bootstrap version."""
    return {"properties": {"requiresBootstrapStackVersion": version}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.name}")
def test_what_a_check_makes_of_an_answer(case: Case, snapshot: SnapshotAssertion) -> None:
    """The case states what matters, and the snapshot each question and each word; `make snapshots` renews it."""
    context, session = case.check_context()
    found = list(all_checks()[case.check].run(context))
    assert [str(outcome.status) for outcome in found] == [status for status, _ in case.expected]
    for outcome, (_, words) in zip(found, case.expected, strict=True):
        assert words in outcome.message
    said = [re.sub(r"\b20\d\d-\d\d-\d\d\b", "<date>", outcome.message) for outcome in found]
    assert {"asked": session.asked, "said": said} == snapshot.use_extension(Said)


def test_every_check_passes_in_one_case_and_does_not_in_another() -> None:
    statuses: defaultdict[str, set[str]] = defaultdict(set)
    for case in CASES:
        statuses[case.check] |= {status for status, _ in case.expected}
    assert set(statuses) == set(all_checks())
    for check, found in statuses.items():
        assert "pass" in found, check
        assert found & {"fail", "warn"}, check


def test_every_declared_call_is_made_in_some_case() -> None:
    made: defaultdict[str, set[str]] = defaultdict(set)
    for case in CASES:
        context, session = case.check_context()
        list(all_checks()[case.check].run(context))
        made[case.check] |= set(session.made)
    assert {name: set(check.calls) for name, check in all_checks().items()} == {
        name: made[name] for name in all_checks()
    }


@pytest.mark.parametrize("check", [name for name, check in all_checks().items() if check.calls])
def test_a_permission_that_is_missing_is_named(check: str) -> None:
    """The first case that asks anything, with the first answer replaced by a refusal."""
    asking = next(case for case in CASES if case.check == check and case.answers)
    calls = [call for call in all_checks()[check].calls if call in asking.answers]
    denied = Case(
        check,
        "denied",
        [],
        {call: refuse("AccessDeniedException") for call in calls},
        profile=asking.profile,
        context=asking.context,
        planned=asking.planned,
    )
    context, _ = denied.check_context()
    (result,) = run([all_checks()[check]], lambda _: context, timeout_seconds=10)
    assert result.status is Status.COULD_NOT_ASK
    assert "the IAM action " in result.outcomes[0].message
    assert "is missing: see docs/preflight-policy.json" in result.outcomes[0].message


# An error that a check does not know stands for itself.
UNKNOWN = [
    ("PF-CDK-01", "ssm:GetParameter"),
    ("PF-CDK-02", "s3:HeadBucket"),
    ("PF-ACM-01", "acm:DescribeCertificate"),
    ("PF-VPC-04", "ec2:DescribeVpcEndpointServices"),
    ("PF-IAM-01", "iam:GetRole"),
    ("PF-ECR-01", "ecr:BatchGetImage"),
    ("PF-SNS-01", "sns:ListSubscriptionsByTopic"),
    ("PF-R53-01", "route53:GetHostedZone"),
    ("PF-VPC-01", "service-quotas:GetServiceQuota"),
    ("PF-DDB-01", "dynamodb:DescribeTable"),
    ("PF-CFN-01", "cloudformation:DescribeStacks"),
    ("PF-CFN-03", "cloudformation:ListStackResources"),
    ("PF-BACKUP-04", "backup:DescribeGlobalSettings"),
]


@pytest.mark.parametrize(("check", "call"), UNKNOWN)
def test_an_error_of_another_kind_is_no_answer(check: str, call: str) -> None:
    asking = next(case for case in CASES if case.check == check and call in case.answers)
    broken = Case(
        check,
        "broken",
        [],
        {**asking.answers, call: refuse("InternalFailure")},
        profile=asking.profile,
        context=asking.context,
        planned=asking.planned,
    )
    context, _ = broken.check_context()
    with pytest.raises((ClientError, CouldNotAsk), match="InternalFailure"):
        list(all_checks()[check].run(context))


def test_every_check_says_why_how_and_where() -> None:
    for name, check in all_checks().items():
        assert check.source.startswith("https://"), name
        for text in (check.why, check.fix):
            assert text.endswith("."), name
        assert not check.title.endswith("."), name


def test_what_replaces_a_resource_is_what_its_schema_says() -> None:
    """The schemas of CloudFormation come with cfn-lint; a later one may name more properties."""
    for kind, properties in CREATE_ONLY.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
        paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
        assert properties == tuple(sorted({path.split("/")[2] for path in paths})), kind


@pytest.mark.parametrize(
    ("manifest", "version"),
    [
        ({"artifacts": {"a": _asking(6), "b": _asking(8), "c": {"properties": {}}, "d": {}}}, 8),
        ({"artifacts": {"c": {"properties": {}}}}, 0),
        ({"artifacts": {}}, 0),
        ({}, 0),
    ],
)
def test_an_assembly_needs_the_newest_bootstrap_version_that_one_of_its_artifacts_asks_for(
    tmp_path: Path, manifest: dict[str, Any], version: int
) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    context, _ = CASES[0].check_context()
    assembly = Assembly({})
    assembly.folder = tmp_path
    assert needed_version(replace(context, plan=Plan(assembly))) == version


def test_whatever_keeps_data_is_watched() -> None:
    """What the templates keep when the stack goes is what must not be lost by an update."""
    kept = {
        resource.type
        for profile in ("dev", "staging", "prod")
        for template in plan(profile).assembly.templates.values()
        for resource in template.resources.values()
        if resource.attribute("DeletionPolicy") in ("Retain", "Snapshot", "RetainExceptOnCreate")
    }
    # They stay because the cluster or the data needs them, and hold none.
    beside = {
        "AWS::IAM::Role",
        "AWS::RDS::DBClusterParameterGroup",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBSubnetGroup",
    }
    assert {kind for kind in kept - beside if not kind.startswith("AWS::EC2::")} <= set(CREATE_ONLY)
