"""Every check: what it makes of each answer of the account, and that it asks for nothing that it did not declare."""

from __future__ import annotations

from collections import defaultdict

import pytest
from botocore.exceptions import ClientError

from ops.preflight.account import CouldNotAsk
from ops.preflight.check import Status, all_checks
from ops.preflight.engine import run
from tests.ops.preflight import cases_data, cases_region, cases_room
from tests.ops.preflight.cases import Case, refuse

CASES = [*cases_region.CASES, *cases_data.CASES, *cases_room.CASES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.name}")
def test_what_a_check_makes_of_an_answer(case: Case) -> None:
    context, _ = case.check_context()
    found = list(all_checks()[case.check].run(context))
    assert [str(outcome.status) for outcome in found] == [status for status, _ in case.expected]
    for outcome, (_, words) in zip(found, case.expected, strict=True):
        assert words in outcome.message


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
