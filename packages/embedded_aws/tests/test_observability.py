"""CloudWatch: composite alarms change state with their children; metric-math alarms are kept whole."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.parsers import QueryParser

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


def test_an_alarm_is_whole_in_the_query_protocol_too(aws: Aws) -> None:
    cloudwatch = aws("cloudwatch")
    topic = "arn:aws:sns:us-east-1:000000000000:any"
    cloudwatch.put_metric_alarm(
        AlarmName="queried",
        AlarmDescription="a < b",
        Namespace="Test",
        MetricName="Errors",
        Statistic="Sum",
        Period=60,
        Threshold=1,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "Table", "Value": "any"}],
        AlarmActions=[topic],
        OKActions=[f"{topic}-ok"],
    )
    body = {"Action": "DescribeAlarms", "Version": "2010-08-01", "AlarmNames.member.1": "queried", "MaxRecords": "10"}
    request = AWSRequest("POST", cloudwatch.meta.endpoint_url, data=body)
    SigV4Auth(cloudwatch._request_signer._credentials, "monitoring", "us-east-1").add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    shape = cloudwatch.meta.service_model.operation_model("DescribeAlarms").output_shape
    parsed = QueryParser().parse({"body": answer.content, "headers": {}, "status_code": answer.status_code}, shape)
    (found,) = parsed["MetricAlarms"]
    (expected,) = cloudwatch.describe_alarms(AlarmNames=["queried"])["MetricAlarms"]
    assert (found["AlarmActions"], found["OKActions"]) == ([topic], [f"{topic}-ok"])
    assert {key: found[key] for key in expected if "Timestamp" not in key} == {
        key: value for key, value in expected.items() if "Timestamp" not in key
    }
    assert parsed["CompositeAlarms"] == []
    cloudwatch.delete_alarms(AlarmNames=["queried"])
