"""Names that are taken: CloudFormation does not take over what is there already."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing.stack import delete, deploy, reasons

pytestmark = pytest.mark.emulator
NAME = "taken-by-another"
TABLE = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "Replicas": [{"Region": "us-east-1"}],
}
ALARM = {"Namespace": "Test", "MetricName": "M", "Period": 60, "Statistic": "Sum", "Threshold": 1}
ALARM |= {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
PLAN = {
    "RecoveryPointSelection": {
        "Algorithm": "LATEST_WITHIN_WINDOW", "IncludeVaults": ["*"], "RecoveryPointTypes": ["SNAPSHOT"],
    },
    "ScheduleExpression": "cron(0 5 ? * SUN *)",
}  # fmt: skip
WEB_ACL = {
    "Scope": "REGIONAL",
    "DefaultAction": {"Allow": {}},
    "VisibilityConfig": {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"},
}
NAMED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "AWS::Backup::BackupVault": ("BackupVaultName", NAME, {}),
    "AWS::Backup::RestoreTestingPlan": ("RestoreTestingPlanName", "taken_by_another", PLAN),
    "AWS::CloudWatch::Alarm": ("AlarmName", NAME, ALARM),
    "AWS::CloudWatch::CompositeAlarm": ("AlarmName", NAME, {"AlarmRule": "FALSE"}),
    "AWS::CloudWatch::Dashboard": ("DashboardName", NAME, {"DashboardBody": '{"widgets": []}'}),
    "AWS::DynamoDB::GlobalTable": ("TableName", NAME, TABLE),
    "AWS::ECS::Cluster": ("ClusterName", NAME, {}),
    "AWS::Logs::LogGroup": ("LogGroupName", NAME, {}),
    "AWS::SNS::Topic": ("TopicName", NAME, {}),
    "AWS::WAFv2::WebACL": ("Name", NAME, WEB_ACL),
}


@pytest.mark.parametrize("resource_type", NAMED)
def test_a_name_that_is_taken_fails_the_creation_and_a_free_one_does_not(aws: Aws, resource_type: str) -> None:
    prop, name, properties = NAMED[resource_type]
    template = {"Resources": {"Named": {"Type": resource_type, "Properties": {**properties, prop: name}}}}
    first, second = "names-first", "names-second"
    assert deploy(aws, first, template).status == "CREATE_COMPLETE"
    assert deploy(aws, second, template).status == "ROLLBACK_COMPLETE"
    identifier = f'{{"/properties/{prop}":"{name}"}}'
    said = f"Resource of type '{resource_type}' with identifier '{identifier}' already exists."
    assert said in reasons(aws, second)
    delete(aws, second)  # deletes nothing of the first
    delete(aws, first)
    assert deploy(aws, second, template).status == "CREATE_COMPLETE"
    delete(aws, second)


def test_a_name_on_a_later_page_of_the_list_is_taken(aws: Aws) -> None:
    logs = aws("logs")
    before = [f"a-name-before-{number:02}" for number in range(60)]  # a page has 50
    for name in [*before, NAME]:
        logs.create_log_group(logGroupName=name)
    assert NAME not in {each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]}
    template = {"Resources": {"Named": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": NAME}}}}
    assert deploy(aws, "names-later", template).status == "ROLLBACK_COMPLETE"
    delete(aws, "names-later")
    for name in [*before, NAME]:
        logs.delete_log_group(logGroupName=name)
