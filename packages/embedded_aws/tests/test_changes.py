"""What a deployment changed is told stack by stack, and no more than that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.changes import Change, StackState, between, snapshot
from embedded_testing.cloudformation import MORNING, NOON, FakeCloudFormation

NESTED = {
    "Type": "AWS::CloudFormation::Stack",
    "Properties": {"TemplateURL": "one"},
    "Metadata": {"aws:cdk:path": "Root/Database.NestedStack/Database.NestedStackResource"},
}


def state(touched: str, resources: dict[str, Any] | None = None, **parameters: str) -> StackState:
    return StackState(touched, resources or {}, parameters)


def thing(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Test::Thing", "Properties": properties}


def test_a_snapshot_has_the_root_and_what_is_nested_in_it() -> None:
    nested = {"LogicalResourceId": "Nested", "ResourceType": NESTED["Type"], "PhysicalResourceId": "child"}
    plain = {"LogicalResourceId": "Topic", "ResourceType": "AWS::SNS::Topic", "PhysicalResourceId": "arn"}
    parameters = [{"ParameterKey": "Size", "ParameterValue": "2"}]
    cloudformation = FakeCloudFormation(
        {"Root": {}, "child": {"LastUpdatedTime": NOON, "Parameters": parameters}},
        resources={"Root": [plain, nested]},
        templates={"Root": {"Resources": {"Nested": NESTED}}, "child": json.dumps({"Resources": {"A": thing()}})},
    )
    assert snapshot(cloudformation, "Root") == {
        "Root": state(str(MORNING), {"Nested": NESTED}),
        "Database": state(str(NOON), {"A": thing()}, Size="2"),
    }


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"])
def test_what_is_not_deployed_has_no_snapshot(status: str) -> None:
    assert snapshot(FakeCloudFormation({"Root": {"StackStatus": status}}), "Root") == {}
    assert snapshot(FakeCloudFormation({}), "Root") == {}


def test_another_error_than_a_missing_stack_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_request: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    monkeypatch.setattr(FakeCloudFormation, "describe_stacks", refuse)
    with pytest.raises(ClientError, match="AccessDenied"):
        snapshot(FakeCloudFormation({"Root": {}}), "Root")


def test_what_differs_is_named() -> None:
    before = {
        "Root": state("8"),
        "Database": state("8", {"Cluster": thing(Max=2, Kept=1), "Old": thing()}, Size="1"),
        "Compute": state("8", {"Service": thing()}),
        "Gone": state("8"),
    }
    after = {
        "Root": state("9"),
        "Database": state("9", {"Cluster": {**thing(Max=4, Kept=1), "DependsOn": "New"}, "New": thing()}, Size="2"),
        "Compute": state("8", {"Service": thing()}),
        "Added": state("9"),
    }
    assert list(between(before, after)) == [
        Change("Gone", "removed"),
        Change("Database", "updated", ("Cluster: Max, DependsOn", "+ New", "- Old", "parameter Size")),
        Change("Added", "created"),
    ]


def test_a_root_that_only_points_to_another_template_has_not_changed() -> None:
    moved = {**NESTED, "Properties": {"TemplateURL": "two"}}
    before, after = {"Root": state("8", {"Nested": NESTED})}, {"Root": state("9", {"Nested": moved})}
    assert list(between(before, after)) == []


def test_a_nested_stack_that_was_touched_is_told_even_if_nothing_in_it_differs() -> None:
    before = {"Root": state("8"), "Compute": state("8")}
    after = {"Root": state("8"), "Compute": state("9")}
    assert list(between(before, after)) == [Change("Compute", "updated")]
