"""A whole assembly: nested stacks, what parents pass, exports, conditions, stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guards import InputError
from guards import template as template_module
from guards.template import Assembly, Resource
from guards.values import ABSENT, UNKNOWN, Opaque, Reference
from tests.guards.build import NESTED, Template, model, nested, one, resource, template, write

CHILD = template(
    {"R": resource(P={"Ref": "In"})},
    Parameters={"In": {"Type": "String", "Default": "alone"}, "List": {"Type": "CommaDelimitedList"}},
    Outputs={"Out": {"Value": {"Fn::Sub": "${In}-out"}}, "Id": {"Value": {"Ref": "R"}}, "Broken": "text"},
)


def family(*, parent: Template | None = None, **parameters: Any) -> Assembly:
    """A parent that nests ``child.json``, with a resource that reads its outputs."""
    reader = resource(
        Out={"Fn::GetAtt": ["Child", "Outputs.Out"]},
        Id={"Fn::GetAtt": "Child.Outputs.Id"},
        Missing={"Fn::GetAtt": ["Child", "Outputs.Missing"]},
        Broken={"Fn::GetAtt": ["Child", "Outputs.Broken"]},
    )
    top = template({"Child": nested("child.json", **parameters), "Reader": reader}, **(parent or {}))
    return Assembly({"top.json": top, "child.json": CHILD})


def in_child(assembly: Assembly, key: str = "child.json") -> Resource:
    return assembly.templates[key].resources["R"]


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
    assembly = family(**{"Fn::Transform": {"Name": "AWS::Include"}, "List": "a"})
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
    monkeypatch.setattr(template_module, "MAX_RESOURCES", 1)
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


def arms(condition: Any, **sections: Any) -> list[Any]:
    """The possibilities of a choice under a condition."""
    return one({"Fn::If": ["C", "yes", "no"]}, Conditions={"C": condition, "Yes": YES, "No": NO}, **sections).options(
        "P"
    )


YES: Template = {"Fn::Equals": ["a", "a"]}
NO: Template = {"Fn::Equals": ["a", "b"]}
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


def test_language_extensions_are_no_resources() -> None:
    loop = {"Fn::ForEach::Topics": ["T", ["a"], {"Topic${T}": resource()}]}
    assembly = Assembly.of(template({**loop, "R": resource()}))
    assert list(assembly.templates["template"].resources) == ["R"]


@pytest.mark.parametrize("document", [None, [], {}, {"Resources": []}, {"Resources": {"A": {}}}])
def test_no_template(document: Any) -> None:
    with pytest.raises(InputError, match=r"^not a CloudFormation template"):
        Assembly.of(document)


def test_sections_of_the_wrong_type_hold_nothing() -> None:
    sections = {name: [1] for name in ("Parameters", "Mappings", "Conditions", "Outputs")}
    assembly = model({"Ref": "X"}, **sections)
    found = assembly.templates["template"].resources["R"]
    assert found.get("P") is UNKNOWN
    assert Assembly.of({"Resources": {"R": {"Type": "X", "Properties": "text"}}}).templates["template"].resources[
        "R"
    ].options("P") == [UNKNOWN]
    assert Assembly.of({"Resources": {"R": {"Type": "X"}}}).templates["template"].resources["R"].options("P") == [
        ABSENT
    ]


# Cloud assemblies


def cloud_assembly(folder: Path, stacks: dict[str, Template], **artifacts: Any) -> Path:
    """Write a cloud assembly with stacks by name."""
    made = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/eu-west-1",
            "properties": {"templateFile": f"{name}.template.json"},
            "displayName": f"App/{name}",
        }
        for name in stacks
    }
    write(folder, manifest__json={"version": "55.0.0", "artifacts": {**made, **artifacts}}, cdk__out="{}")
    for name, document in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_stacks_of_a_cloud_assembly(tmp_path: Path) -> None:
    named = resource(P={"Ref": "AWS::StackName"}, Q={"Ref": "AWS::Region"}, A={"Ref": "AWS::AccountId"})
    cloud_assembly(tmp_path, {"Main": template({"R": named})})
    write(tmp_path, Old__template__json=template({"Left": resource()}))
    assembly = Assembly.load(tmp_path)
    assert list(assembly.templates) == ["Main.template.json"], (
        "what the manifest does not name was left by an older synth"
    )
    main = assembly.templates["Main.template.json"]
    found = main.resources["R"]
    assert found.get("P") == "Main"
    assert found.get("Q") == "eu-west-1"
    assert found.get("A") == Opaque("account", "")
    assert main.construct_path == "App/Main"
    assert assembly.folder == assembly.path == tmp_path


def test_weak_reference_between_stacks_of_cdk(tmp_path: Path) -> None:
    def reads(stack: str, output: Any = "Out", **more: str) -> Template:
        return {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output, **more}}

    reader = resource(
        P=reads("Main"), Same=reads("Main", Region="eu-west-1"), Far=reads("Main", Region="x"), Odd=reads("Main", 5)
    )
    outputs = {"Out": {"Value": {"Ref": "R"}}}
    cloud_assembly(tmp_path, {"Main": template({"R": resource()}, Outputs=outputs), "Reader": template({"R": reader})})
    found = Assembly.load(tmp_path).templates["Reader.template.json"].resources["R"]
    assert found.get("P") == found.get("Same") == Reference("Main.template.json", "R")
    assert found.get("Far") is UNKNOWN
    assert found.get("Odd") is UNKNOWN
    sure = {"Fn::Equals": [reads("Main"), "x"]}
    assert arms(sure) == ["yes", "no"]


def test_nested_stack_by_its_uploaded_name(tmp_path: Path) -> None:
    """Without asset metadata only the object in the URL, and the asset manifest, lead to the file."""
    url = {
        "Fn::Join": [
            "",
            ["https://s3.eu-west-1.", {"Ref": "AWS::URLSuffix"}, "/assets-", {"Ref": "AWS::AccountId"}, "/0a1b.json"],
        ]
    }
    path = "App/Main/Child.NestedStack/Child.NestedStackResource"
    child = {**nested(url, In="passed"), "Metadata": {"aws:cdk:path": path}}
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "Main.assets.json"}}
    cloud_assembly(tmp_path, {"Main": template({"Child": child})}, Assets=assets)
    files = {
        "0a1b": {
            "source": {"path": "Child.nested.template.json", "packaging": "file"},
            "destinations": {"here": {"objectKey": "prefix/0a1b.json"}, "odd": 5},
        },
        "zip": {"source": {"path": "asset.zip", "packaging": "zip"}},
        "gone": {"source": {"path": "gone.json", "packaging": "file"}},
        "outside": {"source": {"path": "../outside.json", "packaging": "file"}},
        "data": {"source": {"path": "data.json", "packaging": "file"}},
        "product": {"source": {"path": "Product.template.json", "packaging": "file"}},
        "again": {"source": {"path": "Main.template.json", "packaging": "file"}},
        "odd": 5,
    }
    write(tmp_path, Main__assets__json={"files": files}, data__json={"a": 1}, Product__template__json=CHILD)
    write(tmp_path, Child__nested__template__json=CHILD)
    write(tmp_path.parent, outside__json=CHILD)
    assembly = Assembly.load(tmp_path)
    assert list(assembly.templates) == ["Main.template.json", "Child.nested.template.json"]
    made = assembly.templates["Child.nested.template.json"]
    assert made.resources["R"].get("P") == "passed"
    assert made.region == "eu-west-1"
    assert made.construct_path == "App/Main/Child"


def test_construct_path_that_the_template_does_not_tell() -> None:
    assembly = family()
    assert assembly.templates["child.json"].construct_path is None
    assert assembly.templates["top.json"].construct_path is None
    assert in_child(assembly).construct_path is None


def test_stages_with_templates_of_the_same_name(tmp_path: Path) -> None:
    """Each stage of `cdk.Stage` has an assembly of its own inside the app's."""
    stages = {}
    for stage, region in (("Dev", "eu-west-1"), ("Prod", "us-east-1")):
        child = {**nested("x", In=stage), "Metadata": {"aws:asset:path": "Child.nested.template.json"}}
        folder = tmp_path / f"assembly-{stage}"
        cloud_assembly(folder, {"Main": template({"Child": child})})
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["artifacts"]["Main"]["environment"] = f"aws://111111111111/{region}"
        manifest["artifacts"]["Main"]["properties"]["stackName"] = f"{stage}-Main"
        manifest["artifacts"]["A"] = {"type": "cdk:asset-manifest", "properties": {"file": "a.json"}}
        files = {"h": {"source": {"path": "Child.nested.template.json", "packaging": "file"}}}
        write(folder, manifest__json=manifest, a__json={"files": files}, Child__nested__template__json=CHILD)
        stages[stage] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": f"assembly-{stage}"}}
    cloud_assembly(tmp_path, {}, **stages, Again=stages["Dev"])
    assembly = Assembly.load(tmp_path)
    found = {item.template.file: item.get("P") for item in assembly.of_type("AWS::Test::Thing")}
    assert found == {
        "assembly-Dev/Child.nested.template.json": "Dev",
        "assembly-Prod/Child.nested.template.json": "Prod",
    }
    root = assembly.templates["assembly-Prod/Main.template.json"]
    assert (root.region, root.account, root.stack_name) == ("us-east-1", "111111111111", "Prod-Main")


def test_load_says_when_memory_does_not_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(template_module, "find_sources", exhausted)
    with pytest.raises(InputError, match="too large for the memory of this machine"):
        Assembly.load(tmp_path)
