"""Cloud Control reads what stacks made, says what it cannot read, and changes what `cdk deploy --hotswap` changes."""

from __future__ import annotations

import json
import subprocess
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_aws.fidelity import load
from embedded_testing import Deploy, schemas
from embedded_testing.declared import KEY
from embedded_testing.refused import refused
from embedded_testing.stack import update

QUEUE = "AWS::SQS::Queue"
# Of these, `Ref` is the identifier of several parts.
REFERS = {
    "AWS::ApplicationAutoScaling::ScalableTarget", "AWS::Backup::RestoreTestingSelection", "AWS::WAFv2::WebACL",
}  # fmt: skip
TEMPLATE: dict[str, Any] = {
    "Key": {**KEY, "Properties": {**KEY["Properties"], "PendingWindowInDays": 7}},
    "Queue": {"Type": QUEUE, "Properties": {"QueueName": "cc", "VisibilityTimeout": 31, "DelaySeconds": 2}},
    "Rule": {"Type": "AWS::Events::Rule", "Properties": {"Name": "cc", "EventPattern": {"source": ["one"]}}},
    "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/cc", "RetentionInDays": 7}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": "arn:aws:iam::000000000000:role/cc",
            "Code": {"ZipFile": "def handler(event, context): return event"},
        },
    },
    "Invoke": {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {"FunctionName": {"Ref": "Function"}, "Qualifier": "$LATEST", "MaximumRetryAttempts": 1},
    },
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
    "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}},
}


def read(aws: Aws, resource_type: str, identifier: str) -> tuple[str, dict[str, Any]]:
    """Return the identifier and the properties of a resource."""
    found = aws("cloudcontrol").get_resource(TypeName=resource_type, Identifier=identifier)
    assert found["TypeName"] == resource_type
    return found["ResourceDescription"]["Identifier"], json.loads(found["ResourceDescription"]["Properties"])


def changed(aws: Aws, identifier: str, *operations: dict[str, Any], resource_type: str = QUEUE) -> dict[str, Any]:
    """Return what an update with a JSON patch ends in."""
    request = {"TypeName": resource_type, "Identifier": identifier, "PatchDocument": json.dumps(operations)}
    event: dict[str, Any] = aws("cloudcontrol").update_resource(**request)["ProgressEvent"]
    return event


def timeout(aws: Aws, url: str) -> str:
    """Return the visibility timeout of a queue."""
    found = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    return str(found["VisibilityTimeout"])


