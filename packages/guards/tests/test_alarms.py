"""Alarms that can fire: limits of what they watch, and silence."""

from __future__ import annotations

from typing import Any

import pytest

from guards_testing.build import Template, resource
from guards_testing.judge import OPEN, found
from guards_testing.metrics import alarm

FUNCTION = {"F": resource("AWS::Lambda::Function", Timeout=30)}
PLAIN = {"F": resource("AWS::Lambda::Function")}
UNDECIDED = {"F": resource("AWS::Lambda::Function", Timeout=OPEN)}
POOL: Template = {
    "C": resource(
        "AWS::RDS::DBCluster", Engine="aurora-postgresql", ServerlessV2ScalingConfiguration={"MaxCapacity": 8}
    )
}


@pytest.mark.parametrize(
    ("given", "others", "count"),
    [
        (("AWS/Lambda", "Duration", "Maximum", 30_000, {"FunctionName": {"Ref": "F"}}), FUNCTION, 1),
        (("AWS/Lambda", "Duration", "p99", 30_000, {"FunctionName": {"Fn::Sub": "${F}"}}), FUNCTION, 1),
        (("AWS/Lambda", "Duration", "Maximum", 29_000, {"FunctionName": {"Ref": "F"}}), FUNCTION, 0),
        (("AWS/Lambda", "Duration", "Sum", 90_000, {"FunctionName": {"Ref": "F"}}), FUNCTION, 0),
        (("AWS/Lambda", "Duration", "Maximum", 4_000, {"FunctionName": {"Ref": "F"}}), PLAIN, 1),
        (("AWS/Lambda", "Duration", "Maximum", 4_000, {"FunctionName": "elsewhere"}), FUNCTION, 0),
        (("AWS/Lambda", "Duration", "Maximum", 4_000, {}), FUNCTION, 0),
        (("AWS/Lambda", "Duration", "Maximum", 4_000, {"FunctionName": {"Ref": "F"}}), UNDECIDED, 0),
        (("AWS/Lambda", "ConcurrentExecutions", "Maximum", 4, {"FunctionName": {"Ref": "F"}}), FUNCTION, 0),
        (("AWS/RDS", "ServerlessDatabaseCapacity", "Average", 8, {"DBClusterIdentifier": {"Ref": "C"}}), POOL, 1),
        (("AWS/RDS", "ServerlessDatabaseCapacity", "Average", 7, {"DBClusterIdentifier": {"Ref": "C"}}), POOL, 0),
        (("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Average", 5, {"LoadBalancer": "app/a/1"}), {}, 1),
        (("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", 5, {"LoadBalancer": "app/a/1"}), {}, 0),
        (("AWS/Lambda", "Errors", "Average", 1, {}), {}, 1),
        (("AWS/Lambda", "Errors", "Sum", 1, {}), {}, 0),
        (("MyApp", "Duration", "Maximum", 1, {}), {}, 0),
        ((OPEN, "Duration", "Maximum", 1, {}), {}, 0),
    ],
)  # fmt: skip
def test_a_threshold_is_within_what_the_resource_allows(given: Any, others: Template, count: int) -> None:
    namespace, name, statistic, threshold, dimensions = given
    made = alarm(
        namespace, name, Statistic=statistic, Threshold=threshold, Dimensions=dimensions,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    assert len(found("DR-CLOUDWATCH-05", {"Alarm": made, **others})) == count


FILTER = resource(
    "AWS::Logs::MetricFilter", MetricTransformations=[{"MetricNamespace": "MyApp", "MetricName": "Jobs"}, "text"]
)
ZERO = resource(
    "AWS::Logs::MetricFilter",
    MetricTransformations=[{"MetricNamespace": "MyApp", "MetricName": "Jobs", "DefaultValue": 0}],
)


@pytest.mark.parametrize(
    ("given", "missing", "count"),
    [
        (("AWS/ApplicationELB", "HealthyHostCount", "Minimum"), "notBreaching", 1),
        (("AWS/ApplicationELB", "RequestCount", "Sum"), "notBreaching", 1),
        (("AWS/ApplicationELB", "RequestCount", "Sum"), "breaching", 0),
        (("AWS/Lambda", "Invocations", "Sum"), "missing", 1),
        (("AWS/Lambda", "Invocations", "Sum"), {"Ref": "AWS::NoValue"}, 1),
        (("AWS/SQS", "NumberOfMessagesSent", "Sum"), "notBreaching", 0),
        (("MyApp", "Heartbeat", "Sum"), "notBreaching", 1),
        (("MyApp", "WorkerHeartbeat", "SampleCount"), "notBreaching", 1),
        (("MyApp", "Heartbeat", "Minimum"), "notBreaching", 0),
        (("MyApp", "Jobs", "Sum"), "notBreaching", 1),
        (("MyApp", "Others", "Sum"), "notBreaching", 0),
        (("AWS/SQS", OPEN, "Sum"), "notBreaching", 0),
        ((OPEN, "Jobs", "Sum"), "notBreaching", 0),
    ],
)
def test_silence_of_what_vanishes(given: Any, missing: Any, count: int) -> None:
    namespace, name, statistic = given
    below = {"Threshold": 1, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": missing}
    made = alarm(namespace, name, Statistic=statistic, **below)
    assert len(found("DR-CLOUDWATCH-08", {"Alarm": made, "Filter": FILTER})) == count


def test_silence_that_a_filter_or_an_action_tells_is_none() -> None:
    below = {"Threshold": 1, "ComparisonOperator": "LessThanThreshold"}
    jobs = alarm("MyApp", "Jobs", Statistic="Sum", TreatMissingData="notBreaching", **below)
    assert found("DR-CLOUDWATCH-08", {"Alarm": jobs, "Filter": FILTER, "Zero": ZERO}) == []
    runs = alarm("AWS/Lambda", "Invocations", Statistic="Sum", InsufficientDataActions=["arn"], **below)
    assert found("DR-CLOUDWATCH-08", {"Alarm": runs}) == []


def test_dimensions_that_exclude_each_other() -> None:
    both = {"DBClusterIdentifier": "c", "DBInstanceIdentifier": "i"}
    (told,) = found("DR-CLOUDWATCH-02", {"Alarm": alarm("AWS/RDS", "CPUUtilization", Dimensions=both)})
    assert told == "CPUUtilization has no data by DBClusterIdentifier and DBInstanceIdentifier; allowed: one."
    given = {"LoadBalancer": "app/a/1", "TargetGroup": "targetgroup/a/1"}
    for name, count in (("HTTPCode_ELB_5XX_Count", 1), ("HTTPCode_Target_5XX_Count", 0)):
        made = {"Alarm": alarm("AWS/ApplicationELB", name, Dimensions=given)}
        assert len(found("DR-CLOUDWATCH-03", made)) == count


CUT: Template = {"Fn::Select": [1, {"Fn::Split": ["loadbalancer/", {"Ref": "Listener"}]}]}
IDLE = [{"Key": "idle_timeout.timeout_seconds", "Value": "120"}, {"Key": "deletion_protection.enabled", "Value": "x"}]


def slow(seconds: int, value: Any) -> Template:
    """Return an alarm on the slowest responses of a load balancer."""
    more = {"Threshold": seconds, "ComparisonOperator": "GreaterThanThreshold", "Dimensions": {"LoadBalancer": value}}
    return alarm("AWS/ApplicationELB", "TargetResponseTime", Statistic="p99", **more)


@pytest.mark.parametrize(
    ("attributes", "seconds", "count"),
    [(None, 61, 1), (None, 59, 0), (IDLE, 121, 1), (IDLE, 61, 0), (IDLE[1:], 61, 1), (OPEN, 61, 0), ([OPEN], 5_000, 0)],
)
def test_a_response_takes_no_longer_than_the_idle_timeout(attributes: Any, seconds: int, count: int) -> None:
    kind = "AWS::ElasticLoadBalancingV2"
    given = {} if attributes is None else {"LoadBalancerAttributes": attributes}
    others = {
        "Balancer": resource(f"{kind}::LoadBalancer", **given),
        "Listener": resource(f"{kind}::Listener", LoadBalancerArn={"Ref": "Balancer"}),
    }
    for value in ({"Fn::GetAtt": ["Balancer", "LoadBalancerFullName"]}, CUT):
        assert len(found("DR-CLOUDWATCH-05", {"Alarm": slow(seconds, value), **others})) == count
    for listener in (resource(f"{kind}::Listener", LoadBalancerArn=OPEN), resource("AWS::SNS::Topic")):
        assert found("DR-CLOUDWATCH-05", {"Alarm": slow(seconds, CUT), "Listener": listener}) == []


def test_an_expression_without_a_metric_is_none() -> None:
    queries = [{"Id": "a", "Expression": "b + c"}, {"Id": "b", "MetricStat": {"Metric": OPEN, "Stat": "Sum"}}, OPEN]
    assert found("DR-CLOUDWATCH-07", {"Alarm": resource("AWS::CloudWatch::Alarm", Metrics=queries)}) == []


def test_a_pattern_of_details_alone_is_not_judged_by_type() -> None:
    rule = resource("AWS::Events::Rule", EventPattern={"source": ["aws.ecs"], "detail": {"zzz": ["x"]}})
    assert found("DR-EVENTS-01", {"Rule": rule}) == []
