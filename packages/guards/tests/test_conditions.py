"""Conditions: what holds, what cannot, and what stays open."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.conditions import Conditions
from guards_testing.build import Template, model, nested, one, resource, template
from guards_testing.families import CHILD, NO, YES, arms

OPEN: Template = {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
STAGE = {"Stage": {"Type": "String", "Default": "prod"}}
MAPS = {"Map": {"a": {"b": "prod"}}}

CONDITIONS: dict[str, tuple[Any, list[str]]] = {
    "equal": (YES, ["yes"]),
    "different": (NO, ["no"]),
    "spelled otherwise": ({"Fn::Equals": [True, "true"]}, ["yes"]),
    "number": ({"Fn::Equals": [1, "1"]}, ["yes"]),
    "map": ({"Fn::Equals": [{"Fn::FindInMap": ["Map", "a", "b"]}, "prod"]}, ["yes"]),
    "default that can be overridden": (OPEN, ["yes", "no"]),
    "resource": ({"Fn::Equals": [{"Fn::GetAtt": ["R", "Outputs.x"]}, "x"]}, ["yes", "no"]),
    "import": ({"Fn::Equals": [{"Fn::ImportValue": "x"}, "x"]}, ["yes", "no"]),
    "not": ({"Fn::Not": [YES]}, ["no"]),
    "not the open one": ({"Fn::Not": [OPEN]}, ["yes", "no"]),
    "and": ({"Fn::And": [YES, {"Condition": "Yes"}]}, ["yes"]),
    "and a false one": ({"Fn::And": [OPEN, {"Condition": "No"}]}, ["no"]),
    "and an open one": ({"Fn::And": [OPEN, YES]}, ["yes", "no"]),
    "or": ({"Fn::Or": [NO, NO]}, ["no"]),
    "or a true one": ({"Fn::Or": [OPEN, YES]}, ["yes"]),
    "or an open one": ({"Fn::Or": [OPEN, NO]}, ["yes", "no"]),
    "circle": ({"Condition": "C"}, ["yes", "no"]),
    "nothing": ({"Condition": "Nothing"}, ["yes", "no"]),
    "name that is no text": ({"Condition": ["Yes"]}, ["yes", "no"]),
    "not two": ({"Fn::Not": [YES, YES]}, ["yes", "no"]),
    "equals three": ({"Fn::Equals": ["a", "a", "a"]}, ["yes", "no"]),
    "text": ("true", ["yes", "no"]),
    "unknown function": ({"Fn::Contains": [["a"], "a"]}, ["yes", "no"]),
    "function of text": ({"Fn::And": "a"}, ["yes", "no"]),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_condition(name: str) -> None:
    condition, expected = CONDITIONS[name]
    assert arms(condition, Parameters=STAGE, Mappings=MAPS) == expected


def test_deep_conditions_stay_open() -> None:
    condition: Any = YES
    for _ in range(100):
        condition = {"Fn::Not": [condition]}
    assert arms(condition) == ["yes", "no"]
    chain = {f"C{number}": {"Condition": f"C{number + 1}"} for number in range(100)}
    assert one({"Fn::If": ["C0", 1, 2]}, Conditions={**chain, "C100": YES}).options("P") == [1, 2]


def test_what_a_parent_passes_decides_in_the_child() -> None:
    child = template({"R": resource(P={"Fn::If": ["Prod", "yes", "no"]})}, Parameters=STAGE, Conditions={"Prod": OPEN})

    def possible(**passed: Any) -> list[Any]:
        top = template({"Child": nested("child", **passed)}, Parameters={"Stage": {"Type": "String", "Default": "dev"}})
        return Assembly({"top": top, "child": child}).templates["child"].resources["R"].options("P")

    assert possible() == ["yes"], "the parent leaves the default alone"
    assert possible(Stage="dev") == ["no"]
    assert possible(Stage={"Ref": "Stage"}) == ["yes", "no"], "the root's parameter can be overridden"
    assert possible(Stage={"Fn::GetAtt": ["Child", "Outputs.x"]}) == ["yes", "no"]
    assert possible(Stage={"Fn::If": ["Nothing", "dev", "prod"]}) == ["yes", "no"]


def test_the_condition_of_a_resource_holds_in_it() -> None:
    conditions = {
        "C": {
            "Fn::And": [
                {"Condition": "D"},
                {"Fn::Not": [{"Condition": "E"}]},
                {"Fn::Not": [{"Fn::Or": [{"Condition": "F"}]}]},
            ]
        },
        "D": OPEN,
        "E": OPEN,
        "F": OPEN,
        "G": {"Fn::Or": [{"Condition": "D"}, {"Condition": "E"}]},
    }
    choices = {name: {"Fn::If": [name, True, False]} for name in "CDEFG"}
    documents = {"t": template({"R": resource(_Condition="C", **choices)}, Conditions=conditions, Parameters=STAGE)}
    found = Assembly(documents).templates["t"].resources["R"]
    assert [found.options(name) for name in "CDEFG"] == [[True], [True], [False], [False], [True]]
    other = template({"R": resource(_Condition="Nothing", **choices)}, Conditions=conditions, Parameters=STAGE)
    assert Assembly({"t": other}).templates["t"].resources["R"].options("C") == [True, False]


def test_only_what_is_certainly_not_made_is_left_out() -> None:
    conditions = {"Never": NO, "Maybe": OPEN}
    resources = {
        "Never": resource("A::B::C", _Condition="Never"),
        "Maybe": resource("A::B::C", _Condition="Maybe"),
        "Odd": resource("A::B::C", _Condition=["x"]),
    }
    documents = {"t": template(resources, Conditions=conditions, Parameters=STAGE)}
    assert [item.logical_id for item in Assembly(documents).of_type("A::B::C")] == ["Maybe", "Odd"]


def test_a_stack_that_is_not_made_makes_nothing() -> None:
    top = template({"Child": {**nested("child"), "Condition": "Never"}}, Conditions={"Never": NO})
    assert list(Assembly({"top": top, "child": CHILD}).of_type("AWS::Test::Thing")) == []


def test_output_under_its_condition() -> None:
    outputs = {"Out": {"Condition": "Maybe", "Value": {"Fn::If": ["Maybe", "a", "b"]}}}
    assembly = model("x", Outputs=outputs, Conditions={"Maybe": OPEN}, Parameters=STAGE)
    assert assembly.templates["template"].output_options("Out", 0) == ["a"]


def test_a_condition_behind_more_negations_than_are_followed_implies_nothing() -> None:
    def implied(negations: int) -> bool | None:
        condition: Any = {"Condition": "Prod"}
        for _ in range(negations):
            condition = {"Fn::Not": [condition]}
        app = model("x", Parameters=STAGE, Conditions={"Deep": condition, "Prod": OPEN})
        return Conditions(app.templates["template"]).implied_by("Deep").get("Prod")

    assert (implied(38), implied(39)) == (True, False)
    assert implied(40) is None
