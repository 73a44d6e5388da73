"""Every row of the tables of order: found where nothing makes a resource wait, silent where something does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from breakwater_guards.facts import facts
from guards_testing.build import document, put, resource
from guards_testing.judge import found

ORDER = facts("order")
REF = {"Ref": "Target"}


def through(path: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the properties that hold a path, and the resources that it leads through."""
    first, _, rest = path.partition(">")
    between: dict[str, Any] = {}
    if rest:
        name = f"Between{rest.count('>')}"
        inner, between = through(rest, value)
        between[name] = resource("AWS::Test::Between", **inner)
        value = {"Ref": name}
    properties: dict[str, Any] = {}
    put(properties, first, value)
    return properties, between


def started(row: dict[str, Any], path: str, value: Any, kind: str) -> dict[str, Any]:
    properties, between = through(path, value)
    if "when" in row and row["when"] != path:
        put(properties, row["when"], row.get("is", {"Ref": "Open"}))
    return {**between, "Later": resource(kind, **properties)}


def judge(resources: dict[str, Any], rule: str = "DR-ORDER-01") -> list[str]:
    return found(rule, resources)


def waits(resources: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**resources, "Later": {**resources["Later"], "DependsOn": list(names)}}


@pytest.mark.parametrize("row", ORDER["pairs"], ids=lambda row: f"{row['later']}-{row['path']}-{row['first']}")
def test_what_is_needed_comes_first(row: dict[str, Any]) -> None:
    by, _ = through(row["by"], REF)
    target = {"Target": resource("AWS::Test::Thing"), "First": resource(row["first"], **by)}
    kind = row["later"].replace("*", "Thing")
    resources = {**target, **started(row, row["path"], REF, kind)}
    assert len(judge(resources)) == 1
    assert judge(waits(resources, "First")) == []
    assert judge(resources, "DR-ORDER-03") == []
    more = waits({**resources, "Second": resource(row["first"], **by)}, "Second")
    assert len(judge(more)) == (0 if row.get("one") else 1)
    circular = {**resources, "First": {**resources["First"], "DependsOn": "Later"}}
    assert judge(circular) == []
    assert len(judge(circular, "DR-ORDER-03")) == 1
    if "when" in row:
        without = {**resources, **started({}, row["path"], REF, kind)}
        assert judge(without) == []


@pytest.mark.parametrize("row", ORDER["anywhere"], ids=lambda row: row["later"])
def test_what_the_account_needs_comes_first(row: dict[str, Any]) -> None:
    def first(service: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "logs:*"}
        return resource(row["first"], PolicyDocument=json.dumps(document(statement)))

    resources = {**started(row, row["when"], {"Ref": "Open"}, row["later"]), "First": first(row.get("service", "any"))}
    assert len(judge(resources)) == 1
    assert judge(waits(resources, "First")) == []
    assert len(judge({**resources, "First": first("other")})) == (0 if "service" in row else 1)
    assert judge({**resources, "Later": resource(row["later"])}) == []


@pytest.mark.parametrize("row", ORDER["named"], ids=lambda row: f"{row['later']}-{row['path']}")
def test_what_is_named_by_text_comes_first(row: dict[str, Any]) -> None:
    for kind in row["first"]:
        name = facts("arns")["types"][kind]["name"]
        resources = {**started(row, row["path"], "x/orders", row["later"]), "First": resource(kind, **{name: "orders"})}
        assert len(judge(resources)) == 1
        assert judge(waits(resources, "First")) == []
        assert judge({**resources, "First": resource(kind, **{name: "other"})}) == []
        assert judge({**resources, **started(row, row["path"], {"Fn::Sub": "${First}"}, row["later"])}) == []


@pytest.mark.parametrize("row", ORDER["roles"], ids=lambda row: f"{row['user']}-{row['path']}")
def test_the_policies_of_a_role_come_first(row: dict[str, Any]) -> None:
    kind = row["user"].replace("*", "Thing")
    statement = {"Effect": "Allow", "Action": row.get("actions", ["*"]), "Resource": "*"}
    policy = resource("AWS::IAM::Policy", PolicyDocument=document(statement), Roles=[{"Ref": "Target"}])
    resources = {
        "Target": resource("AWS::IAM::Role"),
        "First": policy,
        **started(row, row["path"], {"Fn::GetAtt": ["Target", "Arn"]}, kind),
    }
    assert len(judge(resources, "DR-ORDER-02")) == 1
    assert judge(waits(resources, "First"), "DR-ORDER-02") == []
    other = {**statement, "Action": "xray:PutTraceSegments"}
    told = judge(
        {**resources, "First": {**policy, "Properties": {**policy["Properties"], "PolicyDocument": document(other)}}},
        "DR-ORDER-02",
    )
    assert len(told) == (1 if row.get("actions") == ["*"] else 0)
    if "when" in row:
        without = {**resources, **started({}, row["path"], {"Fn::GetAtt": ["Target", "Arn"]}, kind)}
        assert judge(without, "DR-ORDER-02") == []


@pytest.mark.parametrize("row", ORDER["alike"], ids=lambda row: row["later"])
def test_what_names_the_same_thing_comes_first(row: dict[str, Any]) -> None:
    def named(kind: str, **more: Any) -> dict[str, Any]:
        return resource(kind, **{**{name: {"Fn::Sub": "x/${Open}"} for name in row["same"]}, **more})

    resources = {"First": named(row["first"]), "Later": named(row["later"])}
    assert len(judge(resources)) == 1
    assert judge(waits(resources, "First")) == []
    for name in row["same"]:
        assert judge({**resources, "First": named(row["first"], **{name: "other"})}) == []
        assert judge({key: resource(item["Type"], **{name: {"Ref": "Open"}}) for key, item in resources.items()}) == []
    assert judge({"Later": resources["Later"]}) == []
