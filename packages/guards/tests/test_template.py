"""A whole assembly: nested stacks, what parents pass, exports, conditions, stages."""

from __future__ import annotations

from typing import Any

import pytest

from breakwater_guards import InputError, engine
from breakwater_guards.model import assembly as assembly_module
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference
from guards_testing.build import NESTED, model, nested, resource, template
from guards_testing.families import CHILD, family, in_child


def test_parameter_that_the_parent_passes() -> None:
    assembly = family(In={"Fn::Join": ["", ["pass", "ed"]]})
    assert in_child(assembly).get("P") == "passed"
    reader = assembly.templates["top.json"].resources["Reader"]
    assert reader.get("Out") == "passed-out"
    assert reader.get("Id") == Reference("child.json", "R")
    assert reader.get("Missing") is UNKNOWN
    assert reader.get("Broken") is UNKNOWN
    assert assembly.roots == [assembly.templates["top.json"]]
    child = assembly.templates["top.json"].child("Child")
    assert child is assembly.templates["child.json"]
    assert child.parameter_value("In", 0) == "passed"
    assert child.output_value("Out", 0) == "passed-out"


def test_parameter_that_the_parent_leaves_alone() -> None:
    assert in_child(family()).get("P") == "alone"
    assert in_child(family(In={"Ref": "AWS::NoValue"})).get("P") == "alone"


def test_both_arms_reach_the_child() -> None:
    assembly = family(In={"Fn::If": ["C", "a", "b"]})
    assert in_child(assembly).options("P") == ["a", "b"]
    assert assembly.templates["child.json"].parameter_value("In", 0) is UNKNOWN
    assert assembly.templates["child.json"].output_value("Missing", 0) is UNKNOWN


@pytest.mark.parametrize("passed", [{"Fn::If": ["C", {"In": "a"}, {}]}, "text", None])
def test_parameters_that_are_no_mapping_are_unknown(passed: Any) -> None:
    top = template({"Child": resource(NESTED, TemplateURL="child.json", Parameters=passed)})
    assert in_child(Assembly({"top.json": top, "child.json": CHILD})).get("P") is UNKNOWN


def test_parameters_that_a_macro_may_add_are_unknown() -> None:
    parameters: dict[str, Any] = {"Fn::Transform": {"Name": "AWS::Include"}, "List": "a"}
    assembly = family(**parameters)
    assert in_child(assembly).get("P") is UNKNOWN


def test_lists_travel_as_text() -> None:
    child = template({"R": resource(P={"Ref": "List"})}, Parameters=CHILD["Parameters"])

    def passed(value: Any) -> Any:
        top = template({"Child": nested("child.json", List=value), "Other": resource()})
        return in_child(Assembly({"top.json": top, "child.json": child})).get("P")

    assert passed("a, b") == ["a", "b"]
    assert passed({"Fn::Join": [",", [{"Ref": "Other"}, "b"]]}) == [Reference("top.json", "Other"), "b"]
    assert passed({"Ref": "Other"}) == [Reference("top.json", "Other")]
    assert passed({"Ref": "Nothing"}) is UNKNOWN


def test_each_stack_made_from_one_template_has_its_own_parameters() -> None:
    top = template(
        {
            "One": nested("child.json", In="one"),
            "Two": nested("child.json", In="two"),
            "Reader": resource(Out={"Fn::GetAtt": ["Two", "Outputs.Out"]}, Id={"Fn::GetAtt": ["Two", "Outputs.Id"]}),
        }
    )
    assembly = Assembly({"top.json": top, "child.json": CHILD})
    assert [item.get("P") for item in assembly.of_type("AWS::Test::Thing") if "P" in item.body["Properties"]] == [
        "one",
        "two",
    ]
    reader = assembly.templates["top.json"].resources["Reader"]
    assert reader.get("Out") == "two-out"
    second = assembly.target(reader.get("Id"))
    assert second is not None
    assert second.get("P") == "two"
    assert second.template.file == "child.json"
    assert second.template.key != "child.json"