def set_timeout(value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": "/VisibilityTimeout", "value": value}


@pytest.fixture
def made(deploy: Deploy) -> dict[str, str]:
    stack = deploy(TEMPLATE)
    assert stack.status == "CREATE_COMPLETE"
    return {**stack.physical_ids, "stack": stack.name}


@pytest.mark.emulator
def test_a_resource_is_read_by_its_primary_identifier_and_listed_with_it(aws: Aws, made: dict[str, str]) -> None:
    assert read(aws, QUEUE, made["Queue"]) == (made["Queue"], TEMPLATE["Queue"]["Properties"])
    arn = f"arn:aws:events:us-east-1:000000000000:rule/{made['Rule']}"
    assert read(aws, "AWS::Events::Rule", arn) == (arn, {**TEMPLATE["Rule"]["Properties"], "Arn": arn})
    assert read(aws, "AWS::Events::Rule", made["Rule"])[0] == arn  # what the CDK CLI asks for
    both = f"{made['Function']}|$LATEST"
    assert read(aws, "AWS::Lambda::EventInvokeConfig", both)[1]["MaximumRetryAttempts"] == 1
    listed = aws("cloudcontrol").list_resources(TypeName="AWS::EC2::EIP")["ResourceDescriptions"]
    assert [each["Identifier"].partition("|eipalloc-")[0] for each in listed] == [made["Address"]]
    assert json.loads(listed[0]["Properties"])["PublicIp"] == made["Address"]


@pytest.mark.emulator
def test_what_is_written_only_is_not_read(aws: Aws, made: dict[str, str]) -> None:
    assert read(aws, "AWS::KMS::Key", made["Key"])[1].keys() == {"KeyPolicy"}
    assert read(aws, "AWS::Lambda::Function", made["Function"])[1]["Code"] == {}


@pytest.mark.emulator
def test_what_was_changed_or_deleted_beside_cloudformation_is_never_read_as_declared(
    aws: Aws, made: dict[str, str]
) -> None:
    ask = aws("cloudcontrol").get_resource
    aws("logs").put_retention_policy(logGroupName="/cc", retentionInDays=30)
    code, message = refused(lambda: ask(TypeName="AWS::Logs::LogGroup", Identifier="/cc"))
    assert code == "GeneralServiceException"
    assert "retention is 30, not 7" in message
    aws("events").delete_rule(Name=made["Rule"])
    code, message = refused(lambda: ask(TypeName="AWS::Events::Rule", Identifier=made["Rule"]))
    assert code == "ResourceNotFoundException"


@pytest.mark.emulator
def test_what_cannot_be_read_is_refused(aws: Aws, made: dict[str, str]) -> None:
    client = aws("cloudcontrol")
    for resource_type, expected in (
        ("AWS::EC2::Instance", "TypeNotFoundException"),
        ("AWS::CDK::Metadata", "UnsupportedActionException"),
        (QUEUE, "ResourceNotFoundException"),
    ):
        code, message = refused(lambda: client.get_resource(TypeName=resource_type, Identifier="not-there"))  # noqa: B023
        assert (code, resource_type in message) == (expected, True)
    for resource_type in ("AWS::EC2::Instance", "AWS::CDK::Metadata"):
        assert refused(lambda: client.list_resources(TypeName=resource_type))[0] != ""  # noqa: B023
    create = lambda: client.create_resource(TypeName=QUEUE, DesiredState="{}")  # noqa: E731
    delete = lambda: client.delete_resource(TypeName=QUEUE, Identifier=made["Queue"])  # noqa: E731
    assert refused(create)[0] == refused(delete)[0] == "UnsupportedActionException"
    assert aws("sqs").list_queues(QueueNamePrefix="cc")["QueueUrls"] == [made["Queue"]]


@pytest.mark.emulator
def test_an_update_reaches_the_service_and_is_drift_until_the_template_says_it_too(
    aws: Aws, made: dict[str, str]
) -> None:
    url, tag = made["Queue"], {"Key": "a", "Value": "b"}
    event = changed(
        aws, url, set_timeout(45), {"op": "add", "path": "/Tags", "value": []},
        {"op": "add", "path": "/Tags/-", "value": {**tag, "Value": "c"}},
        {"op": "replace", "path": "/Tags/0", "value": tag}, {"op": "remove", "path": "/DelaySeconds"},
    )  # fmt: skip
    assert (event["OperationStatus"], event["Operation"], event["Identifier"]) == ("SUCCESS", "UPDATE", url)
    asked = aws("cloudcontrol").get_resource_request_status(RequestToken=event["RequestToken"])["ProgressEvent"]
    assert asked["OperationStatus"] == "SUCCESS"
    assert (timeout(aws, url), aws("sqs").list_queue_tags(QueueUrl=url)["Tags"]["a"]) == ("45", "b")
    assert read(aws, QUEUE, url)[1] == {"QueueName": "cc", "VisibilityTimeout": 45, "Tags": [tag]}
    drift = aws("cloudformation").detect_stack_resource_drift(StackName=made["stack"], LogicalResourceId="Queue")
    assert drift["StackResourceDrift"]["StackResourceDriftStatus"] == "MODIFIED"

    properties = {**TEMPLATE["Queue"]["Properties"], "VisibilityTimeout": 46}
    template = {"Resources": {**TEMPLATE, "Queue": {"Type": QUEUE, "Properties": properties}}}
    assert update(aws, made["stack"], template) == "UPDATE_COMPLETE"
    assert read(aws, QUEUE, url)[1]["VisibilityTimeout"] == 46


@pytest.mark.emulator
def test_an_update_that_cannot_be_made_changes_nothing(aws: Aws, made: dict[str, str]) -> None:
    url = made["Queue"]
    rename = {"op": "replace", "path": "/QueueName", "value": "other"}
    code, message = refused(lambda: changed(aws, url, rename, set_timeout(45)))
    assert code == "NotUpdatableException"
    assert message == "Invalid patch update: createOnlyProperties [/properties/QueueName] cannot be updated"
    for wrong in (
        {"op": "remove", "path": "/RedrivePolicy"},
        {"op": "replace", "path": "/Tags/0", "value": {}},
        {"op": "test", "path": "/QueueName", "value": "cc"},
    ):
        assert refused(lambda: changed(aws, url, wrong))[0] == "InvalidRequestException"  # noqa: B023
    code, message = refused(lambda: changed(aws, url, set_timeout(100_000)))
    assert code == "GeneralServiceException"
    assert "VisibilityTimeout" in message
    assert timeout(aws, url) == "31"
    assert read(aws, QUEUE, url)[1]["VisibilityTimeout"] == 31


def test_identifiers_are_those_of_the_schemas(emulator_python: Path) -> None:
    program = "import json; from embedded_aws.server.cloud_control import IDENTIFIERS; print(json.dumps(IDENTIFIERS))"
    done = subprocess.run([emulator_python, "-c", program], capture_output=True, text=True, check=True)
    served: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    known = {name: schemas.listed(name, "primaryIdentifier") for name in load() if name.startswith("AWS::")}
    assert served == {name: known[name] for name in served}
    assert {name for name, parts in known.items() if len(parts) > 1} == (served.keys() | REFERS) - {"AWS::Events::Rule"}


def test_what_cannot_be_changed_in_place_is_what_the_schemas_say() -> None:
    file = files("embedded_aws") / "server" / "validation" / "create_only.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    known = {name: schemas.listed(name, "createOnlyProperties") for name in load() if name.startswith("AWS::")}
    assert table.keys() == {name for name, paths in known.items() if paths}
    for resource_type, row in table.items():
        named = [row["name"]] if "name" in row else []
        assert sorted([*row["create_only"], *named]) == sorted(known[resource_type]), resource_type
        conditional = set(schemas.listed(resource_type, "conditionalCreateOnlyProperties"))
        assert set(row.get("also", ())) <= conditional, resource_type


def test_a_name_that_is_the_identifier_and_can_be_kept_is_known_as_one() -> None:
    file = files("embedded_aws") / "server" / "validation" / "create_only.toml"
    for resource_type, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
        if len(row["create_only"]) > 1 and "name" not in row:
            (*more, identifier) = schemas.listed(resource_type, "primaryIdentifier")
            assert more or identifier not in row["create_only"], resource_type
