"""Every way in which AWS can refuse, and the sentence that it becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
)

from ops.errors import OpsError
from ops.preflight.account import Account, Ask, CouldNotAsk, iam_action
from ops.preflight.deployed import CALLS, TEMPLATE_CALLS, deployed_by, deployed_templates
from tests.ops.preflight.cases import Session, pages, plan, refuse

CALL = "ec2:DescribeVpcs"
URL = "https://ec2.us-east-1.amazonaws.com"


def _ask(operation: Any) -> Ask:
    return Ask(Account("us-east-1", Session({CALL: operation})), (CALL,))


def _raising(error: Exception) -> Callable[..., Mapping[str, Any]]:
    def operation(**_: Any) -> Mapping[str, Any]:
        raise error

    return operation


def _denied(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": message}}, "DescribeVpcs")


def test_a_service_that_does_not_answer_is_given_up_after_some_seconds() -> None:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    config = Account("us-east-1", session).client("ec2").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 8)
    assert config.retries == {"mode": "adaptive", "total_max_attempts": 4}


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (refuse("AccessDenied"), "the IAM action ec2:DescribeVpcs is missing"),
        (
            _raising(_denied("… with an explicit deny in a service control policy")),
            "ec2:DescribeVpcs is denied by a service control policy: ask whoever administers it",
        ),
        (
            _raising(_denied("… with an explicit deny in a permissions boundary")),
            "ec2:DescribeVpcs is denied by a permissions boundary",
        ),
        (refuse("RequestLimitExceeded"), "ec2:DescribeVpcs is throttled"),
        (refuse("AuthFailure"), "the credentials are not accepted in this Region (AuthFailure)"),
        (refuse("ExpiredToken"), "the credentials are not accepted in this Region (ExpiredToken)"),
        (_raising(EndpointConnectionError(endpoint_url=URL)), "the Region has no such endpoint, or no network"),
        (_raising(ConnectTimeoutError(endpoint_url=URL)), "the Region has no such endpoint, or no network"),
        (_raising(ReadTimeoutError(endpoint_url=URL)), "the Region has no such endpoint, or no network"),
        (_raising(SSLError(endpoint_url=URL, error=OSError("bad"))), "ec2:DescribeVpcs: SSL validation failed"),
    ],
)
@pytest.mark.parametrize("paged", [False, True])
def test_a_refusal_is_one_sentence(operation: Any, told: str, *, paged: bool) -> None:
    ask = _ask(operation)
    with pytest.raises(CouldNotAsk) as caught:
        ask.every(CALL, "Vpcs") if paged else ask(CALL)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_that_means_something_is_the_checks_own() -> None:
    with pytest.raises(ClientError, match="InvalidVpcID"):
        _ask(refuse("InvalidVpcID.NotFound"))(CALL)


def test_all_pages_are_read() -> None:
    first, second = {"Vpcs": [{"VpcId": "1"}], "NextToken": "1"}, {"NextToken": "2"}
    ask = _ask(pages("NextToken", first, second, {"Vpcs": [{"VpcId": "2"}]}))
    assert [vpc["VpcId"] for vpc in ask.every(CALL, "Vpcs")] == ["1", "2"]


def test_what_has_no_pages_is_read_at_once() -> None:
    call = "ec2:DescribeRegions"
    session = Session({call: {"Regions": [{"RegionName": "x"}]}})
    ask = Ask(Account("us-east-1", session), (call,))
    assert ask.every(call, "Regions", RegionNames=["x"]) == [{"RegionName": "x"}]
    assert ask.every(call, "Others") == []
    assert session.asked[0] == 'ec2:DescribeRegions in us-east-1: {"RegionNames": ["x"]}'


def test_a_call_that_is_not_declared_cannot_be_made() -> None:
    told = "ec2:DeleteVpc is not among the declared calls ec2:DescribeVpcs, ec2:DescribeRegions"
    with pytest.raises(LookupError, match=told):
        Ask(Account("us-east-1", Session({})), (CALL, "ec2:DescribeRegions"))("ec2:DeleteVpc", VpcId="vpc-1")


def test_actions_have_iams_names() -> None:
    assert iam_action("elbv2:DescribeLoadBalancers") == "elasticloadbalancing:DescribeLoadBalancers"
    assert iam_action("service-quotas:GetServiceQuota") == "servicequotas:GetServiceQuota"
    assert iam_action("s3:HeadBucket") == "s3:ListBucket"
    assert iam_action("s3:ListBuckets") == "s3:ListAllMyBuckets"
    assert iam_action("rds:DescribeDBClusters") == "rds:DescribeDBClusters"


def _identity(operation: Any) -> Mapping[str, str]:
    return Account("us-east-1", Session({"sts:GetCallerIdentity": operation})).identity()


def test_who_asks() -> None:
    assert _identity({"Account": "1" * 12, "Arn": "arn", "UserId": "x"})["Account"] == "1" * 12


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (_raising(NoCredentialsError()), "no credentials: Unable to locate credentials. Log in, or set AWS_PROFILE"),
        (_raising(PartialCredentialsError(provider="env", cred_var="x")), "no credentials: Partial credentials"),
        (refuse("ExpiredToken"), "the credentials have expired (ExpiredToken): log in again"),
        (refuse("InvalidClientTokenId"), "AWS does not know the credentials (InvalidClientTokenId)"),
        (
            _raising(EndpointConnectionError(endpoint_url=URL)),
            "AWS cannot be reached: Could not connect to the endpoint",
        ),
    ],
)
def test_nobody_who_asks_is_one_line(operation: Any, told: str) -> None:
    with pytest.raises(OpsError) as caught:
        _identity(operation)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def session(**_: Any) -> Any:
        raise ProfileNotFound(profile="nobody")

    monkeypatch.setattr(boto3.session, "Session", session)
    with pytest.raises(OpsError, match=r"The config profile \(nobody\) could not be found: set AWS_PROFILE"):
        Account("us-east-1")


@pytest.mark.parametrize(("region", "partition"), [("us-east-1", "aws"), ("cn-north-1", "aws-cn")])
def test_the_partition_is_the_regions(region: str, partition: str) -> None:
    assert Account(region).partition() == partition


def _listing(**given: str) -> Mapping[str, Any]:
    nested = {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": "Breakwater-dev-Kms-1"}
    kept = {"ResourceType": "AWS::DynamoDB::GlobalTable", "PhysicalResourceId": "dr-table"}
    removed = {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": "Breakwater-dev-Old-1"}
    listed = {
        "Breakwater-dev": [
            nested,
            {"ResourceType": "AWS::CDK::Metadata"},
            {**kept, "ResourceStatus": "DELETE_SKIPPED"},
            {**removed, "ResourceStatus": "DELETE_COMPLETE"},
        ],
        "Breakwater-dev-Kms-1": [{"ResourceType": "AWS::KMS::Alias", "PhysicalResourceId": "alias/dr-data-dev"}],
    }
    return {
        "StackResourceSummaries": [
            {"LogicalResourceId": "x", "LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE", **each}
            for each in listed[given["StackName"]]
        ]
    }


def test_what_nested_stacks_have_deployed_counts_and_is_asked_for_once() -> None:
    session = Session({CALLS[0]: _listing})
    deployed = deployed_by(Account("us-east-1", session), "Breakwater-dev")
    for _ in range(2):
        assert deployed() == {
            "Breakwater-dev-Kms-1": "AWS::CloudFormation::Stack",
            "alias/dr-data-dev": "AWS::KMS::Alias",
        }
    assert len(session.made) == 2


def test_what_the_stack_kept_or_deleted_is_not_its_own_any_more() -> None:
    """A retained table blocks the next deployment by its name, whatever CloudFormation still lists."""
    found = deployed_by(Account("us-east-1", Session({CALLS[0]: _listing})), "Breakwater-dev")()
    assert not {"dr-table", "Breakwater-dev-Old-1"} & set(found)


def test_before_the_first_deployment_nothing_is_deployed() -> None:
    assert deployed_by(Account("us-east-1", Session({CALLS[0]: refuse("ValidationError")})), "x")() == {}


def test_a_stack_that_cannot_be_listed_is_no_answer_for_any_check() -> None:
    session = Session({CALLS[0]: refuse("AccessDenied")})
    deployed = deployed_by(Account("us-east-1", session), "x")
    for _ in range(2):
        with pytest.raises(CouldNotAsk, match="cloudformation:ListStackResources is missing"):
            deployed()
    assert len(session.made) == 1


def test_a_template_that_is_not_json_cannot_be_compared() -> None:
    answers = {CALLS[0]: _listing, "cloudformation:GetTemplate": {"TemplateBody": "Resources: {}"}}
    ask = Ask(Account("us-east-1", Session(answers)), TEMPLATE_CALLS)
    with pytest.raises(CouldNotAsk, match="the deployed template of Breakwater-dev is not JSON, as CDK writes it"):
        deployed_templates(ask, "Breakwater-dev", plan("dev").assembly.roots[0])


def test_a_nested_stack_that_its_template_does_not_tell_of_is_known_by_its_logical_id() -> None:
    """It may be one that an update could not delete, or one that CDK has not written."""

    def listing(StackName: str) -> Mapping[str, Any]:  # noqa: N803 (CloudFormation's name)
        mine = {"Root": ["Gone", "Plain"], "GoneStack": ["Queue"], "PlainStack": ["Queue"]}[StackName]
        common = {"LastUpdatedTimestamp": 0, "ResourceStatus": "CREATE_COMPLETE", "ResourceType": "AWS::SQS::Queue"}
        nested = {"ResourceType": "AWS::CloudFormation::Stack"} if StackName == "Root" else {}
        rows = [{**common, **nested, "LogicalResourceId": name, "PhysicalResourceId": f"{name}Stack"} for name in mine]
        return {"StackResourceSummaries": rows}

    plain = {"Plain": {"Type": "AWS::CloudFormation::Stack"}, "Queue": {"Type": "AWS::SQS::Queue"}}
    answers = {CALLS[0]: listing, "cloudformation:GetTemplate": {"TemplateBody": {"Resources": plain}}}
    root = plan("dev").assembly.roots[0]
    found = deployed_templates(Ask(Account("us-east-1", Session(answers)), TEMPLATE_CALLS), "Root", root)
    assert found is not None
    assert set(found.templates) == {root.key, "Gone", "Plain"}
    assert (found.templates[root.key].region, found.templates[root.key].account) == (root.region, root.account)
    assert root.region == "us-east-1"


def test_an_error_of_another_kind_is_not_taken_for_an_empty_stack() -> None:
    with pytest.raises(ClientError, match="InternalFailure"):
        deployed_by(Account("us-east-1", Session({CALLS[0]: refuse("InternalFailure")})), "x")()
