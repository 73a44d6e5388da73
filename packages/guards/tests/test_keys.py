"""Every row of the table of who uses a topic's, queue's or log group's key: silent where admitted, found where not."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.facts import facts
from guards_testing.build import document, put, resource
from guards_testing.judge import found as judged

USERS = facts("key_users")
PUBLISHERS = [(row, path) for row in USERS["messages"]["publishers"] for path in row["paths"]]
RULES = {"cloudwatch": "DR-SNS-01", "events": "DR-SNS-05"}
BROKEN: dict[str, dict[str, Any]] = {
    "principal": {"Principal": {"Service": "other.amazonaws.com"}},
    "Decrypt": {"Action": "kms:GenerateDataKey*"},
    "GenerateDataKey": {"Action": "kms:Decrypt"},
}


def key(*statements: dict[str, Any]) -> dict[str, Any]:
    return resource("AWS::KMS::Key", KeyPolicy=document(*statements))


def use(service: str, actions: list[str], **changes: Any) -> dict[str, Any]:
    principal = {"Service": f"{service}.amazonaws.com"}
    return {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*", **changes}


@pytest.mark.parametrize(("row", "path"), PUBLISHERS, ids=[f"{row['type']}-{path}" for row, path in PUBLISHERS])
def test_a_key_admits_each_service_that_publishes(row: dict[str, Any], path: str) -> None:
    queue = "Queue" in path or "Endpoint" in path or "dead" in path.lower()
    target = resource("AWS::SQS::Queue" if queue else "AWS::SNS::Topic", KmsMasterKeyId={"Ref": "Key"})
    resources = {"Target": target, "Source": resource(row["type"])}
    put(resources["Source"]["Properties"], path, {"Fn::GetAtt": ["Target", "Arn"]} if queue else {"Ref": "Target"})
    rule, actions = RULES.get(row["service"], "DR-SNS-07"), ["kms:Decrypt", "kms:GenerateDataKey*"]
    whole = use(row["service"], actions)
    assert judged(rule, {**resources, "Key": key(whole)}) == []
    assert judged(rule, {**resources, "Key": key()})
    assert judged(rule, {**resources, "Key": key(whole, {**whole, "Effect": "Deny"})})
    for part, changes in BROKEN.items():
        assert judged(rule, {**resources, "Key": key({**whole, **changes})}), part


@pytest.mark.parametrize(
    ("operator", "name", "found"),
    [
        ("ArnLike", "/app/*", 0),
        ("ArnEquals", "/app/x", 0),
        ("ArnLike", "/other/*", 1),
        ("StringEquals", "/app/xy", 1),
        ("StringNotLike", "/other", 0),
        ("Null", "/app/x", 0),
    ],
)
def test_the_encryption_context_of_a_log_group_is_its_arn(operator: str, name: str, found: int) -> None:
    arn = {"Fn::Sub": f"arn:aws:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:{name}"}
    condition = {operator: {"kms:EncryptionContext:aws:logs:arn": "false" if operator == "Null" else arn}}
    group = resource("AWS::Logs::LogGroup", LogGroupName="/app/x", KmsKeyId={"Fn::GetAtt": ["Key", "Arn"]})
    statement = use("logs", USERS["logs"]["actions"], Condition=condition)
    assert len(judged("DR-LOGS-01", {"Group": group, "Key": key(statement)})) == found
