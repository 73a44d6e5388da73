"""All judges see what is wrong in a nested template, and nothing is waved through by accident."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from breakwater_guards import RuleError
from scripts import lint_templates
from scripts.scan.linters import judge
from scripts.scan.model import CFN_LINT, GUARDS, VALIDATE, Finding, Listed, Template, load_listed
from stacks.profiles import PROFILES

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"Colour": "blue"}}


def _assembly(folder: Path, resources: Mapping[str, Any], **sections: Any) -> list[Template]:
    """Write a cloud assembly whose root stack nests one with these resources."""
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "Database.nested.template.json"}}
    inner = {"Resources": resources, **sections}
    documents = {"Root.template.json": {"Resources": {"Nested": nested}}, "Database.nested.template.json": inner}
    asset = {"source": {"path": "Database.nested.template.json", "packaging": "file"}, "destinations": {}}
    stack = {"templateFile": "Root.template.json"}
    artifacts = {
        "Root": {"type": "aws:cloudformation:stack", "properties": stack, "environment": "aws://1/us-east-1"},
        "Assets": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}},
    }
    documents |= {
        "manifest.json": {"version": "55.0.0", "artifacts": artifacts},
        "assets.json": {"files": {"h": asset}},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
    return [
        Template("dev", "Root", "us-east-1", folder / "Root.template.json"),
        Template("dev", "Database", "us-east-1", folder / "Database.nested.template.json"),
    ]


TEMPLATE = Template("dev", "Compute", "us-east-1", Path("x.template.json"))
FINDING = Finding("Compute/Service1A2B", "W1", "odd", "warning")
REASON = "a reason that is long enough for anybody to disprove it"


def _accepted(rule: str, where: str) -> Listed:
    return Listed(VALIDATE, rule, where, REASON)


def test_each_checker_sees_an_error_in_a_nested_template(tmp_path: Path) -> None:
    zone = {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.com"}}
    fifo = {"EventSourceArn": "arn:aws:sqs:us-east-1:111111111111:queue.fifo", "FunctionName": "f"}
    mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {**fifo, "MaximumBatchingWindowInSeconds": 5}}
    templates = _assembly(tmp_path, {"Topic": TOPIC, "Zone": zone, "Mapping": mapping})
    found = {(scanner, each.where, each.rule) for scanner, _, each in judge(templates) if each.severity == "error"}
    assert found >= {
        (GUARDS, "Database/Zone", "DR-ROUTE53-01"),
        (CFN_LINT, "Database/Topic", "E3002"),
        (VALIDATE, "Database/Topic", "F3002"),
        (VALIDATE, "Database/Mapping", "pf-lambda-esm-fifo-batching-window"),
    }
    only = list(judge(templates, [VALIDATE]))
    assert {scanner for scanner, _, _ in only} == {VALIDATE}
    assert {template.stack for _, template, _ in only} == {"Database"}


def test_an_acknowledged_finding_is_none_and_a_warning_is_one(tmp_path: Path) -> None:
    reason = {"breakwater:guards": {"E3002": "the color is a joke of the team", "F3002": "the color is a joke as well"}}
    unused = {"Unused": {"Type": "String"}}
    templates = _assembly(tmp_path, {"Topic": {**TOPIC, "Metadata": reason}}, Parameters=unused)
    found = {(scanner, each.where, each.severity) for scanner, _, each in judge(templates)}
    assert (CFN_LINT, "Database/Unused", "warning") in found
    assert not [each for each in found if each[1] == "Database/Topic"], found


def test_a_policy_of_the_guards_is_an_error(tmp_path: Path) -> None:
    key = {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": {}}
    assert [(each.rule, each.severity) for _, _, each in judge(_assembly(tmp_path, {"Key": key}), [GUARDS])] == [
        ("DR-KMS-01", "error")
    ]


def test_a_template_that_a_checker_fails_on_is_an_error(tmp_path: Path) -> None:
    odd = {"Type": "AWS::SNS::Topic", "Metadata": 5}
    with pytest.raises(RuleError, match="could not judge: cfn-lint failed"):
        list(judge(_assembly(tmp_path, {"Topic": odd})))


@pytest.mark.parametrize(
    "changes", [{"severity": "error"}, {"rule": "W2"}, {"where": "Compute/Other"}, {"where": "Database/Service1A2B"}]
)
def test_an_entry_covers_that_warning_only(changes: dict[str, Any]) -> None:
    accepted = _accepted("W1", "Compute/Service*")
    assert accepted.covers(VALIDATE, FINDING)
    assert not accepted.covers(CFN_LINT, FINDING)
    assert not accepted.covers(VALIDATE, replace(FINDING, **changes))


def test_a_malformed_list_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "listed.toml"
    file.write_text("[[listed]\n")
    monkeypatch.setattr(lint_templates, "load_listed", lambda: load_listed(file))
    assert lint_templates.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lint-templates: listed.toml: ")


def _report(findings: list[Finding], entries: list[Listed]) -> tuple[int, str]:
    stacks = [Template("dev", "Root", "us-east-1", Path("r")), TEMPLATE]
    output = StringIO()
    found = [(VALIDATE, TEMPLATE, finding) for finding in findings]
    code = lint_templates.report(Console(file=output, width=200), stacks, found, entries)
    return code, output.getvalue()


def test_silence_and_used_entries_pass() -> None:
    code, printed = _report([FINDING, FINDING, FINDING], [_accepted("W1", "Compute/Service*")])
    assert code == 0
    assert "2 templates, 0 findings, 3 accepted" in printed
    assert _report([], [])[0] == 0


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_a_single_finding_fails_and_shows_in_its_cell(severity: str) -> None:
    code, printed = _report([replace(FINDING, severity=severity)], [])
    assert code == 1
    assert f"{severity} dev: W1 Compute/Service1A2B: odd [CloudFormation Validate]" in printed
    (compute,) = [line for line in printed.splitlines() if "│ Compute" in line]
    assert "0/0/1" in compute
    (root,) = [line for line in printed.splitlines() if "│ Root" in line]
    assert "0/0/0" in root


def test_an_entry_that_matches_nothing_fails() -> None:
    code, printed = _report([FINDING], [_accepted("W1", "Compute/Service*"), _accepted("W9", "Compute/Old*")])
    assert code == 1
    assert "W9 in Compute/Old* occurs no longer; remove it" in printed
    assert "W1" not in printed


def test_every_template_that_is_written_is_judged(tmp_path: Path) -> None:
    templates = lint_templates.synthesize("dev", PROFILES["dev"], tmp_path)
    assert sorted(template.path for template in templates) == sorted(tmp_path.glob("*.template.json"))
    assert [template.stack for template in templates].count("Root") == 1
    assert len(templates) == 9
