"""Every row of the tables of callers and of users of roles: silent where access is given, found where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.facts import facts
from guards_testing.build import resource, template
from guards_testing.rules import judged

CALLERS = facts("callers")
ALLOWED = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def role(*statements: Any, service: str = "any.amazonaws.com") -> dict[str, Any]:
    trust = document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    policies = [{"PolicyName": "inline", "PolicyDocument": document(*statements)}] if statements else []
    return resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust, Policies=policies)


def put(properties: dict[str, Any], path: str, value: Any) -> None:
    """Set a property at a path; ``[]`` makes a list of one entry."""
    first, _, rest = path.partition(".")
    name, each = first.removesuffix("[]"), first.endswith("[]")
    if not rest:
        properties[name] = [value] if each else value
        return
    inner = properties.setdefault(name, [{}] if each else {})
    put(inner[0] if each else inner, rest, value)


def caller(row: dict[str, Any], target: Any, *statements: Any) -> dict[str, Any]:
    """Return the resources of a row: the source, what stands between, and a role with some statements."""
    resources: dict[str, Any] = {"Source": resource(row["source"]), "Role": role(*statements)}
    holder, at = resources["Source"]["Properties"], f"{row['each']}." if "each" in row else ""
    for path, value in ((row.get("when", ""), row.get("matching", "given")), (row["target"], target)):
        if not path or path == "@self":
            continue
        first, _, rest = path.removeprefix("@mentioned ").partition(">")
        if rest:
            resources["Between"] = resource("AWS::ECS::TaskDefinition", **{rest: value})
        put(holder, at + first, {"Ref": "Between"} if rest else value)
    if "role" in row and "service" not in row:
        first, _, rest = row["role"].partition(">")
        if rest:
            resources["Function"] = resource("AWS::Lambda::Function", Role={"Fn::GetAtt": ["Role", "Arn"]})
        given = {"Ref": "Function"} if rest else {"Fn::GetAtt": ["Role", "Arn"]}
        put(holder, first if row.get("of") or not at else at + first, given)
    return resources


def findings(resources: dict[str, Any], rule: str) -> list[str]:
    return [item.message for item in judged(template(resources), rules=[rule]).findings]


@pytest.mark.parametrize("row", CALLERS["admitted"], ids=lambda row: f"{row['source']}-{row['target']}")
def test_a_service_is_admitted_by_the_policy_of_each_kind_of_target(row: dict[str, Any]) -> None:
    for kind, actions in row["actions"].items():
        resources = {**caller(row, {"Fn::GetAtt": ["Target", "Arn"]}), "Target": resource(kind)}
        if "Bucket" in kind or kind.endswith(("Alias", "Version", "Topic")):
            put(
                resources["Source"]["Properties"],
                ".".join(filter(None, [row.get("each"), row["target"]])),
                {"Ref": "Target"},
            )
        (message,) = set(findings(resources, "DR-ACCESS-01"))
        assert actions[0].partition(" ")[0] in message
        policy = CALLERS["policy_of"][kind][0]
        path = CALLERS["policies"][policy]
        service = f"{row['service']}.amazonaws.com"
        given: dict[str, Any] = {"PolicyDocument": document({**ALLOWED, "Principal": {"Service": service}})}
        if policy == "AWS::Lambda::Permission":
            given = {"Action": "lambda:InvokeFunction", "Principal": service}
        resources["Policy"] = resource(policy, **given)
        put(resources["Policy"]["Properties"], path, {"Ref": "Target"})
        assert findings(resources, "DR-ACCESS-01") == []


@pytest.mark.parametrize(
    "row", [*CALLERS["permitted"], *CALLERS["in_vpc"]], ids=lambda row: f"{row['source']}-{row['target']}-{row['role']}"
)
def test_a_role_may_do_what_each_row_asks_for(row: dict[str, Any]) -> None:
    rule = "DR-ACCESS-04" if row in CALLERS["in_vpc"] else "DR-ACCESS-02"
    for kind, actions in row["actions"].items():
        attribute = "StreamArn" if "EventSourceArn" in row["target"] and "Dynamo" in kind else "Arn"
        target = {"Fn::GetAtt": ["Target", attribute]}
        more = {"Target": resource(kind)} if kind and row["target"] != "@self" else {}
        nothing = {"Effect": "Allow", "Action": "other:Action", "Resource": "*"}
        messages = findings({**caller(row, target, nothing), **more}, rule)
        for action in actions:
            assert any(action.partition(" ")[0].replace("|", " or ") in message for message in messages), action
        assert findings({**caller(row, target, ALLOWED), **more}, rule) == []


USERS = [(kind, path, names) for kind, paths in facts("role_users")["users"].items() for path, names in paths.items()]


@pytest.mark.parametrize(("kind", "path", "services"), USERS, ids=[f"{kind}-{path}" for kind, path, _ in USERS])
def test_a_role_is_trusted_by_each_of_its_users(kind: str, path: str, services: list[str]) -> None:
    for service, expected in (("other", 1), *((name, 0) for name in services)):
        resources = {"Role": role(service=f"{service}.amazonaws.com"), "User": resource(kind)}
        put(resources["User"]["Properties"], path, {"Fn::GetAtt": ["Role", "Arn"]})
        assert len(findings(resources, "DR-ACCESS-03")) == expected, service
