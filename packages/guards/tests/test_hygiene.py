"""Hygiene rules beyond what a fixture of readable size can show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakwater_guards import check
from breakwater_guards.model.assembly import Assembly
from guards_testing.build import nested, resource, template

TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}


@pytest.mark.parametrize(("size", "found"), [(799_999, 0), (800_000, 1), (1_100_000, 1)])
def test_bytes_of_the_file_count(tmp_path: Path, size: int, found: int) -> None:
    text = json.dumps({"Resources": TOPIC, "Description": ""})
    file = tmp_path / "app.template.json"
    file.write_text(text + " " * (size - len(text)), encoding="utf-8")
    findings = check(file, rules=["DR-HYGIENE-07"]).findings
    assert [str(size) in finding.message for finding in findings] == [True] * found


def test_a_model_in_memory_has_no_size() -> None:
    model = Assembly.from_document({"Resources": TOPIC, "Description": "x" * 900_000})
    assert check(model, rules=["DR-HYGIENE-07"]).findings == ()


def test_a_template_of_several_stacks_is_reported_of_once(tmp_path: Path) -> None:
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}
    broken = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Nothing"}}}
    outputs = {"Unused": {"Value": "x"}}
    root = {"Resources": {f"Stack{number}": stack for number in range(3)}}
    (tmp_path / "root.json").write_text(json.dumps(root), encoding="utf-8")
    (tmp_path / "child.json").write_text(
        json.dumps({"Resources": {"Topic": broken}, "Outputs": outputs}), encoding="utf-8"
    )
    findings = check(tmp_path, rules=["DR-HYGIENE"]).findings
    assert [(finding.rule, finding.template) for finding in findings] == [
        ("DR-HYGIENE-04", "child.json"),
        ("DR-HYGIENE-05", "child.json"),
    ]


def test_unused_outputs_are_told_once_for_a_tree_of_stacks() -> None:
    outputs = {f"O{number}": {"Value": "v"} for number in range(7)}
    child = template({"R": resource()}, Outputs=outputs)
    for stacks, more in ((["One"], 2), (["One", "Two"], 9)):
        documents = dict.fromkeys(stacks, child)
        root = template({name: nested(name) for name in stacks})
        (finding,) = check(Assembly({"root": root, **documents}), rules=["DR-HYGIENE-04"]).findings
        assert "One.O0, One.O1, One.O2, One.O3, One.O4" in finding.message
        assert f" and {more} more, of the stacks nested in root." in finding.message


def test_a_missing_name_is_told_once_for_a_resource() -> None:
    bad = resource(P={"Fn::Sub": "${X} ${X}"}, Q={"Ref": "X"}, S={"Ref": "Y"})
    outputs = {"A": {"Value": {"Ref": "X"}}, "B": {"Value": {"Ref": "X"}}}
    found = check(Assembly.from_document(template({"R": bad, "S": bad}, Outputs=outputs)), rules=["DR-HYGIENE-05"])
    assert [(item.resource, item.path) for item in found.findings] == [
        ("", ""),
        ("", ""),
        ("R", "P"),
        ("R", "S"),
        ("S", "P"),
        ("S", "S"),
    ]


def test_instances_that_upgrade_are_told_once_for_a_cluster() -> None:
    cluster = resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", EngineVersion="17.7")
    instance = resource("AWS::RDS::DBInstance", DBClusterIdentifier={"Ref": "C"}, Engine="aurora-postgresql")
    for count, told in ((1, "not set (the default is true); C"), (3, "(the default is true), like 2 more of its")):
        instances = {f"I{number}": instance for number in range(count)}
        report = check(Assembly.from_document(template({"C": cluster, **instances})), rules=["DR-AURORA-20"])
        (finding,) = report.findings
        assert told in finding.message


@pytest.mark.parametrize(("name", "found"), [("orders", 1), ("", 0)])
def test_an_empty_name_collides_with_none(name: str, found: int) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": {"Ref": "Name"}}}
    model = Assembly.from_document(
        {"Parameters": {"Name": {"Type": "String", "Default": name}}, "Resources": {"Bucket": bucket}}
    )
    assert len(check(model, rules=["DR-HYGIENE-09"]).findings) == found