def test_stacks_in_stacks_in_two_copies() -> None:
    middle = template(
        {"Child": nested("child.json", In={"Fn::Sub": "${Name}!"})}, Parameters={"Name": {"Type": "String"}}
    )
    top = template({"A": nested("middle.json", Name="a"), "B": nested("middle.json", Name="b")})
    assembly = Assembly({"top.json": top, "middle.json": middle, "child.json": CHILD})
    assert sorted(item.get("P") for item in assembly.of_type("AWS::Test::Thing")) == ["a!", "b!"]
    assert len(assembly.templates) == 5


def test_templates_that_nest_each_other_end() -> None:
    left = template({"Child": nested("right.json"), "Self": nested("left.json"), "R": resource()})
    right = template({"Child": nested("left.json"), "R": resource()})
    assembly = Assembly({"left.json": left, "right.json": right})
    assert sorted(assembly.templates) == ["left.json", "right.json"]
    assert [root.key for root in assembly.roots] == ["left.json"]


def test_too_many_stacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = {
        f"{number}": template({"A": nested(f"{number + 1}"), "B": nested(f"{number + 1}")}) for number in range(40)
    }
    with pytest.raises(InputError, match=r"^0: more than 2000 stacks or 200000 resources, nested ones included$"):
        Assembly(documents)
    monkeypatch.setattr(assembly_module, "MAX_RESOURCES", 1)
    with pytest.raises(InputError, match="more than 2000 stacks or 1 resources"):
        Assembly({"a": template({"A": resource(), "B": resource()})})


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("child.json", "stacks/child.json"),
        ("./child.json", "stacks/child.json"),
        ("../stacks/child.json", "stacks/child.json"),
        ("other/child.json", "stacks/other/child.json"),
        ("https://bucket.s3.amazonaws.com/v1/other/child.json?versionId=5", "stacks/other/child.json"),
        (
            {"Fn::Sub": "https://${Bucket}.s3.${AWS::Region}.amazonaws.com/x/other/child.json"},
            "stacks/other/child.json",
        ),
        ("https://bucket.s3.amazonaws.com/child.json", None),
        ("https://[/child.json", None),
        ("nothing.json", None),
        ({"Ref": "Url"}, None),
        (["child.json"], None),
        ({"Fn::If": ["C", "child.json", "other/child.json"]}, None),
    ],
    ids=str,
)
def test_template_of_a_nested_stack(url: Any, found: str | None) -> None:
    top = template({"Child": nested(url)}, Parameters={"Bucket": {"Type": "String"}, "Url": {"Type": "String"}})
    documents = {
        "stacks/top.json": top,
        "stacks/child.json": CHILD,
        "stacks/other/child.json": CHILD,
        "x/y.json": CHILD,
    }
    child = Assembly(documents).templates["stacks/top.json"].child("Child")
    assert (child and child.key) == found


def test_template_that_only_the_name_tells() -> None:
    documents = {
        "top.json": template({"Child": nested("https://b.s3.amazonaws.com/child.json")}),
        "deep/child.json": CHILD,
    }
    child = Assembly(documents).templates["top.json"].child("Child")
    assert child is not None
    assert child.key == "deep/child.json"


def test_asset_path_of_cdk_wins() -> None:
    stack = {**nested("other.json"), "Metadata": {"aws:asset:path": "child.json"}}
    assembly = Assembly({"top.json": template({"Child": stack}), "child.json": CHILD, "other.json": CHILD})
    child = assembly.templates["top.json"].child("Child")
    assert child is not None
    assert child.key == "child.json"


EXPORT = {"Out": {"Value": {"Ref": "R"}, "Export": {"Name": {"Fn::Sub": "${Prefix}-id"}}}}
PREFIX = {"Prefix": {"Type": "String", "Default": "net"}}


def test_import_of_what_another_stack_exports() -> None:
    importer = template({"R": resource(P={"Fn::ImportValue": "net-id"}, Q={"Fn::ImportValue": "other"})})
    exporter = template({"R": resource()}, Parameters=PREFIX, Outputs=EXPORT)
    found = Assembly({"a": importer, "b": exporter}).templates["a"].resources["R"]
    assert found.get("P") == Reference("b", "R")
    assert found.get("Q") is UNKNOWN


