"""Both judges see what is wrong in a nested template, and nothing is waved through by accident."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scripts import lint_templates
from scripts.scan.linters import cfn_lint, cloudformation_validate
from scripts.scan.model import CFN_LINT, VALIDATE, Finding, Listed, Template, load_listed
from stacks.profiles import PROFILES

SWITCHED_OFF = {"cfn-lint": {"config": {"ignore_checks": ["W3690", "W3691"]}}}


def _template(folder: Path, kind: str, properties: Mapping[str, Any], **attributes: Any) -> Template:
    document = {"Resources": {"Subject": {"Type": kind, "Properties": properties, **attributes}}}
    path = folder / "BreakwaterDatabase.nested.template.json"
    path.write_text(json.dumps(document))
    return Template("dev", "Database", "us-east-1", path)


def _cluster(folder: Path, version: str, **attributes: Any) -> Template:
    properties = {"Engine": "aurora-postgresql", "EngineVersion": version, "MasterUsername": "dba"}
    return _template(
        folder,
        "AWS::RDS::DBCluster",
        {**properties, "ManageMasterUserPassword": True},
        DeletionPolicy="Snapshot",
        UpdateReplacePolicy="Snapshot",
        **attributes,
    )


def _instance(folder: Path, version: str, **attributes: Any) -> Template:
    properties = {"Engine": "postgres", "EngineVersion": version, "DBInstanceClass": "db.t4g.medium"}
    return _template(
        folder,
        "AWS::RDS::DBInstance",
        {**properties, "AllocatedStorage": "20", "MasterUsername": "dba", "ManageMasterUserPassword": True},
        DeletionPolicy="Snapshot",
        UpdateReplacePolicy="Snapshot",
        **attributes,
    )


TEMPLATE = Template("dev", "Compute", "us-east-1", Path("x.template.json"))
FINDING = Finding("Compute/Service1A2B", "W1", "odd", "warning")
REASON = "a reason that is long enough for anybody to disprove it"


def _accepted(rule: str, where: str) -> Listed:
    return Listed(VALIDATE, rule, where, REASON)


@pytest.mark.parametrize("metadata", [{}, {"Metadata": SWITCHED_OFF}])
def test_a_retired_aurora_version_is_an_error_that_no_template_can_switch_off(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    template = _cluster(tmp_path, "13.4", **metadata)
    ((judged, found),) = cfn_lint([template])
    assert (judged, found.rule, found.severity, found.where) == (template, "W3690", "error", "Database/Subject")
    assert "13.4" in str(found)


def test_a_retired_instance_version_is_an_error(tmp_path: Path) -> None:
    found = list(cfn_lint([_instance(tmp_path, "11.1")]))
    assert [(each.rule, each.severity) for _, each in found] == [("W3691", "error")]


def test_a_supported_aurora_version_is_silent(tmp_path: Path) -> None:
    assert list(cfn_lint([_cluster(tmp_path, "17.7")])) == []


def test_other_warnings_stay_warnings(tmp_path: Path) -> None:
    template = _cluster(tmp_path, "17.7")
    document = json.loads(template.path.read_text())
    template.path.write_text(json.dumps({**document, "Parameters": {"Unused": {"Type": "String"}}}))
    assert [(each.rule, each.severity, each.where) for _, each in cfn_lint([template])] == [
        ("W2001", "warning", "Database/Unused")
    ]


def test_each_region_is_judged_by_its_own_facts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here = _template(tmp_path / "a", "AWS::DAX::SubnetGroup", {"SubnetIds": ["subnet-0123456789abcdef0"]})
    there = replace(
        _template(tmp_path / "b", "AWS::DAX::SubnetGroup", {"SubnetIds": ["subnet-0123456789abcdef0"]}),
        region="mx-central-1",
    )
    assert [judged for judged, each in cfn_lint([here, there]) if each.severity == "error"] == [there]


def test_cloudformation_validate_sees_an_error_in_a_nested_template(tmp_path: Path) -> None:
    found = list(cloudformation_validate([_template(tmp_path, "AWS::SNS::Topic", {"Colour": "blue"})]))
    assert [(each.severity, each.where) for _, each in found] == [("error", "Database/Subject")]
    assert "Colour" in found[0][1].message


def test_a_rule_of_cdk_preflight_sees_what_no_schema_forbids_in_a_nested_template(tmp_path: Path) -> None:
    mapping = {"EventSourceArn": "arn:aws:sqs:us-east-1:111111111111:queue.fifo", "FunctionName": "f"}
    for seconds, rules in ((0, []), (5, ["pf-lambda-esm-fifo-batching-window"])):
        given = {**mapping, "MaximumBatchingWindowInSeconds": seconds}
        found = cloudformation_validate([_template(tmp_path, "AWS::Lambda::EventSourceMapping", given)])
        assert [each.rule for _, each in found if each.severity == "error"] == rules


def test_a_template_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    template = _template(tmp_path, "AWS::SNS::Topic", {})
    template.path.write_text("{")
    found = list(cloudformation_validate([template]))
    assert {each.severity for _, each in found} == {"error"}
    assert "incomplete" in {each.rule for _, each in found}


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
    assert "0 / 1" in compute
    (root,) = [line for line in printed.splitlines() if "│ Root" in line]
    assert "0 / 0" in root


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
