"""ARNs where names are wanted and names where ARNs are, by the table and by the name of a property."""

from __future__ import annotations

from typing import Any

import pytest

from guards_testing.build import put, resource
from guards_testing.judge import OPEN, found

OTHERS = {
    "Q": resource("AWS::SQS::Queue"),
    "T": resource("AWS::SNS::Topic"),
    "R": resource("AWS::IAM::Role"),
    "K": resource("AWS::KMS::Key"),
    "G": resource("AWS::Logs::LogGroup"),
    "B": resource("AWS::S3::Bucket"),
    "X": resource("AWS::Test::Thing"),
}
ALARM, LOGS = "AWS::CloudWatch::Alarm", "AWS::Logs::MetricFilter"


def attribute(name: str, of: str) -> Any:
    return {"Fn::GetAtt": [name, of]}


@pytest.mark.parametrize(
    ("kind", "path", "value", "told"),
    [
        (ALARM, "AlarmActions[]", {"Ref": "Q"}, "Ref Q is no ARN."),
        (ALARM, "AlarmActions[]", attribute("Q", "QueueUrl"), "Q.QueueUrl is no ARN."),
        (ALARM, "OKActions[]", "https://sqs.eu-west-1.amazonaws.com/1/orders", "'https://sqs"),
        (ALARM, "OKActions[]", {"Ref": "T"}, None),
        (ALARM, "OKActions[]", attribute("Q", "Arn"), None),
        (ALARM, "OKActions[]", OPEN, None),
        (ALARM, "OKActions[]", attribute("X", "QueueUrl"), None),
        (ALARM, "OKActions[]", {"Ref": "X"}, None),
        ("AWS::Config::Thing", "Deep.RoleArn", {"Ref": "R"}, "Ref R is no ARN."),
        ("AWS::Config::Thing", "Deep[].RoleARN", {"Fn::If": ["C", {"Ref": "R"}, attribute("R", "Arn")]}, "Ref R is"),
        ("AWS::Config::Thing", "RoleArn", attribute("R", "Arn"), None),
        ("AWS::Config::Thing", "RoleArn", {"Fn::Join": ["", ["arn:aws:iam::1:role/", {"Ref": "R"}]]}, None),
        ("AWS::Config::Thing", "KeyArn", {"Ref": "K"}, None),
        ("AWS::Config::Thing", "Variables.RoleArn", {"Ref": "R"}, None),
        ("AWS::ECS::TaskDefinition", "TaskRoleArn", {"Ref": "R"}, None),
        ("AWS::Config::Thing", "RoleArn", {"Fn::If": {"Ref": "R"}}, None),
        ("Custom::Thing", "RoleArn", {"Ref": "R"}, None),
        (LOGS, "LogGroupName", attribute("G", "Arn"), "G.Arn is an ARN; allowed: Ref G, its name."),
        (LOGS, "LogGroupName", {"Ref": "G"}, None),
        (LOGS, "LogGroupName", attribute("X", "Arn"), None),
        ("AWS::Config::Thing", "BucketName", attribute("B", "DomainName"), None),
    ],
)
def test_what_a_property_is_given(kind: str, path: str, value: Any, told: str | None) -> None:
    properties: dict[str, Any] = {}
    put(properties, path, value)
    given = {"Holder": resource(kind, **properties), **OTHERS}
    messages = found("DR-HYGIENE-13", given, Conditions={"C": {"Fn::Equals": [OPEN, "x"]}})
    assert len(messages) == (told is not None)
    assert all(message.startswith(str(told)) for message in messages)


def test_a_property_is_told_of_once() -> None:
    pair = {"Holder": resource("AWS::Config::Thing", RoleArn={"Ref": "R"}, Also={"RoleArn": {"Ref": "R"}}), **OTHERS}
    more = {**pair, "Second": resource("AWS::Config::Thing", RoleArn={"Ref": "R"})}
    assert len(found("DR-HYGIENE-13", pair)) == 2
    assert len(found("DR-HYGIENE-13", more)) == 3


WORKER = "AWS::Serverless::Function"


@pytest.mark.parametrize(
    ("events", "count"),
    [
        ({"E": {"Type": "SQS", "Properties": {"Queue": attribute("Q", "Arn")}}}, 1),
        ({"E": {"Type": "SQS", "Properties": {"Queue": OPEN}}}, 0),
        ({"E": {"Type": "SNS", "Properties": {"Topic": {"Ref": "T"}}}, "F": "text"}, 0),
        (OPEN, 0),
    ],
)
def test_queues_that_serverless_functions_read(events: Any, count: int) -> None:
    assert len(found("DR-LAMBDA-10", {"W": resource(WORKER, Timeout=60, Events=events), **OTHERS})) == count


