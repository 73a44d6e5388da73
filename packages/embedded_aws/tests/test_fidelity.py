"""The list of types: complete for the dev app, each type deployable and verified, everything else refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws import fidelity
from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.fidelity import Level
from embedded_aws.resolve import Scope
from embedded_aws.verify import checks_of, verified_types
from embedded_testing import Deploy
from embedded_testing.stack import exists
from ops.local.report import fidelity_markdown
from ops.local.workspace import REPOSITORY
from tests.assembly import Assembly

# Types of the bootstrap stack alone, which CDK makes and nothing here verifies.
BOOTSTRAP_ONLY = {"AWS::ECR::Repository", "AWS::SSM::Parameter"}
ALARM = {
    "AlarmName": "listed",
    "Namespace": "Test",
    "MetricName": "Errors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Threshold": 0,
}
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
# What is listed and not in the dev app.
OTHERS: dict[str, Any] = {
    "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": ALARM},
    "Any": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {"AlarmName": "any", "AlarmRule": "ALARM(listed)", "AlarmActions": [{"Ref": "Topic"}]},
        "DependsOn": "Alarm",
    },
    "Experiment": {
        "Type": "AWS::FIS::ExperimentTemplate",
        "Properties": {
            "Description": "listed",
            "RoleArn": "arn:aws:iam::000000000000:role/fis",
            "StopConditions": [{"Source": "none"}],
            "Targets": {},
            "Tags": {},
        },
    },
    "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}},
    "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": DOCUMENT}},
    "Repository": {"Type": "AWS::ECR::Repository"},
    "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/listed", "Type": "String", "Value": "1"}},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Subscription": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "oncall@mycompany.com"},
    },
}


def types_of(dev: Assembly) -> set[str]:
    return {each["Type"] for template in dev.templates.values() for each in template.resources.values()}


def test_every_type_of_the_dev_app_is_listed(dev: Assembly) -> None:
    assert types_of(dev) - fidelity.load().keys() == set()


def test_every_listed_type_is_deployed_by_a_test(dev: Assembly) -> None:
    """The dev app is deployed by test_dev_app, the others below."""
    assert types_of(dev) | {each["Type"] for each in OTHERS.values()} == set(fidelity.load())


def test_every_listed_type_is_verified() -> None:
    assert verified_types() | BOOTSTRAP_ONLY == set(fidelity.load())


def test_the_list_is_in_order_and_each_entry_is_one_sentence() -> None:
    entries = fidelity.load()
    assert list(entries) == sorted(entries)
    for name, entry in entries.items():
        assert entry.cannot_prove.endswith("."), name
        assert len(entry.cannot_prove) <= 120, name


def test_the_documentation_has_the_whole_list() -> None:
    assert fidelity_markdown(fidelity.load()) in Path(REPOSITORY / "docs" / "local.md").read_text()


@pytest.mark.emulator
def test_every_other_listed_type_deploys_and_is_what_it_declares(aws: Aws, deploy: Deploy) -> None:
    made = deploy(OTHERS)
    assert made.status == "CREATE_COMPLETE"
    scope = Scope({"Resources": OTHERS}, {}, made.physical_ids, {}, [])
    for logical_id, declared in OTHERS.items():
        if declared["Type"] not in BOOTSTRAP_ONLY:
            properties = scope.resolve(declared.get("Properties", {}))
            physical_id = made.physical_ids[logical_id]
            resource = Resource("root", logical_id, declared["Type"], properties, physical_id, "CREATE_COMPLETE")
            checks = list(checks_of(aws, resource))
            assert checks, logical_id
            assert [check for check in checks if not check.passed] == []
            gone = replace(resource, physical_id=f"{physical_id}-gone")
            if fidelity.load()[declared["Type"]].level is not Level.METADATA:
                assert not all(check.passed for check in checks_of(aws, gone)), logical_id


@pytest.mark.emulator
@pytest.mark.parametrize("unknown", ["AWS::No::Such", "AWS::Kinesis::Stream"])
def test_a_root_stack_with_a_type_that_is_not_listed_is_refused(deploy: Deploy, unknown: str) -> None:
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        deploy({"Topic": {"Type": "AWS::SNS::Topic"}, "Unknown": {"Type": unknown}})


@pytest.mark.emulator
def test_a_custom_resource_in_a_root_stack_fails_and_rolls_back(aws: Aws, deploy: Deploy, stack_name: str) -> None:
    custom = {"Type": "Custom::Anything", "Properties": {"ServiceToken": "any"}, "DependsOn": "Topic"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "rolled-back"}}
    assert deploy({"Topic": topic, "Custom": custom}).status == "ROLLBACK_COMPLETE"
    assert exists(aws, stack_name)
    arns = [each["TopicArn"] for each in aws("sns").list_topics()["Topics"]]
    assert not [arn for arn in arns if arn.endswith(":rolled-back")]
