"""Other checkers join the report: which templates they see, what is corrected, what is accepted, what is missing."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import check, tools
from breakwater_guards.cli import FOUND, UNJUDGED, main
from breakwater_guards.engine import examine
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.rule import Severity
from breakwater_guards.tools import TOOLS, ToolError, cfn_lint, validate
from guards_testing.build import nested, resource, template, write

REASON = "the group belongs to another team, which renames it in May"
LOG = resource(
    "AWS::WAFv2::LoggingConfiguration",
    ResourceArn="arn:aws:wafv2:us-east-1:111111111111:regional/webacl/a/b",
    LogDestinationConfigs=["arn:aws:logs:us-east-1:111111111111:log-group:orders"],
)
WAF = "pf-wafv2-logging-destination"
TOPIC = resource("AWS::SNS::Topic", Colour="blue")


def ids(app: Assembly, *asked: str) -> list[tuple[str, str]]:
    """Return template and id of what other checkers find."""
    return [(item.template, item.rule) for item in check(app, tools=asked).findings if item.tool]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_checker_sees_root_and_nested_stack_under_its_own_ids(tool: str) -> None:
    resources = {"cfn-lint": TOPIC, "cloudformation-validate": TOPIC, "cdk-preflight": LOG}
    expected = {"cfn-lint": "E3002", "cloudformation-validate": "F3002", "cdk-preflight": WAF}[tool]
    child = template({"Bad": resources[tool]})
    app = Assembly({"root": template({"Bad": resources[tool], "Child": nested("child")}), "child": child})
    assert ids(app, tool) == [("child", expected), ("root", expected)]
    (first, _) = (item for item in check(app, tools=[tool]).findings if item.tool)
    assert (first.tool, first.resource, first.severity) == (tool, "Bad", Severity.ERROR)
    assert first.path == ("LogDestinationConfigs.0" if tool == "cdk-preflight" else "Colour")
    assert ids(Assembly.from_document(template({"Good": resource("AWS::SNS::Topic")})), tool) == []


def test_nobody_else_is_asked_without_being_named() -> None:
    report = check(Assembly.from_document(template({"Bad": TOPIC})))
    assert (report.findings, report.tools, report.others) == ((), (), ())


@pytest.mark.parametrize("place", ["resource", "template"])
def test_their_findings_are_accepted_alike(place: str) -> None:
    metadata = {"breakwater:guards": {WAF: REASON}}
    document = template({"Log": {**LOG, "Metadata": metadata}}) if place == "resource" else template({"Log": LOG})
    document |= {"Metadata": metadata} if place == "template" else {}
    report = check(Assembly.from_document(document), tools=["cdk-preflight"])
    assert report.findings == ()
    assert report.notices == ()
    assert [(item.finding.rule, item.reason) for item in report.acknowledged] == [(WAF, REASON)]
    assert check(Assembly.from_document(document)).notices == (), "also where nobody asks them"


def test_a_reason_for_their_rules_is_as_long_as_for_ours() -> None:
    log = {**LOG, "Metadata": {"breakwater:guards": {WAF: "known", "E12": REASON}}}
    report = check(Assembly.from_document(template({"Log": log})), tools=["cdk-preflight"])
    assert [item.rule for item in report.findings] == [WAF]
    assert len(report.notices) == 2


def test_a_rule_that_two_of_them_share_is_told_once() -> None:
    document = template({"Role": resource("AWS::SNS::Topic", TopicName={"Fn::Sub": "a"})})
    asked = check(Assembly.from_document(document), tools=["cfn-lint", "cloudformation-validate"])
    assert [(item.rule, item.tool) for item in asked.findings] == [("W1020", "cfn-lint")]
    alone = check(Assembly.from_document(document), tools=["cloudformation-validate"])
    assert [(item.rule, item.tool, item.severity) for item in alone.findings] == [
        ("W1020", "cloudformation-validate", Severity.WARNING)
    ]
    assert [(rule.id, rule.tool) for rule in asked.others] == [("W1020", "cfn-lint")]


@pytest.mark.parametrize("metadata", [{}, {"cfn-lint": {"config": {"ignore_checks": ["W3690"]}}}], ids=["", "off"])
def test_a_retired_engine_version_is_an_error_that_no_template_switches_off(metadata: dict[str, Any]) -> None:
    properties = {"Engine": "aurora-postgresql", "MasterUsername": "dba", "ManageMasterUserPassword": True}
    policies = {"_DeletionPolicy": "Snapshot", "_UpdateReplacePolicy": "Snapshot", "_Metadata": metadata}
    for version, expected in (("13.4", [("W3690", Severity.ERROR)]), ("17.7", [])):
        cluster = resource("AWS::RDS::DBCluster", **properties, EngineVersion=version, **policies)
        found = check(Assembly.from_document(template({"Cluster": cluster})), rules=["DR-KMS"], tools=["cfn-lint"])
        assert [(item.rule, item.severity) for item in found.findings] == expected


@pytest.mark.parametrize("region", ["us-east-1", "mx-central-1", "xx-none-1"])
def test_each_region_is_judged_by_its_own_facts(region: str) -> None:
    document = template({"Group": resource("AWS::DAX::SubnetGroup", SubnetIds=["subnet-0123456789abcdef0"])})
    app = Assembly({"root": document}, {"root": (region, None)})
    assert [rule for _, rule in ids(app, "cfn-lint")] == (["E3006"] if region == "mx-central-1" else [])


def test_places_outside_the_resources_are_named_from_the_top() -> None:
    topic = resource("AWS::SNS::Topic", _DeletionPolicy="Never", _UpdateReplacePolicy="Delete")
    document = template({"T": topic}, Parameters={"Unused": {"Type": "String"}})
    found = check(Assembly.from_document(document), tools=["cfn-lint"]).findings
    assert [(item.resource, item.path) for item in found] == [("", "Parameters.Unused"), ("T", "DeletionPolicy")]


# What one template at a time can get wrong


@pytest.mark.parametrize("tool", TOOLS)
def test_a_local_path_of_a_stack_of_the_assembly_is_replaced_when_it_is_deployed(tool: str) -> None:
    root = template({"Child": resource("AWS::CloudFormation::Stack", TemplateURL="./child.yaml")})
    child = template({"Topic": resource("AWS::SNS::Topic")})
    assert ids(Assembly({"root.yaml": root, "child.yaml": child}), tool) == []
    if tool == "cdk-preflight":
        assert ids(Assembly({"root.yaml": root}), tool) == [("root.yaml", "pf-cfn-nested-templateurl-scheme")]


def test_a_transform_that_a_tool_may_add_is_a_warning() -> None:
    connector = resource(
        "AWS::Serverless::Connector", Source={"Id": "A"}, Destination={"Id": "B"}, Permissions=["Read"]
    )
    found = check(Assembly.from_document(template({"C": connector})), tools=["cfn-lint"]).findings
    assert {(item.rule, item.severity) for item in found} == {("E3038", Severity.WARNING)}


@pytest.mark.parametrize("tool", TOOLS)
def test_an_empty_condition_name_is_none(tool: str) -> None:
    topic = resource("AWS::SNS::Topic", _Condition="")
    document = template(
        {"T": topic}, Outputs={"Name": {"Condition": "", "Value": {"Ref": "T"}}, "Other": {"Value": "x"}}
    )
    assert ids(Assembly.from_document(document), tool) == []
    topic["Condition"] = "Nowhere"
    assert (ids(Assembly.from_document(document), tool) == []) is (tool == "cdk-preflight")


# What is missing or fails


@pytest.mark.parametrize("tool", TOOLS)
def test_a_checker_that_is_not_installed_is_one_line(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    write(tmp_path, a__json=template({"Bad": TOPIC}))
    assert main(["check", str(tmp_path), "--with", tool]) == UNJUDGED
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith(f"guards: --with {tool}: ")
    assert line.endswith(f"is not installed; run: pip install {' '.join(tools.NEEDS[tool])}")


def test_a_checker_without_its_modules_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "breakwater_guards.tools.cfn_lint", None)
    with pytest.raises(tools.MissingToolError, match="--with cfn-lint: "):
        tools.loader("cfn-lint")


def test_a_template_that_a_checker_fails_on_hides_nothing() -> None:
    """cfn-lint 1.58 fails on metadata that are no mapping."""
    odd = template({"T": resource("AWS::SNS::Topic", _Metadata=5)})
    report = examine(Assembly({"a": odd, "b": template({"Bad": TOPIC})}), tools=["cfn-lint"])
    assert [(item.template, item.rule) for item in report.findings] == [("b", "E3002")]
    (failure,) = map(str, report.unjudged)
    assert failure.startswith("could not judge: cfn-lint failed (ToolError: a: ")


def test_a_text_that_is_no_template_is_an_error_of_the_engine() -> None:
    with pytest.raises(ToolError, match="status ERROR"):
        list(validate.load("cloudformation-validate", frozenset())("{", "x", None))


def test_a_second_app_with_other_types_gets_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "_loaded", validate._Loaded())
    assert ids(Assembly.from_document(template({"T": resource("AWS::SNS::Topic")})), "cdk-preflight") == []
    first = validate._loaded.engine
    for _ in range(2):
        assert ids(Assembly.from_document(template({"L": LOG})), "cdk-preflight") == [("template", WAF)]
    second = validate._loaded.engine
    assert second is not first
    assert ids(Assembly.from_document(template({"T": TOPIC})), "cdk-preflight") == []
    assert validate._loaded.engine is second


def test_the_command_gives_one_report_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = resource("AWS::Route53::HostedZone", Name="example.com")
    write(tmp_path, a__json=template({"Zone": zone, "Log": LOG, "Bad": TOPIC}))
    options = ["--with", "cfn-lint", "--with", "cdk-preflight", "--format", "json"]
    assert main(["check", str(tmp_path), *options]) == FOUND
    found = json.loads(capsys.readouterr().out)
    assert {(item["rule"], item["tool"]) for item in found["findings"]} >= {
        ("DR-ROUTE53-01", ""),
        ("E3002", "cfn-lint"),
        (WAF, "cdk-preflight"),
    }


def test_a_text_that_is_no_template_is_no_finding_of_the_rules_of_cdk_preflight() -> None:
    judge = validate.load("cdk-preflight", frozenset({LOG["Type"]}))
    told: list[Any] = []
    with pytest.raises(ToolError, match="status ERROR"):
        told.extend(judge("{", "x", None))
    assert told == []
    assert [item.rule for item in judge(json.dumps(template({"L": LOG})), "x", None)] == [WAF]


def test_what_cfn_lint_only_informs_of_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".cfnlintrc").write_text("include_checks: [I]\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cfn_lint, "_runner", cfn_lint._runner.__wrapped__)
    table = resource("AWS::DynamoDB::Table", TableName="orders", _DeletionPolicy="Delete")
    document = template({"Table": table, "Bad": TOPIC})
    informed = [match.rule.id for match in cfn_lint._runner("us-east-1").validate_template(document)]
    assert any(rule.startswith("I") for rule in informed)
    told = [item.rule for item in cfn_lint.judge(json.dumps(document), "x", "us-east-1")]
    assert "E3002" in told
    assert not any(rule.startswith("I") for rule in told)


@pytest.mark.parametrize(("version", "expected"), [({}, []), ({"Version": "2015-01-01"}, ["pf-iam-policy-version"])])
def test_a_policy_needs_no_version(version: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "read", "PolicyDocument": {**version, "Statement": [statement]}}
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument={"Statement": [trust]}, Policies=[policy])
    write(tmp_path, a__json=template({"Role": role}))
    report = check(tmp_path, rules=["DR-NET-01"], tools=["cdk-preflight"])
    assert [finding.rule for finding in report.findings if finding.severity is Severity.ERROR] == expected
