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
from scripts.template_tools import (
    CFN_LINT,
    VALIDATE,
    Accepted,
    Finding,
    Template,
    cfn_lint,
    cloudformation_validate,
    load_accepted,
    split,
)
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


def _finding(**changes: Any) -> Finding:
    template = Template("dev", "Compute", "us-east-1", Path("x.template.json"))
    return replace(Finding(template, VALIDATE, "W1", "warning", "Service1A2B", "odd"), **changes)


@pytest.mark.parametrize("metadata", [{}, {"Metadata": SWITCHED_OFF}])
def test_a_retired_aurora_version_is_an_error_that_no_template_can_switch_off(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    (found,) = cfn_lint([_cluster(tmp_path, "13.4", **metadata)])
    assert (found.tool, found.rule, found.severity, found.logical_id) == (CFN_LINT, "W3690", "error", "Subject")
    assert "13.4" in str(found)
    assert "dev/Database" in str(found)


def test_a_retired_instance_version_is_an_error(tmp_path: Path) -> None:
    found = list(cfn_lint([_instance(tmp_path, "11.1")]))
    assert [(each.rule, each.severity) for each in found] == [("W3691", "error")]


def test_a_supported_aurora_version_is_silent(tmp_path: Path) -> None:
    assert list(cfn_lint([_cluster(tmp_path, "17.7")])) == []


def test_other_warnings_stay_warnings(tmp_path: Path) -> None:
    template = _cluster(tmp_path, "17.7")
    document = json.loads(template.path.read_text())
    template.path.write_text(json.dumps({**document, "Parameters": {"Unused": {"Type": "String"}}}))
    assert [(each.rule, each.severity, each.logical_id) for each in cfn_lint([template])] == [
        ("W2001", "warning", "Unused")
    ]


def test_each_region_is_judged_by_its_own_facts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here = _template(tmp_path / "a", "AWS::DAX::SubnetGroup", {"SubnetIds": ["subnet-0123456789abcdef0"]})
    there = replace(
        _template(tmp_path / "b", "AWS::DAX::SubnetGroup", {"SubnetIds": ["subnet-0123456789abcdef0"]}),
        region="mx-central-1",
    )
    assert [each.template for each in cfn_lint([here, there]) if each.severity == "error"] == [there]


def test_cloudformation_validate_sees_an_error_in_a_nested_template(tmp_path: Path) -> None:
    found = list(cloudformation_validate([_template(tmp_path, "AWS::SNS::Topic", {"Colour": "blue"})]))
    assert [(each.tool, each.severity, each.logical_id) for each in found] == [(VALIDATE, "error", "Subject")]
    assert "Colour" in found[0].message


def test_a_rule_of_cdk_preflight_sees_what_no_schema_forbids_in_a_nested_template(tmp_path: Path) -> None:
    mapping = {"EventSourceArn": "arn:aws:sqs:us-east-1:111111111111:queue.fifo", "FunctionName": "f"}
    for seconds, rules in ((0, []), (5, ["pf-lambda-esm-fifo-batching-window"])):
        given = {**mapping, "MaximumBatchingWindowInSeconds": seconds}
        found = cloudformation_validate([_template(tmp_path, "AWS::Lambda::EventSourceMapping", given)])
        assert [each.rule for each in found if each.severity == "error"] == rules


def test_a_template_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    template = _template(tmp_path, "AWS::SNS::Topic", {})
    template.path.write_text("{")
    found = list(cloudformation_validate([template]))
    assert {each.severity for each in found} == {"error"}
    assert "incomplete" in {each.rule for each in found}


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": "error"},
        {"tool": CFN_LINT},
        {"rule": "W2"},
        {"logical_id": "Other"},
        {"template": Template("dev", "Database", "us-east-1", Path("x"))},
    ],
)
def test_an_exception_covers_that_warning_only(changes: dict[str, Any]) -> None:
    accepted = Accepted(rule="W1", stack="Compute", logical_id="Service*", reason="known")
    assert accepted.covers(_finding())
    assert not accepted.covers(_finding(**changes))


def test_accepted_warnings_are_counted_and_the_rest_remains() -> None:
    used = Accepted("W1", "Compute", "Service*", "known")
    stale = Accepted("W9", "Compute", "Service*", "no longer so")
    other = _finding(rule="W2")
    assert split([_finding(), other, _finding()], [used, stale]) == ([other], {used: 2, stale: 0})


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('rule="W1"\nstack="Root"\nlogical_id="*"', "entry 1: .*reason"),
        ('rule="W1"\nstack="Root"\nlogical_id="*"\nreason=" "', r"entry 1 \(W1\): reason is empty"),
        ('rule="W1"\nstack="Root"\nlogical_id="*"\nreason="x"\nuntil="2030"', "entry 1: .*until"),
    ],
)
def test_an_exception_without_a_reason_is_refused(tmp_path: Path, entry: str, complaint: str) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text(f"[[accepted]]\n{entry}\n")
    with pytest.raises(ValueError, match=complaint):
        load_accepted(file)


def test_a_malformed_exceptions_file_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "exceptions.toml"
    file.write_text("[[accepted]\n")
    monkeypatch.setattr(lint_templates, "EXCEPTIONS", file)
    assert lint_templates.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lint-templates: exceptions.toml: ")


def _report(findings: list[Finding], uses: dict[Accepted, int]) -> tuple[int, str]:
    stacks = [Template("dev", "Root", "us-east-1", Path("r")), _finding().template]
    output = StringIO()
    code = lint_templates.report(Console(file=output, width=200), stacks, findings, uses)
    return code, output.getvalue()


def test_silence_and_used_exceptions_pass() -> None:
    code, printed = _report([], {Accepted("W1", "Compute", "*", "known"): 3})
    assert code == 0
    assert "2 templates, 0 findings, 3 accepted" in printed


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_a_single_finding_fails_and_shows_in_its_cell(severity: str) -> None:
    code, printed = _report([_finding(severity=severity)], {})
    assert code == 1
    assert f"{severity} W1 dev/Compute Service1A2B: odd [CloudFormation Validate]" in printed
    (compute,) = [line for line in printed.splitlines() if "│ Compute" in line]
    assert "0 / 1" in compute
    (root,) = [line for line in printed.splitlines() if "│ Root" in line]
    assert "0 / 0" in root


def test_an_exception_that_matches_nothing_fails() -> None:
    code, printed = _report([], {Accepted("W9", "Compute", "Old*", "gone"): 0})
    assert code == 1
    assert "W9 in Compute (Old*) occurs no longer; remove it" in printed


def test_every_template_that_is_written_is_judged(tmp_path: Path) -> None:
    templates = lint_templates.synthesize("dev", PROFILES["dev"], tmp_path)
    assert sorted(template.path for template in templates) == sorted(tmp_path.glob("*.template.json"))
    assert [template.stack for template in templates].count("Root") == 1
    assert len(templates) == 9
