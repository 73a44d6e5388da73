"""Spelling: two strings that no template determines are the same when they are made of the same parts."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.spelling import spelled
from guards_testing.build import nested, resource, template

CHILD = template(
    {"R": resource()},
    Parameters={"In": {"Type": "String"}, "Own": {"Type": "String"}, "Fixed": {"Type": "String", "Default": "fixed"}},
    Outputs={"Out": {"Value": {"Fn::Sub": "${In}-out"}}, "Broken": "text"},
)
TOP = template(
    {"Child": nested("child.json", In={"Ref": "Name"}), "R": resource()},
    Parameters={"Name": {"Type": "String"}},
    Mappings={"M": {"a": {"b": "mapped"}}},
)
MODEL = Assembly({"top.json": TOP, "child.json": CHILD})
NAME = ("parameter", "top.json", "Name")


def of_top(raw: Any) -> Any:
    return spelled(MODEL.templates["top.json"], raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("text", ("text",)),
        (5, ("5",)),
        ({"Ref": "Name"}, (NAME,)),
        ({"Ref": "R"}, (("ref", "top.json", "R"),)),
        ({"Ref": 5}, None),
        ({"Fn::GetAtt": ["R", "Arn"]}, (("attribute", "top.json", "R", "Arn"),)),
        ({"Fn::GetAtt": "R.Arn"}, (("attribute", "top.json", "R", "Arn"),)),
        ({"Fn::GetAtt": ["Child", "Outputs.Out"]}, (NAME, "-out")),
        ({"Fn::GetAtt": ["Child", "Outputs.Broken"]}, None),
        ({"Fn::Join": [".", ["a", {"Ref": "Name"}, "b"]]}, ("a.", NAME, ".b")),
        ({"Fn::Join": [".", {"Ref": "Name"}]}, None),
        ({"Fn::Join": [".", ["a", {"Fn::ImportValue": "x"}]]}, None),
        ({"Fn::Sub": "${Name}.${!Literal}.${R.Arn}"}, (NAME, ".${Literal}.", ("attribute", "top.json", "R", "Arn"))),
        ({"Fn::Sub": ["a${V}", {"V": {"Ref": "Name"}}]}, ("a", NAME)),
        ({"Fn::Sub": {"Ref": "Name"}}, None),
        ({"Fn::FindInMap": ["M", "a", "b"]}, ("mapped",)),
        ({"Fn::ImportValue": "x"}, None),
        (["a"], None),
        ({"a": 1, "b": 2}, None),
    ],
    ids=str,
)
def test_what_a_string_is_made_of(raw: Any, expected: Any) -> None:
    assert of_top(raw) == expected


def test_a_parameter_of_a_nested_stack_is_what_the_parent_passes_or_its_own() -> None:
    child = MODEL.templates["child.json"]
    assert spelled(child, {"Ref": "In"}) == (NAME,)
    assert spelled(child, {"Ref": "Own"}) == (("parameter", "child.json", "Own"),)
    assert spelled(child, {"Ref": "Fixed"}) == ("fixed",)


def test_endless_and_huge_strings_are_not_certain() -> None:
    deep: Any = "x"
    for _ in range(50):
        deep = {"Fn::Join": ["", [deep]]}
    assert of_top(deep) is None
    assert of_top({"Fn::Join": ["-", [{"Ref": "Name"}] * 300]}) is None
    assert of_top({"Fn::Join": ["-", ["x" * 5000, "y"]]}) is None
