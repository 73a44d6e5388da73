"""Intrinsic functions: resolved as far as the templates allow, unknown beyond, never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.resolve import MAX_OPTIONS
from breakwater_guards.model.values import ABSENT, MAX_TEXT, UNKNOWN, Opaque, Reference, Text, is_known, text_of
from guards_testing.build import model, nested, one, resource, template

PARAMETERS = {
    "Name": {"Type": "String", "Default": "main"},
    "Open": {"Type": "String"},
    "Count": {"Type": "Number", "Default": 3},
    "Flag": {"Type": "String", "Default": True},
    "Zones": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
    "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
    "Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/aws/service/x"},
    "Odd": "no mapping",
}
MAPPINGS = {"Sizes": {"main": {"cpu": "256", "8": "eight", "none": None}, "odd": "text"}}
REGION = Opaque("region", "")
ME = Reference("template", "R")

VALUES: dict[str, tuple[Any, Any]] = {
    "literal": ("x", "x"),
    "null": (None, UNKNOWN),
    "ref to a default": ({"Ref": "Name"}, "main"),
    "ref to a list": ({"Ref": "Zones"}, ["a", "b", "c"]),
    "ref without default": ({"Ref": "Open"}, UNKNOWN),
    "ref to a list without default": ({"Ref": "Subnets"}, UNKNOWN),
    "ref to an SSM parameter": ({"Ref": "Image"}, UNKNOWN),
    "ref to a parameter that is no mapping": ({"Ref": "Odd"}, UNKNOWN),
    "ref to a resource": ({"Ref": "R"}, ME),
    "ref to nothing": ({"Ref": "Nothing"}, UNKNOWN),
    "ref to no text": ({"Ref": ["Name"]}, UNKNOWN),
    "no value": ({"Ref": "AWS::NoValue"}, ABSENT),
    "region": ({"Ref": "AWS::Region"}, REGION),
    "partition": ({"Ref": "AWS::Partition"}, Opaque("AWS::Partition", "")),
    "stack name": ({"Ref": "AWS::StackName"}, Opaque("AWS::StackName", "template")),
    "attribute": ({"Fn::GetAtt": ["R", "Arn"]}, Reference("template", "R", "Arn")),
    "attribute with dots": ({"Fn::GetAtt": ["R", "Endpoint.Port"]}, Reference("template", "R", "Endpoint.Port")),
    "attribute as text": ({"Fn::GetAtt": "R.Endpoint.Port"}, Reference("template", "R", "Endpoint.Port")),
    "attribute named by a parameter": ({"Fn::GetAtt": ["R", {"Ref": "Name"}]}, Reference("template", "R", "main")),
    "attribute named by the unknown": ({"Fn::GetAtt": ["R", {"Ref": "Open"}]}, UNKNOWN),
    "attribute of nothing": ({"Fn::GetAtt": ["Nothing", "Arn"]}, UNKNOWN),
    "attribute without a name": ({"Fn::GetAtt": "R"}, UNKNOWN),
    "attribute of a mapping": ({"Fn::GetAtt": {"a": 1}}, UNKNOWN),
    "sub": ({"Fn::Sub": "${Name}-${Count}-${Flag}"}, "main-3-true"),
    "sub with spaces": ({"Fn::Sub": "${ Name }"}, "main"),
    "sub of a literal": ({"Fn::Sub": "${!Name}"}, "${Name}"),
    "sub of nothing": ({"Fn::Sub": "plain"}, "plain"),
    "sub of empty text": ({"Fn::Sub": ""}, ""),
    "sub with variables": ({"Fn::Sub": ["${A}${A}", {"A": {"Ref": "Name"}}]}, "mainmain"),
    "sub of an attribute": ({"Fn::Sub": "${R.Arn}/*"}, Text((Reference("template", "R", "Arn"), "/*"))),
    "sub of one resource": ({"Fn::Sub": "${R}"}, ME),
    "sub of the unknown": ({"Fn::Sub": "a-${Open}"}, Text(("a-", UNKNOWN))),
    "sub of a list": ({"Fn::Sub": "a-${Zones}"}, Text(("a-", UNKNOWN))),
    "sub with text left open": ({"Fn::Sub": "${Name"}, "${Name"),
    "sub of a number": ({"Fn::Sub": 5}, UNKNOWN),
    "sub of a long list": ({"Fn::Sub": ["a", {}, 3]}, UNKNOWN),
    "join": ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, 1.5]]}, "a-main-1.5"),
    "join of no value": ({"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a-b"),
    "join of a parameter": ({"Fn::Join": ["/", {"Ref": "Zones"}]}, "a/b/c"),
    "join of nothing": ({"Fn::Join": ["/", []]}, ""),
    "join of the unknown": ({"Fn::Join": ["/", {"Ref": "Subnets"}]}, UNKNOWN),
    "join of partly unknown": ({"Fn::Join": [":", ["arn", {"Ref": "AWS::Region"}]]}, Text(("arn:", REGION))),
    "join of a mapping": ({"Fn::Join": {"a": 1}}, UNKNOWN),
    "join with a computed separator": ({"Fn::Join": [{"Ref": "Name"}, ["a"]]}, UNKNOWN),
    "select": ({"Fn::Select": [1, ["a", "b"]]}, "b"),
    "select by text": ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "b"),
    "select a zone": ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, Opaque("zone", "#1")),
    "select beyond the end": ({"Fn::Select": [2, ["a"]]}, UNKNOWN),
    "select just beyond the end": ({"Fn::Select": [1, ["a"]]}, UNKNOWN),
    "select the first": ({"Fn::Select": [0, ["a"]]}, "a"),
    "select before the beginning": ({"Fn::Select": [-1, ["a"]]}, UNKNOWN),
    "select by a truth": ({"Fn::Select": [True, ["a", "b"]]}, UNKNOWN),
    "select by a superscript": ({"Fn::Select": ["²", ["a", "b", "c"]]}, UNKNOWN),
    "select by a huge number": ({"Fn::Select": ["9" * 9999, ["a"]]}, UNKNOWN),
    "select where items may vanish": ({"Fn::Select": [1, [{"Ref": "AWS::NoValue"}, "a", "b"]]}, UNKNOWN),
    "select of text": ({"Fn::Select": [0, "abc"]}, UNKNOWN),
    "select without list": ({"Fn::Select": [0]}, UNKNOWN),
    "split": ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
    "split of partly unknown": (
        {"Fn::Split": [":", {"Fn::Sub": "arn:${AWS::Region}:x"}]},
        ["arn", REGION, "x"],
    ),
    "split of the unknown": ({"Fn::Split": [":", {"Ref": "Open"}]}, UNKNOWN),
    "split by nothing": ({"Fn::Split": ["", "abc"]}, UNKNOWN),
    "if without arms": ({"Fn::If": ["C"]}, UNKNOWN),
    "map": ({"Fn::FindInMap": ["Sizes", {"Ref": "Name"}, "cpu"]}, "256"),
    "map by number": ({"Fn::FindInMap": ["Sizes", "main", 8]}, "eight"),
    "map without the key": ({"Fn::FindInMap": ["Sizes", "main", "memory"]}, UNKNOWN),
    "map with a default": ({"Fn::FindInMap": ["Sizes", "main", "memory", {"DefaultValue": {"Ref": "Name"}}]}, "main"),
    "map by the unknown": ({"Fn::FindInMap": ["Sizes", {"Ref": "Open"}, "cpu"]}, UNKNOWN),
    "map that is text": ({"Fn::FindInMap": ["Sizes", "odd", "cpu"]}, UNKNOWN),
    "map of null": ({"Fn::FindInMap": ["Sizes", "main", "none"]}, UNKNOWN),
    "map without keys": ({"Fn::FindInMap": ["Sizes"]}, UNKNOWN),
    "import of nothing": ({"Fn::ImportValue": "nowhere"}, UNKNOWN),
    "import of the unknown": ({"Fn::ImportValue": {"Ref": "Open"}}, UNKNOWN),
    "output of no stack": ({"Fn::GetStackOutput": {"StackName": "x", "OutputName": "y"}}, UNKNOWN),
    "output of text": ({"Fn::GetStackOutput": "x"}, UNKNOWN),
    "zones": ({"Fn::GetAZs": ""}, Opaque("zones", "")),
    "zones of this region": ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, Opaque("zones", "")),
    "zones of a region": ({"Fn::GetAZs": "eu-west-1"}, Opaque("zones", "eu-west-1")),
    "zones of the unknown": ({"Fn::GetAZs": {"Ref": "Open"}}, UNKNOWN),
    "function that is not known": ({"Fn::Base64": "x"}, UNKNOWN),
    "mapping": ({"a": {"Ref": "Name"}, "b": [{"Ref": "AWS::NoValue"}, None]}, {"a": "main", "b": [UNKNOWN]}),
    "mapping without what has no value": ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
    "mapping with one key": ({"Statement": "x"}, {"Statement": "x"}),
}


@pytest.mark.parametrize("name", VALUES)
def test_value(name: str) -> None:
    written, expected = VALUES[name]
    found = one(written, Parameters=PARAMETERS, Mappings=MAPPINGS).get("P")
    assert found == expected
    assert type(found) is type(expected)


def test_pseudo_parameters_of_a_known_environment() -> None:
    written = {name: {"Ref": f"AWS::{name}"} for name in ("Region", "AccountId", "Partition", "URLSuffix")}
    documents = {"a": template({"R": resource(**written)})}

    def resolved(region: str) -> list[Any]:
        assembly = Assembly(documents, {"a": (region, "1" * 12)})
        return [assembly.templates["a"].resources["R"].get(name) for name in written]

    assert resolved("eu-west-1") == ["eu-west-1", "1" * 12, "aws", "amazonaws.com"]
    assert resolved("cn-north-1")[2:] == ["aws-cn", "amazonaws.com.cn"]
    assert resolved("us-gov-west-1")[2:] == ["aws-us-gov", "amazonaws.com"]


def test_both_arms_of_a_choice_count() -> None:
    written = {"Fn::If": ["C", {"Fn::If": ["D", "a", {"Ref": "AWS::NoValue"}]}, {"Ref": "Open"}]}
    found = one(written, Parameters=PARAMETERS)
    assert found.options("P") == ["a", ABSENT, UNKNOWN]
    assert found.given("P") == ["a"]
    assert found.get("P") is UNKNOWN


def test_a_choice_between_equals_is_none() -> None:
    assert one({"x": {"Fn::If": ["C", "a", "a"]}}).get("P") == {"x": "a"}
    assert one({"x": {"Fn::If": ["C", 1, True]}}).get("P") == {"x": UNKNOWN}


def test_path_goes_through_lists_choices_and_mappings() -> None:
    written = {"Fn::If": ["C", [{"K": 1}, {"K": {"Ref": "Name"}}], [{"L": 2}, "text"]]}
    found = one(written, Parameters=PARAMETERS)
    assert found.options("P[].K") == [1, "main", ABSENT, UNKNOWN]
    assert found.options("P.K") == [UNKNOWN, UNKNOWN]
    assert found.options("Q[].K") == [ABSENT]
    assert one("text").options("P[]") == [UNKNOWN]
    assert one([]).options("P[]") == []
    assert one([]).get("P[]") is UNKNOWN


def test_options_belong_to_the_caller() -> None:
    found = one("a")
    found.options("P").clear()
    assert found.options("P") == ["a"]


def test_a_macro_may_add_what_is_missing() -> None:
    found = one({"Fn::Transform": {"Name": "AWS::Include"}, "K": 1})
    assert found.options("P.K") == [1]
    assert found.options("P.L") == [UNKNOWN]


def test_attribute_beside_the_properties() -> None:
    found = Assembly.from_document(
        template({"R": {"Type": "X", "DeletionPolicy": {"Fn::If": ["C", "Retain", "Retain"]}}})
    )
    resource = found.templates["template"].resources["R"]
    assert resource.attribute("DeletionPolicy") == "Retain"
    assert resource.attribute("UpdateReplacePolicy") is ABSENT
    assert repr(resource) == "template:R"


def test_too_many_possibilities_are_unknown() -> None:
    written: Any = "0"
    for number in range(MAX_OPTIONS + 5):
        written = {"Fn::If": ["C", str(number), written]}
    assert one({"x": written}).get("P") == {"x": UNKNOWN}


def test_text_that_doubles_stays_small() -> None:
    written: Any = "x" * 1024
    for _ in range(40):
        written = {"Fn::Sub": ["${A}${A}", {"A": written}]}
    assert one(written).get("P") is UNKNOWN
    assert text_of([Text(("a", UNKNOWN)), "x" * MAX_TEXT]) is UNKNOWN


def test_nesting_beyond_the_limit_is_unknown() -> None:
    written: Any = "x"
    for _ in range(100):
        written = {"Fn::Join": ["", [written]]}
    assert one(written).get("P") is UNKNOWN


def test_parameters_that_refer_to_each_other_are_unknown() -> None:
    """Only a nested stack can close such a circle: it passes its own output back to itself."""
    inner = template(
        {"R": resource(P={"Ref": "In"})},
        Parameters={"In": {"Type": "String"}},
        Outputs={"Out": {"Value": {"Ref": "In"}}},
    )
    outer = template({"Child": nested("b", In={"Fn::GetAtt": ["Child", "Outputs.Out"]})})
    assembly = Assembly({"a": outer, "b": inner})
    assert assembly.templates["b"].resources["R"].get("P") is UNKNOWN


def test_default_may_hold_anything() -> None:
    loop = {"Type": "String", "Default": {"Ref": "Loop"}}
    assert one({"Ref": "Loop"}, Parameters={"Loop": loop}).get("P") is UNKNOWN


def test_target_of_a_value() -> None:
    assembly = model({"Fn::Sub": "arn:${R}"})
    this = assembly.templates["template"].resources["R"]
    assert assembly.target(this.get("P")) is this
    assert assembly.target(ME) is this
    assert assembly.target("R") is None
    assert assembly.target(Text((ME, ME))) is None


def test_is_known() -> None:
    assert is_known("x")
    assert is_known([])
    assert not any(map(is_known, (UNKNOWN, ABSENT, ME, REGION, Text(("a", UNKNOWN)))))
    assert repr(UNKNOWN) == "unknown"
    assert Text(("a-", ME, "-b")).known == "a-*-b"