CLUSTER, GROUP = "AWS::RDS::DBCluster", "AWS::RDS::DBClusterParameterGroup"


@pytest.mark.parametrize(
    ("engine", "parameters", "logs", "count"),
    [
        ("aurora-mysql", {"slow_query_log": "0"}, ["slowquery"], 1),
        ("aurora-mysql", {"other": "1"}, ["slowquery", "audit"], 2),
        ("aurora-mysql", {"slow_query_log": 1, "server_audit_logging": "ON"}, ["slowquery", "audit", "error"], 0),
        ("aurora-mysql", {"slow_query_log": OPEN}, ["slowquery", OPEN], 0),
        ("aurora-mysql", OPEN, ["slowquery"], 0),
        ("aurora-postgresql", {"other": "1"}, ["postgresql"], 0),
        (OPEN, {"other": "1"}, ["slowquery"], 0),
    ],
)
def test_exported_logs_are_written(engine: Any, parameters: Any, logs: Any, count: int) -> None:
    given = {"Engine": engine, "EnableCloudwatchLogsExports": logs}
    own = {
        "C": resource(CLUSTER, **given, DBClusterParameterGroupName={"Ref": "P"}),
        "P": resource(GROUP, Parameters=parameters),
    }
    assert len(found("DR-AURORA-22", own)) == count
    assert found("DR-AURORA-22", {**own, "C": resource(CLUSTER, **given, DBClusterParameterGroupName="default")}) == []


def test_nat_instances_admit_somebody() -> None:
    def judge(group: Any, cidr: Any = "0.0.0.0/0", **instance: Any) -> list[str]:
        route = resource("AWS::EC2::Route", InstanceId={"Ref": "I"}, DestinationCidrBlock=cidr)
        return found(
            "DR-NET-07",
            {
                "I": resource("AWS::EC2::Instance", **instance),
                "Route": route,
                "S": resource("AWS::EC2::SecurityGroup", **group),
            },
        )

    groups = {"SecurityGroupIds": [{"Ref": "S"}]}
    assert len(judge({}, **groups)) == 1
    assert len(judge({}, NetworkInterfaces=[{"GroupSet": [{"Ref": "S"}]}])) == 1
    assert judge({}, "10.1.0.0/16", **groups) == judge({}) == judge({}, SecurityGroupIds=[OPEN]) == []
    web = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"}]
    assert judge({"SecurityGroupIngress": web}, **groups) == []


@pytest.mark.parametrize(
    ("scope", "region", "count"),
    [("CLOUDFRONT", True, 1), ("CLOUDFRONT", False, 0), ("REGIONAL", False, 1), ("REGIONAL", True, 0), (OPEN, True, 0)],
)
def test_the_region_of_the_metrics_of_a_web_acl(scope: Any, region: bool, count: int) -> None:
    names = {"WebACL": "edge", "Rule": "ALL", **({"Region": "eu-west-1"} if region else {})}
    alarm = resource(
        ALARM,
        Namespace="AWS/WAFV2",
        MetricName="BlockedRequests",
        Dimensions=[{"Name": name, "Value": value} for name, value in names.items()],
    )
    for given, found_ in (
        ({"Name": "edge"}, count),
        ({"VisibilityConfig": {"MetricName": "edge"}}, count),
        ({"Name": "other"}, 0),
    ):
        acl = resource("AWS::WAFv2::WebACL", Scope=scope, **given)
        assert len(found("DR-CLOUDWATCH-07", {"A": alarm, "W": acl})) == found_


def test_log_groups_that_services_write_to() -> None:
    def judge(*statements: Any) -> list[str]:
        domain = resource(
            "AWS::OpenSearchService::Domain",
            LogPublishingOptions={"AUDIT_LOGS": {"CloudWatchLogsLogGroupArn": attribute("G", "Arn")}},
        )
        zone = resource(
            "AWS::Route53::HostedZone", QueryLoggingConfig={"CloudWatchLogsLogGroupArn": attribute("G", "Arn")}
        )
        other = resource("AWS::Route53::HostedZone", QueryLoggingConfig={"CloudWatchLogsLogGroupArn": OPEN})
        policy = resource("AWS::Logs::ResourcePolicy", PolicyDocument={"Statement": list(statements)})
        return found("DR-LOGS-05", {"D": domain, "Z": zone, "O": other, "P": policy, **OTHERS})

    allowed = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
    services = [{**allowed, "Principal": {"Service": f"{name}.amazonaws.com"}} for name in ("es", "route53")]
    assert judge(*services) == []
    assert len(judge(services[0])) == 1
    assert len(judge({**services[0], "Effect": "Deny"})) == 2