def test_exports_of_another_region_and_ambiguous_ones_do_not_count() -> None:
    importer = template({"R": resource(P={"Fn::ImportValue": "net-id"})})
    exporter = template({"R": resource()}, Parameters=PREFIX, Outputs=EXPORT)
    environments = {"a": ("eu-west-1", None), "b": ("eu-west-1", None), "c": ("us-east-1", None)}
    documents = {"a": importer, "b": exporter, "c": exporter}
    here = Assembly(documents, environments).templates["a"].resources["R"]
    assert here.get("P") == Reference("b", "R")
    assert Assembly(documents).templates["a"].resources["R"].get("P") is UNKNOWN


def test_imports_in_a_circle_are_unknown() -> None:
    outputs = {"Out": {"Value": {"Fn::ImportValue": "x"}, "Export": {"Name": "x"}}}
    looped = {"Out": {"Value": "v", "Export": {"Name": {"Fn::ImportValue": "x"}}}}
    assembly = Assembly({"a": template({"R": resource(P={"Fn::ImportValue": "x"})}, Outputs=outputs)})
    assert assembly.templates["a"].resources["R"].get("P") is UNKNOWN
    assembly = Assembly({"a": template({"R": resource(P={"Fn::ImportValue": "x"})}, Outputs=looped)})
    assert assembly.templates["a"].resources["R"].get("P") is UNKNOWN


def test_imports_that_double_stay_fast() -> None:
    outputs = {
        f"O{number}": {
            "Value": {
                "Fn::Sub": [
                    "${A}${B}",
                    {"A": {"Fn::ImportValue": f"e{number + 1}"}, "B": {"Fn::ImportValue": f"e{number + 1}"}},
                ]
            },
            "Export": {"Name": f"e{number}"},
        }
        for number in range(60)
    }
    found = Assembly({"a": template({"R": resource(P={"Fn::ImportValue": "e0"})}, Outputs=outputs)})
    assert found.templates["a"].resources["R"].get("P") is UNKNOWN


# Conditions


def test_language_extensions_are_no_resources() -> None:
    loop = {"Fn::ForEach::Topics": ["T", ["a"], {"Topic${T}": resource()}]}
    assembly = Assembly.from_document(template({**loop, "R": resource()}))
    assert list(assembly.templates["template"].resources) == ["R"]


@pytest.mark.parametrize("document", [None, [], {}, {"Resources": []}, {"Resources": {"A": {}}}])
def test_no_template(document: Any) -> None:
    with pytest.raises(InputError, match=r"^not a CloudFormation template"):
        Assembly.from_document(document)


@pytest.mark.parametrize(
    "document",
    [
        {"Resources": {}, "Transform": "Macro"},
        {"AWSTemplateFormatVersion": "2010-09-09"},
        {"Resources": {"A": {"Properties": {}}}, "Transform": ["Macro"]},
        {"Resources": {"A": {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://x/y"}}}}},
    ],
    ids=str,
)
def test_what_a_macro_completes_is_a_template(document: Any) -> None:
    app = Assembly.from_document(document)
    assert [item.type for item in app.templates["template"].resources.values()] in ([], [""])
    assert engine.check(app).unjudged == ()


def test_sections_of_the_wrong_type_hold_nothing() -> None:
    sections = {name: [1] for name in ("Parameters", "Mappings", "Conditions", "Outputs")}
    assembly = model({"Ref": "X"}, **sections)
    found = assembly.templates["template"].resources["R"]
    assert found.get("P") is UNKNOWN
    document = template({"Text": {"Type": "X", "Properties": "text"}, "None": {"Type": "X"}})
    resources = Assembly.from_document(document).templates["template"].resources
    assert resources["Text"].options("P") == [UNKNOWN]
    assert resources["None"].options("P") == [ABSENT]


# Cloud assemblies
