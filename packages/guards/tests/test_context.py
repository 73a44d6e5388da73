"""What surrounds a value decides what it proves: conditions, macros, and which stacks are one application."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards import check
from breakwater_guards.model.applications import same_application
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import UNKNOWN, Text
from breakwater_guards.reading.assemblies import Sources, Stack
from guards_testing.build import nested, resource, template

NAME, MODE = {"Ref": "Name"}, {"Ref": "Mode"}
SECTIONS: dict[str, Any] = {
    "Parameters": {
        "Name": {"Type": "String", "Default": ""},
        "Mode": {"Type": "String", "Default": "small"},
        "List": {"Type": "CommaDelimitedList", "Default": ""},
    },
    "Conditions": {
        "Named": {"Fn::Not": [{"Fn::Equals": [NAME, ""]}]},
        "Unnamed": {"Fn::Equals": ["", NAME]},
        "Large": {"Fn::Equals": [MODE, "large"]},
        "Both": {"Fn::And": [{"Condition": "Named"}, {"Condition": "Large"}]},
        "Either": {"Fn::Or": [{"Condition": "Named"}, {"Condition": "Large"}]},
        "Listed": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "List"}]}, ""]}]},
        "Circle": {"Condition": "Circle"},
        "Odd": {"Fn::Equals": [MODE]},
    },
}


def arms(condition: Any, value: Any) -> list[Any]:
    """Return what a property can be: a value where a condition holds, and ``other`` elsewhere."""
    written = {"Fn::If": [condition, value, "other"]}
    app = Assembly.from_document(template({"R": resource(P=written)}, **SECTIONS))
    return app.templates["template"].resources["R"].options("P")


@pytest.mark.parametrize(
    ("condition", "value", "found"),
    [
        ("Named", NAME, UNKNOWN),
        ("Unnamed", NAME, ""),
        ("Large", MODE, "large"),
        ("Large", NAME, ""),
        ("Both", MODE, "large"),
        ("Both", NAME, UNKNOWN),
        ("Either", NAME, ""),
        ("Listed", {"Fn::Select": [0, {"Ref": "List"}]}, UNKNOWN),
        ("Large", {"Fn::Sub": "a-${Mode}"}, "a-large"),
        ("Large", {"Fn::Sub": ["${Mode}-${Own}", {"Own": MODE}]}, "large-large"),
        ("Large", {"Fn::Sub": ["${Mode}", {"Mode": "mine"}]}, "mine"),
        ("Large", {"Fn::Sub": ["${Mode}", 5]}, UNKNOWN),
        ("Named", {"Fn::Join": ["", ["a-", NAME]]}, Text(("a-", UNKNOWN))),
        ("Circle", NAME, ""),
        ("Odd", NAME, ""),
        ("Nowhere", NAME, ""),
        (["Named"], NAME, ""),
    ],
    ids=str,
)
def test_an_arm_relies_on_its_condition(condition: Any, value: Any, found: Any) -> None:
    assert arms(condition, value) == [found, "other"]


@pytest.mark.parametrize(("condition", "found"), [("Named", UNKNOWN), ("Unnamed", ""), ("Both", UNKNOWN)])
def test_a_conditional_resource_relies_on_its_condition(condition: str, found: Any) -> None:
    app = Assembly.from_document(template({"R": resource(P=NAME, _Condition=condition)}, **SECTIONS))
    assert app.templates["template"].resources["R"].get("P") == found


def test_the_other_arm_relies_on_the_opposite() -> None:
    written = {"Fn::If": ["Large", "a", {"Fn::If": ["Unnamed", "b", NAME]}]}
    app = Assembly.from_document(template({"R": resource(P=written)}, **SECTIONS))
    assert app.templates["template"].resources["R"].options("P") == ["a", "b", UNKNOWN]


def test_time_to_live_of_an_arm_that_takes_the_default_is_found() -> None:
    for condition, found in (("Large", ["DR-DYNAMODB-03"]), ("Named", [])):
        ttl = {"Fn::If": [condition, {"AttributeName": NAME, "Enabled": True}, {"Ref": "AWS::NoValue"}]}
        table = resource("AWS::DynamoDB::Table", TimeToLiveSpecification=ttl)
        report = check(Assembly.from_document(template({"T": table}, **SECTIONS)), rules=["DR-DYNAMODB-03"])
        assert [item.rule for item in report.findings] == found


# Macros


@pytest.mark.parametrize(
    ("sections", "changed"),
    [
        ({}, False),
        ({"Transform": "AWS::LanguageExtensions"}, False),
        ({"Transform": ["AWS::SecretsManager-2024-09-16", "AWS::Serverless-2016-10-31"]}, False),
        ({"Transform": "Mine"}, True),
        ({"Transform": ["AWS::LanguageExtensions", {"Name": "Mine"}]}, True),
        ({"Fn::Transform": {"Name": "Mine"}}, True),
    ],
    ids=str,
)
def test_a_macro_may_change_a_template_and_those_nested_in_it(sections: dict[str, Any], changed: bool) -> None:
    child = template({"R": resource()})
    app = Assembly({"top": template({"C": nested("child")}, **sections), "child": child})
    assert [may_change(item) for item in app.templates.values()] == [changed, changed]
    alone = Assembly({"top": template({"C": nested("child")}), "child": {**child, **sections}})
    assert [may_change(item) for item in alone.templates.values()] == [False, changed]


def test_serverless_resources_and_macros_among_the_resources_count() -> None:
    for resources in ({"F": resource("AWS::Serverless::Function")}, {"Fn::Transform": {"Name": "Mine"}}):
        app = Assembly.from_document(template({**resources, "R": resource()}))
        assert may_change(app.templates["template"])


@pytest.mark.parametrize(
    ("transform", "found"),
    [("AWS::LanguageExtensions", ["DR-SNS-04"]), ("Mine", []), ({"Name": {"Ref": "Mine"}}, [])],
)
def test_what_a_macro_may_add_is_not_missing(transform: Any, found: list[str]) -> None:
    target = {"Id": "topic", "Arn": {"Ref": "Topic"}}
    rule = resource("AWS::Events::Rule", EventPattern={"source": ["orders"]}, Targets=[target])
    document = template({"Topic": resource("AWS::SNS::Topic"), "Rule": rule}, Transform=transform)
    assert [item.rule for item in check(Assembly.from_document(document), rules=["DR-SNS-04"]).findings] == found


# Applications


def first(app: Assembly, key: str) -> Resource:
    """Return a resource of a template."""
    return next(iter(app.templates[key].resources.values()))


def importing(name: Any) -> dict[str, Any]:
    """Return a template that imports a name."""
    return template({"R": resource(P=[{"Fn::Join": ["", [{"Fn::ImportValue": name}]]}])})


def test_templates_that_share_exports_are_one_application() -> None:
    exporting = template({"R": resource()}, Outputs={"O": {"Value": "v", "Export": {"Name": "shared"}}})
    documents = {
        "a": exporting,
        "b": importing("shared"),
        "c": importing("elsewhere"),
        "d": importing({"Ref": "Unknown"}),
        "top": template({"C": nested("child")}),
        "child": template({"R": resource()}),
    }
    app = Assembly(documents)
    together = {key for key in documents if same_application(app.templates["a"], app.templates[key])}
    assert together == {"a", "b"}
    assert same_application(app.templates["top"], app.templates["child"])


def test_the_stacks_of_a_cloud_assembly_are_one_application() -> None:
    documents = {key: template({"R": resource()}) for key in "abc"}
    app = Assembly(documents, sources=Sources(documents, stacks={"a": Stack(name="A"), "b": Stack(name="B")}))
    assert same_application(app.templates["a"], app.templates["b"])
    assert not same_application(app.templates["a"], app.templates["c"])


@pytest.mark.parametrize("shared", [True, False])
def test_a_table_is_asked_for_a_backup_by_its_own_application_only(shared: bool) -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
    selection = resource(
        "AWS::Backup::BackupSelection",
        BackupPlanId={"Ref": "Plan"},
        BackupSelection={"Resources": [{"Fn::GetAtt": ["Mine", "Arn"]}], "SelectionName": "s"},
    )
    plans = template(
        {"Plan": resource("AWS::Backup::BackupPlan"), "Mine": table, "Selection": selection},
        Outputs={"O": {"Value": "v", "Export": {"Name": "shared"}}},
    )
    tables = importing("shared" if shared else "other")
    tables["Resources"]["Other"] = table
    found = check(Assembly({"plans": plans, "tables": tables}), rules=["DR-BACKUP-02"]).findings
    assert [item.resource for item in found] == (["Other"] if shared else [])
