"""Hygiene rules beyond what a fixture of readable size can show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakwater_guards import check
from breakwater_guards.model.assembly import Assembly

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
