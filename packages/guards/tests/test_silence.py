"""`--explain-silence` says why a rule does not report a resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import engine
from breakwater_guards.cli import CLEAN, UNJUDGED, main
from guards_testing.build import nested, resource, template, write
from guards_testing.rules import failing, made

RULE = "DR-DYNAMODB-03"


def table(ttl: Any, **more: Any) -> dict[str, Any]:
    """Return a table with a specification of its time to live."""
    return resource("AWS::DynamoDB::Table", TimeToLiveSpecification=ttl, **more)


def explained(folder: Path, capsys: pytest.CaptureFixture[str], rule: str = RULE, **resources: Any) -> list[str]:
    """Explain the silence of a rule about the resource ``R``."""
    sections = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}, "Parameters": {"Name": {"Type": "String"}}}
    write(folder, a__json=template(resources, **sections))
    assert main(["check", str(folder), "--explain-silence", rule, "R"]) == CLEAN
    return capsys.readouterr().out.splitlines()


def test_absent_and_known_values_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *read = explained(tmp_path, capsys, R=table({"Enabled": True, "AttributeName": "gone"}))
    assert first.startswith(f"a.json:R: {RULE} is silent: it read this of the AWS::DynamoDB::Table")
    assert read == ["  TimeToLiveSpecification: {'Enabled': True, 'AttributeName': 'gone'}"]
    assert any(line.endswith(": absent") for line in explained(tmp_path, capsys, R=resource("AWS::DynamoDB::Table")))


def test_a_value_that_only_the_deployment_decides_is_shown_as_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = explained(
        tmp_path, capsys, rule="DR-ROUTE53-01", R=resource("AWS::Route53::HostedZone", Name={"Ref": "Name"})
    )
    assert any("only the deployment decides" in line and "written as {'Ref': 'Name'}" in line for line in lines)


def test_other_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = {"Enabled": True}
    (line,) = explained(tmp_path, capsys, R=table(bad))
    assert f"{RULE} fires: " in line
    reason = "the attribute comes with the next release"
    (line,) = explained(tmp_path, capsys, R=table(bad, _Metadata={"breakwater:guards": {RULE: reason}}))
    assert f"{RULE} is acknowledged ({reason}): " in line
    (line,) = explained(tmp_path, capsys, R=table(bad, _Condition="Never"))
    assert "the condition of the resource, or of its stack, is never true" in line
    (line,) = explained(tmp_path, capsys, R=resource("AWS::SNS::Topic"), T=table(bad))
    assert "it looks at AWS::DynamoDB::GlobalTable, AWS::DynamoDB::Table, and not at AWS::SNS::Topic" in line
    (line,) = explained(tmp_path, capsys, rule="DR-IAM-03", R=resource("AWS::SNS::Topic"))
    assert "it asked for no single property of this AWS::SNS::Topic" in line
    first, *_ = explained(tmp_path, capsys, rule="DR-REGION-01", R=resource("AWS::DynamoDB::Table"))
    assert first == "DR-REGION-01 runs with --profile multi-region only, as it does here."


def test_every_stack_that_has_it_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, child__json=template({"R": resource("AWS::SNS::Topic")}))
    lines = explained(tmp_path, capsys, R=resource("AWS::SNS::Topic"), C=nested("child.json"))
    assert [line.partition(":R: ")[0] for line in lines] == ["a.json", "child.json"]


def test_a_rule_that_fails_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.all_rules(), "DR-X-01", made("DR-X-01", failing))
    first, *_ = explained(tmp_path, capsys, rule="dr-x-01", R=resource("AWS::SNS::Topic"))
    assert first.startswith("could not judge: rule DR-X-01 failed")


@pytest.mark.parametrize(
    ("rule", "name", "told"),
    [
        ("DR-NONE-01", "R", "--explain-silence DR-NONE-01: no such rule; see the command `list`"),
        (RULE, "Tabel", "no resource 'Tabel'; is 'Table' meant?"),
        (RULE, "Xyz", "no resource 'Xyz'"),
    ],
)
def test_what_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rule: str, name: str, told: str
) -> None:
    write(tmp_path, a__json=template({"Table": table({})}))
    assert main(["check", str(tmp_path), "--explain-silence", rule, name]) == UNJUDGED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(told)
