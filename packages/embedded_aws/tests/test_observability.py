"""CloudWatch: composite alarms change state with their children; metric-math alarms are kept whole."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing import Deploy

pytestmark = pytest.mark.emulator


def composite(rule: str) -> dict[str, Any]:
    single = {
        "AlarmName": "child",
        "Namespace": "Test",
        "MetricName": "Errors",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 0,
    }
    return {
        "Child": {"Type": "AWS::CloudWatch::Alarm", "Properties": single},
        "Both": {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            "Properties": {"AlarmName": "both", "AlarmRule": rule},
            "DependsOn": "Child",
        },
    }


def test_a_composite_alarm_follows_its_child(aws: Aws, deploy: Deploy) -> None:
    cloudwatch = aws("cloudwatch")
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Both", "Arn"]}}}
    made = deploy({"Resources": composite("ALARM(child)"), "Outputs": outputs})
    assert made.outputs["Arn"] == "arn:aws:cloudwatch:us-east-1:000000000000:alarm:both"

    def state() -> str:
        found = cloudwatch.describe_alarms(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        return str(found[0]["StateValue"])

    cloudwatch.set_alarm_state(AlarmName="child", StateValue="ALARM", StateReason="test")
    assert state() == "ALARM"
    assert deploy(composite("NOT ALARM(child)")).status == "UPDATE_COMPLETE"
    assert state() == "OK"

    without = composite("")
    del without["Both"]
    deploy(without)
    assert cloudwatch.describe_alarms(AlarmNames=["both"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"] == []


def metric_math(expression: str) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "Test", "MetricName": "Errors"}, "Period": 60, "Stat": "Sum"}
    properties = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": "1",
        "Threshold": "0",
        "Metrics": [
            {"Id": "rate", "Expression": expression, "ReturnData": True},
            {"Id": "errors", "MetricStat": stat, "ReturnData": False},
        ],
    }
    return {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}


def test_a_metric_math_alarm_keeps_its_queries(aws: Aws, deploy: Deploy) -> None:
    for expression in ("errors * 2", "errors * 3"):
        name = deploy(metric_math(expression)).physical_ids["Alarm"]
        found = aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        assert [query.get("Expression") for query in found["Metrics"]] == [expression, None]
        assert found["Metrics"][1]["MetricStat"]["Stat"] == "Sum"
        assert found["Threshold"] == 0
