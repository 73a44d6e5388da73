"""The rules refuse in the embedded AWS what they refuse alone: every type, nested stacks, updates and change sets."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_aws.fidelity import load
from embedded_testing import Deploy
from embedded_testing.stack import reasons, upload

VIOLATIONS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "violations.toml").read_text(encoding="utf-8"))
# Every other type has a schema, and AWS takes no property that is not in it.
WITHOUT_SCHEMA = {"AWS::CDK::Metadata", "Custom::VpcRestrictDefaultSG"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
# What the documents of IAM, which are judged first, have to be.
SOUND: dict[str, dict[str, Any]] = {
    "AWS::IAM::Role": {"AssumeRolePolicyDocument": TRUST},
    "AWS::IAM::Policy": {"PolicyName": "one", "PolicyDocument": ALLOWED},
    "AWS::IAM::ManagedPolicy": {"PolicyDocument": ALLOWED},
}
_ALONE = """
import json, sys
from embedded_aws.server.validation import pack
found = {name: pack.find(template, {}) for name, template in json.load(sys.stdin).items()}
json.dump({name: [[each.rule, each.message] for each in findings] for name, findings in found.items()}, sys.stdout)
"""
Findings = dict[str, list[tuple[str, str]]]


def template(resource_type: str) -> dict[str, Any]:
    violation = VIOLATIONS.get(resource_type)
    unknown = {**SOUND.get(resource_type, {}), "NoSuchProperty": 1}
    properties = json.loads(violation["properties"]) if violation else unknown
    return {"Resources": {"Mine": {"Type": resource_type, "Properties": properties}}}


TYPES = sorted(load().keys() - WITHOUT_SCHEMA)


@pytest.fixture(scope="module")
def alone(emulator_python: Path) -> Findings:
    """Return what the rules find in each template without the embedded AWS around them."""
    given = json.dumps({resource_type: template(resource_type) for resource_type in TYPES})
    done = subprocess.run([emulator_python, "-c", _ALONE], input=given, capture_output=True, text=True, check=True)
    found: Findings = json.loads(done.stdout)
    return found


@pytest.mark.emulator
@pytest.mark.parametrize("resource_type", TYPES)
def test_every_type_is_refused_as_the_rules_refuse_it(
    deploy: Deploy, aws: Aws, alone: Findings, resource_type: str
) -> None:
    rule = VIOLATIONS[resource_type]["rule"] if resource_type in VIOLATIONS else "F3002"
    assert rule in {found for found, _ in alone[resource_type]}
    made = deploy(template(resource_type))
    assert made.status == "ROLLBACK_COMPLETE"
    assert f'Resource handler returned message: "{alone[resource_type][0][1]}"' in reasons(aws, made.name)


_ONCE = """
from embedded_aws.server import upstream
from embedded_aws.server.validation import pack, resources
judged = []
pack.find = lambda template, values: judged.append(template) or [pack.Finding("R1", "C", "no topic", True, False)]
upstream.stacks["one"] = {"StackStatus": "CREATE_IN_PROGRESS"}
def deploy(stack_name, *_):
    for logical_id in "ABC":
        resources._refuse("AWS::SNS::Topic", logical_id, {}, stack_name)
        print(logical_id, "made")
try:
    resources._noting(deploy)("one", "id", {}, {})
except ValueError as error:
    print(len(judged), error)
"""


def test_a_deployment_judges_its_template_once_for_all_its_resources(emulator_python: Path) -> None:
    done = subprocess.run([emulator_python, "-c", _ONCE], capture_output=True, text=True, check=True)
    *made, refused = done.stdout.splitlines()
    assert made == ["A made", "B made"]
    assert refused.startswith('1 Resource handler returned message: "no topic"')


TOPIC = {"Type": "AWS::SNS::Topic"}
BAD_TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": True, "TopicName": "one"}}


@pytest.mark.emulator
def test_a_nested_template_is_judged_when_its_stack_is_made(aws: Aws, deploy: Deploy) -> None:
    url = upload(aws, {"Resources": {"Topic": TOPIC, "Bad": {**BAD_TOPIC, "DependsOn": "Topic"}}}, key="bad")
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}, "DependsOn": "First"}
    made = deploy({"First": TOPIC, "Child": child})
    assert made.status == "ROLLBACK_COMPLETE"
    assert "The following resource(s) failed to create: [Bad]" in reasons(aws, made.name)
    url = upload(aws, {"Resources": {"Topic": {**TOPIC, "Properties": {"DisplayName": {"Ref": "Nobody"}}}}}, key="lost")
    assert aws("sns").list_topics()["Topics"] == []
    child["Properties"] = {"TemplateURL": url}
    aws("cloudformation").delete_stack(StackName=made.name)
    made = deploy({"First": TOPIC, "Child": child})
    assert made.status == "ROLLBACK_COMPLETE"
    assert "Unresolved resource dependencies [Nobody] in the Resources block" in reasons(aws, made.name)


@pytest.mark.emulator
def test_a_nested_stack_needs_what_its_parent_may(aws: Aws, stack_name: str) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": SOUND["AWS::IAM::Role"]}
    url = upload(aws, {"Resources": {"Role": role}}, key="role")
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName=stack_name, TemplateBody=json.dumps({"Resources": {"Child": child}}))
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    assert "Requires capabilities : [CAPABILITY_IAM]" in reasons(aws, stack_name)
    cloudformation.delete_stack(StackName=stack_name)


@pytest.mark.emulator
def test_an_update_is_judged_and_goes_back(aws: Aws, deploy: Deploy) -> None:
    deploy({"Topic": {**TOPIC, "Properties": {"DisplayName": "one"}}})
    changed = deploy(
        {"Topic": {**TOPIC, "Properties": {"DisplayName": "two"}}, "Bad": {**BAD_TOPIC, "DependsOn": "Topic"}}
    )
    assert changed.status == "UPDATE_ROLLBACK_COMPLETE"
    topic = aws("sns").get_topic_attributes(TopicArn=changed.physical_ids["Topic"])["Attributes"]
    assert topic["DisplayName"] == "one"
    assert deploy({"Topic": {**TOPIC, "Properties": {"DisplayName": "three"}}}).status == "UPDATE_COMPLETE"


@pytest.mark.emulator
def test_a_change_set_is_refused_when_asked_and_its_resources_when_made(aws: Aws, stack_name: str) -> None:
    cloudformation = aws("cloudformation")
    request = {"StackName": stack_name, "ChangeSetName": "one", "ChangeSetType": "CREATE"}
    lost = {"Resources": {"Topic": {**TOPIC, "Properties": {"DisplayName": {"Ref": "Nobody"}}}}}
    with pytest.raises(ClientError, match=r"Unresolved resource dependencies \[Nobody\]"):
        cloudformation.create_change_set(**request, TemplateBody=json.dumps(lost))
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=stack_name)
    cloudformation.create_change_set(**request, TemplateBody=json.dumps({"Resources": {"Bad": BAD_TOPIC}}))
    cloudformation.execute_change_set(StackName=stack_name, ChangeSetName="one")
    with pytest.raises(Exception, match="ROLLBACK_COMPLETE"):
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=stack_name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    assert "Invalid parameter: Topic Name" in reasons(aws, stack_name)
    cloudformation.delete_stack(StackName=stack_name)


def test_every_violation_is_of_a_type_that_can_be_deployed() -> None:
    assert VIOLATIONS.keys() <= load().keys()
    assert len(VIOLATIONS) >= 40
