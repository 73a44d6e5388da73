"""The cloud assembly of a CDK app as the guards read it: stacks, stages, construct paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import InputError, check
from breakwater_guards.model import assembly as assembly_module
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import UNKNOWN, Opaque, Reference
from guards_testing.build import Template, nested, resource, template, write
from guards_testing.families import CHILD, family, in_child


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


def test_a_condition_does_not_rest_on_what_another_deployment_may_change(tmp_path: Path) -> None:
    """The output is a literal here, and may be another one by the time the condition is decided."""

    def reads(kind: str) -> Any:
        stack_output = {"Fn::GetStackOutput": {"StackName": "Main", "OutputName": "Out"}}
        return stack_output if kind == "output" else {"Fn::ImportValue": "exported"}

    kinds = ("output", "import")
    outputs = {"Out": {"Value": "x", "Export": {"Name": "exported"}}}
    values = {kind: reads(kind) for kind in kinds}
    chosen = {f"If{kind}": {"Fn::If": [kind, "yes", "no"]} for kind in kinds}
    conditions = {kind: {"Fn::Equals": [reads(kind), "x"]} for kind in kinds}
    reader = template({"R": resource(**values, **chosen)}, Conditions=conditions)
    cloud_assembly(tmp_path, {"Main": template({"R": resource()}, Outputs=outputs), "Reader": reader})
    found = Assembly.load(tmp_path).templates["Reader.template.json"].resources["R"]
    assert {kind: found.get(kind) for kind in kinds} == {"output": "x", "import": "x"}
    assert {kind: found.options(f"If{kind}") for kind in kinds} == {key: ["yes", "no"] for key in kinds}


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
        "zip": {
            "source": {"path": "Zipped.template.json", "packaging": "zip"},
            "destinations": {"here": {"objectKey": "other/0a1b.json"}},
        },
        "gone": {"source": {"path": "gone.json", "packaging": "file"}},
        "outside": {"source": {"path": "../outside.json", "packaging": "file"}},
        "data": {"source": {"path": "data.json", "packaging": "file"}},
        "product": {"source": {"path": "Product.template.json", "packaging": "file"}},
        "again": {"source": {"path": "Main.template.json", "packaging": "file"}},
        "odd": 5,
    }
    write(tmp_path, Main__assets__json={"files": files}, data__json={"a": 1}, Product__template__json=CHILD)
    write(tmp_path, Zipped__template__json=template({"R": resource()}))
    write(tmp_path, Child__nested__template__json=CHILD)
    write(tmp_path.parent, outside__json=CHILD)
    assembly = Assembly.load(tmp_path)
    assert list(assembly.templates) == ["Main.template.json", "Child.nested.template.json"]
    made = assembly.templates["Child.nested.template.json"]
    assert made.resources["R"].get("P") == "passed"
    assert made.region == "eu-west-1"
    assert made.construct_path == "App/Main/Child"


def test_nested_stacks_by_the_path_of_their_asset(tmp_path: Path) -> None:
    """Whoever copies templates out of a cloud assembly may leave the manifest of the assets behind."""

    def staged(path: Any) -> Template:
        return {**nested("https://s3.example/0a1b.json"), "Metadata": {"aws:asset:path": path}}

    inner = template({"Deep": staged("Deep.nested.template.json"), "Again": staged("Mid.nested.template.json")})
    main = {"Mid": staged("Mid.nested.template.json"), "Gone": staged("gone.json"), "Odd": staged(5)}
    main |= {"Data": staged("data.json"), "Outside": staged("../outside.json"), "Code": resource()}
    cloud_assembly(tmp_path, {"Main": template(main)})
    write(tmp_path, Mid__nested__template__json=inner, Deep__nested__template__json=CHILD, data__json={"a": 1})
    write(tmp_path.parent, outside__json=CHILD)
    assert set(Assembly.load(tmp_path).templates) >= {"Main.template.json", "Mid.nested.template.json"}


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

    monkeypatch.setattr(assembly_module, "find_sources", exhausted)
    with pytest.raises(InputError, match="too large for the memory of this machine"):
        Assembly.load(tmp_path)


@pytest.mark.parametrize(
    "empty",
    [{}, {"Parameters": {"V": {"Type": "String"}}, "Rules": {}}, {"Resources": {}}, {"Resources": None}],
    ids=str,
)
def test_a_stack_without_resources_is_part_of_an_assembly(tmp_path: Path, empty: Template) -> None:
    cloud_assembly(tmp_path, {"Full": template({"R": resource()}), "Empty": empty})
    app = Assembly.load(tmp_path)
    assert [list(item.resources) for item in app.templates.values()] == [["R"], []]
    for tool in ("cfn-lint", "cloudformation-validate", "cdk-preflight"):
        assert check(app, rules=["DR-KMS"], tools=[tool]).unjudged == ()
        assert {item.template for item in check(app, rules=["DR-KMS"], tools=[tool]).findings} <= {"Full.template.json"}


def test_nested_templates_are_read_where_only_the_metadata_names_them(tmp_path: Path) -> None:
    def staged(path: Any) -> Template:
        return {**resource("AWS::CloudFormation::Stack"), "Metadata": {"aws:asset:path": path}}

    far = tmp_path.parent / "far.template.json"
    far.write_text(json.dumps(template({"R": resource()})), encoding="utf-8")
    inner = {"Deep": staged("Deep.nested.template.json"), "Again": staged("Inner.nested.template.json")}
    write(tmp_path, Inner__nested__template__json=template(inner))
    write(tmp_path, Deep__nested__template__json=template({"R": resource()}), Text__json="{}")
    odd = [staged("../far.template.json"), staged("missing.json"), staged("Text.json"), staged(5), staged("code.zip")]
    outer = {"Inner": staged("Inner.nested.template.json"), **{f"Odd{n}": one for n, one in enumerate(odd)}}
    cloud_assembly(tmp_path, {"Main": template(outer)})
    assembly = Assembly.load(tmp_path)
    (deep,) = [item for item in assembly.templates.values() if item.file == "Deep.nested.template.json"]
    assert deep.parent is not None
    assert not [item for item in assembly.templates.values() if "far" in item.file]


def test_files_beside_the_templates_may_be_missing(tmp_path: Path) -> None:
    cloud_assembly(tmp_path, {"Main": template({"R": resource()})})
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    manifest["artifacts"]["Main"]["additionalMetadataFile"] = "Main.metadata.json"
    manifest["artifacts"]["Main.assets"] = {"type": "cdk:asset-manifest", "properties": {"file": "Main.assets.json"}}
    write(tmp_path, manifest__json=manifest)
    notices = check(tmp_path).notices
    assert [notice.partition(" is missing")[0] for notice in notices] == ["Main.metadata.json", "Main.assets.json"]
