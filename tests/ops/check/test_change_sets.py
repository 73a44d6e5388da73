"""What a change set that is already made says, with those of nested stacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops.check.changes import CHANGE_SET_CALL, of_change_set
from ops.preflight.account import Account, Ask, CouldNotAsk
from tests.ops.preflight.cases import Session, refuse

TABLE, BUCKET, VPC, STACK = (
    "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::CloudFormation::Stack",
)  # fmt: skip


def _set_of(*changes: dict[str, Any]) -> dict[str, Any]:
    base = {"ChangeSetName": "c", "StackName": "Breakwater-dev", "Status": "CREATE_COMPLETE"}
    return {**base, "Changes": [{"Type": "Resource", "ResourceChange": each} for each in changes]}


NESTED_SET = "arn:aws:cloudformation:us-east-1:111111111111:changeSet/n/1"


def _resource(action: str, name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}


_KEY = [{"Target": {"Attribute": "Properties", "Name": "KeySchema"}}]
SETS = {
    "run-1": _set_of(
        _resource("Modify", "Storage", STACK, Replacement="False", ChangeSetId=NESTED_SET),
        _resource("Remove", "Old", STACK, PolicyAction="Delete"),
        _resource("Add", "Topic", "AWS::SNS::Topic"),
    ),
    NESTED_SET: _set_of(
        _resource("Modify", "Table", TABLE, Replacement="True", PolicyAction="ReplaceAndRetain", Details=_KEY),
        _resource("Remove", "Log", BUCKET, PolicyAction="Retain"),
        _resource("Remove", "Data", BUCKET),
        _resource("Remove", "Reader", "AWS::RDS::DBInstance"),
        _resource("Modify", "Role", "AWS::IAM::Role", Replacement="Conditional"),
        _resource("Modify", "Alarm", "AWS::CloudWatch::Alarm", Replacement="False"),
    ),
}


def test_a_change_set_is_read_with_those_of_its_nested_stacks() -> None:
    asked: list[dict[str, Any]] = []

    def answer(**given: Any) -> dict[str, Any]:
        asked.append(given)
        return SETS[given["ChangeSetName"]]

    ask = Ask(Account("us-east-1", Session({CHANGE_SET_CALL: answer})), (CHANGE_SET_CALL,))
    found = {each.where: each for each in of_change_set(ask, "Breakwater-dev", "run-1")}
    assert {where: (str(each.action), str(each.status), each.old) for where, each in found.items()} == {
        "Breakwater-dev/Old": ("remove", "fail", "deleted"),
        "Breakwater-dev/Topic": ("add", "pass", ""),
        "Breakwater-dev/Storage/Table": ("replace", "fail", "kept"),
        "Breakwater-dev/Storage/Log": ("remove", "warn", "kept"),
        "Breakwater-dev/Storage/Data": ("remove", "fail", "deleted"),
        "Breakwater-dev/Storage/Reader": ("remove", "fail", ""),
        "Breakwater-dev/Storage/Role": ("may replace", "warn", ""),
        "Breakwater-dev/Storage/Alarm": ("change", "pass", ""),
    }
    assert found["Breakwater-dev/Storage/Table"].why == "KeySchema"
    values = {"IncludePropertyValues": True}
    assert asked == [
        {"ChangeSetName": "run-1", "StackName": "Breakwater-dev", **values},
        {"ChangeSetName": NESTED_SET, **values},
    ]


def test_a_change_set_that_may_not_be_read_is_not_taken_for_an_empty_one() -> None:
    answers = {CHANGE_SET_CALL: refuse("AccessDenied")}
    ask = Ask(Account("us-east-1", Session(answers)), (CHANGE_SET_CALL,))
    with pytest.raises(CouldNotAsk, match="cloudformation:DescribeChangeSet is missing"):
        list(of_change_set(ask, "Breakwater-dev", "run-1"))


def _context(policy: str | None, **properties: Any) -> str:
    return json.dumps({"Properties": properties} | ({"DeletionPolicy": policy} if policy else {}))


LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            _context("Retain", VersioningConfiguration={"Status": "Enabled"}),
            _context(None, VersioningConfiguration={"Status": "Suspended"}),
            (
                "earlier versions of objects: VersioningConfiguration.Status is Enabled, planned is Suspended; "
                "DeletionPolicy: a later removal would delete what until now would be kept outside of the stack"
            ),
        ),
        (_context("RetainExceptOnCreate"), _context("Retain"), ""),
        (_context(None, LoggingConfiguration={"a": 1}), _context(None, LoggingConfiguration=LATER), ""),
        ("", _context("Retain"), ""),
    ],
)
def test_a_change_set_with_values_says_what_it_weakens(before: str, after: str, told: str) -> None:
    change = _resource("Modify", "Data", BUCKET, Replacement="False", BeforeContext=before, AfterContext=after)
    ask = Ask(Account("us-east-1", Session({CHANGE_SET_CALL: _set_of(change)})), (CHANGE_SET_CALL,))
    (found,) = of_change_set(ask, "Breakwater-dev", "run-1")
    assert (found.weakened, str(found.action)) == (told, "weaken" if told else "change")
