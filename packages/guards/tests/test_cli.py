"""The command line, as people and CI servers meet it: exit status, streams, options."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from breakwater_guards import engine
from breakwater_guards.cli import CLEAN, FOUND, UNJUDGED, main
from breakwater_guards.engine import all_rules
from breakwater_guards.facts import dated
from breakwater_guards.report import Unjudged
from breakwater_guards.rule import Profile
from guards_testing.build import resource, template
from guards_testing.process import python

FIXTURES = Path(__file__).parent / "fixtures"
BROKEN = sorted(FIXTURES.glob("*/bad*"))
# One error and one warning in one resource.
CLUSTER = resource(
    "AWS::RDS::DBCluster", Engine="aurora-postgresql", EngineVersion="13.7", Port=5432, _DeletionPolicy="Delete"
)
RULES = ["--rules", "DR-AURORA-01", "DR-AURORA-15"]


@pytest.fixture
def cluster(tmp_path: Path) -> Path:
    """Write a template with one error and one warning."""
    return _write(tmp_path, template({"Cluster": CLUSTER}))


def _write(folder: Path, document: Any, name: str = "cluster.json") -> Path:
    file = folder / name
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return file


@pytest.mark.parametrize("path", BROKEN, ids=[f"{path.parent.name}-{path.name}" for path in BROKEN])
def test_a_broken_fixture_is_named_with_rule_resource_file_and_fix(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = all_rules()[path.parent.name]
    profile = Profile.SINGLE_REGION if Profile.SINGLE_REGION in rule.profiles else Profile.MULTI_REGION
    assert main(["check", str(path), "--format", "json", "--rules", rule.id, "--profile", profile.value]) == FOUND
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert main(["check", str(path), "--rules", rule.id, "--profile", profile.value]) == FOUND
    text = " ".join(capsys.readouterr().out.split())
    for finding in findings:
        for part in (finding["rule"], finding["resource"], finding["message"], finding["fix"], finding["source"]):
            assert " ".join(part.split()) in text
        assert (path / finding["template"] if path.is_dir() else path).is_file()
        assert Path(finding["template"]).name in text


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], FOUND),
        (["--fail-on", "error"], FOUND),
        (["--rules", "DR-AURORA-15"], FOUND),
        (["--rules", "DR-AURORA-15", "--fail-on", "error"], CLEAN),
        (["--rules", "dr-aurora-15,DR-ROUTE53"], FOUND),
        (["--rules", "DR-ROUTE53", "DR-IAM"], CLEAN),
    ],
)
def test_status_follows_rules_and_severity(cluster: Path, options: list[str], status: int) -> None:
    assert main(["check", str(cluster), *options]) == status


def test_warnings_below_the_limit_are_printed_all_the_same(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", str(cluster), "--rules", "DR-AURORA-15", "--fail-on", "error"])
    assert "DR-AURORA-15" in capsys.readouterr().out


def test_rules_of_another_profile_run_only_when_asked() -> None:
    rule = next(one for one in all_rules().values() if Profile.SINGLE_REGION not in one.profiles)
    bad = next(FIXTURES.glob(f"{rule.id}/bad*"))
    assert main(["check", str(bad), "--rules", rule.id]) == CLEAN
    assert main(["check", str(bad), "--rules", rule.id, "--profile", "multi-region"]) == FOUND


def test_json_has_the_promised_keys(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", str(cluster), "--format", "json", *RULES])
    document = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in document["findings"]] == ["DR-AURORA-01", "DR-AURORA-15"]
    promised = {"rule", "severity", "resource", "template", "path", "message", "fix", "source"}
    for finding in document["findings"]:
        assert promised <= finding.keys()
        assert finding["resource"] == "Cluster"
    assert document["findings"][0]["path"] == "EngineVersion"
    assert "13.7" in document["findings"][0]["message"]


def test_every_machine_format_parses(cluster: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {}
    for name in ("sarif", "junit", "github"):
        assert main(["check", str(cluster), "--format", name, *RULES]) == FOUND
        outputs[name] = capsys.readouterr().out
    schema = json.loads(Path(__file__).with_name("sarif-2.1.0.json").read_text(encoding="utf-8"))
    sarif = json.loads(outputs["sarif"])
    jsonschema.validate(sarif, schema)
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["DR-AURORA-01", "DR-AURORA-15"]
    assert len(list(ET.fromstring(outputs["junit"]).iter("failure"))) == 2  # noqa: S314 (our own output)
    assert [line.split(" ")[0] for line in outputs["github"].splitlines()] == ["::error", "::warning"]


@pytest.mark.parametrize("place", ["resource", "template"])
def test_acknowledged_in_metadata(tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = {"breakwater:guards": {"DR-AURORA-01": "restored from a snapshot of 2021, moves in March"}}
    document = template({"Cluster": {**CLUSTER, **({"Metadata": metadata} if place == "resource" else {})}})
    file = _write(tmp_path, document | ({"Metadata": metadata} if place == "template" else {}))
    assert main(["check", str(file), "--rules", "DR-AURORA-01"]) == CLEAN
    capsys.readouterr()
    assert main(["check", str(file), "--rules", "DR-AURORA-01", "--format", "json"]) == CLEAN
    (acknowledged,) = json.loads(capsys.readouterr().out)["acknowledged"]
    assert acknowledged["reason"] == metadata["breakwater:guards"]["DR-AURORA-01"]


def test_an_acknowledgement_without_a_reason_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metadata = {"breakwater:guards": {"DR-AURORA-01": "known"}}
    file = _write(tmp_path, template({"Cluster": {**CLUSTER, "Metadata": metadata}}))
    assert main(["check", str(file), "--rules", "DR-AURORA-01"]) == FOUND
    assert re.search(r"^guards: warning: .*DR-AURORA-01", capsys.readouterr().err)


REFUSED: dict[str, str | bytes | None] = {
    "missing.yaml": None,
    "empty.yaml": "",
    "garbage.json": b"\x7fELF\x00\xff\xfe\x00garbage",
    "list.json": "[1, 2]",
    "no-template.json": '{"name": "package"}',
    "cut.json": '{"Resources": {"A":',
    "tab.yaml": "Resources:\n\tA: 1\n",
    "bomb.yaml": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{after}: &{after} [{', '.join([f'*{name}'] * 9)}]\n" for name, after in zip("abcdefg", "bcdefgh", strict=True)
    )
    + "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {P: *h}}}\n",
    "deep.json": '{"Resources": {"A": ' + '{"Fn::Not": ' * 5000 + "1" + "}" * 5002,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_judged_is_one_line(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, file = REFUSED[name], tmp_path / name
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main(["check", str(file)]) == UNJUDGED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(r"guards: [^\n]+\n", shown.err)
    assert name in shown.err


def test_a_folder_without_templates_cannot_be_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package.json").write_text("{}")
    assert main(["check", str(tmp_path)]) == UNJUDGED
    assert "holds no CloudFormation template" in capsys.readouterr().err


def test_references_in_a_circle_end(tmp_path: Path) -> None:
    circle = {"Fn::GetAtt": ["B", "Arn"]}, {"Fn::GetAtt": ["A", "Arn"]}
    resources = {name: resource("AWS::SQS::Queue", KmsMasterKeyId=to) for name, to in zip("AB", circle, strict=True)}
    assert main(["check", str(_write(tmp_path, template(resources)))]) in {CLEAN, FOUND}


@pytest.mark.parametrize("arguments", [["check", "{path}", "--rules", "DR-NONE-01"], ["explain", "DR-NONE-01"]])
def test_a_rule_that_does_not_exist(cluster: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument.format(path=cluster) for argument in arguments]) == UNJUDGED
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "DR-NONE-01" in error
    assert "list" in error


def test_a_rule_that_fails_does_not_count_as_clean(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Unjudged(rule="DR-IAM-01", error=KeyError("Statement"))
    monkeypatch.setattr(engine, "_run", lambda rule, _: ([], failed.error if rule.id == failed.rule else None))
    assert main(["check", str(cluster)]) == UNJUDGED
    assert str(failed) in capsys.readouterr().err


def test_list_and_explain_show_every_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == CLEAN
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(all_rules())
    for rule in all_rules().values():
        assert main(["explain", rule.id.lower()]) == CLEAN
        shown = capsys.readouterr().out
        assert all(part in shown for part in (rule.id, rule.title, rule.prevents, rule.fix, *rule.sources))
        assert (f"Facts: of {dated(rule.data)}" if rule.data else "Sources:") in shown


def test_neither_cdk_nor_node_is_needed(cluster: Path) -> None:
    program = """
import sys
class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aws_cdk", "jsii", "constructs", "boto3", "cfnlint"}:
            raise AssertionError(f"imports {name}")
sys.meta_path.insert(0, Forbidden())
from breakwater_guards.cli import run
run()
"""
    done = python("-c", program, "check", str(cluster), env={"PATH": "/nonexistent"})
    assert done.returncode == FOUND, done.stderr
    assert "DR-AURORA-01" in done.stdout


def test_the_module_is_the_command(cluster: Path) -> None:
    done = python("-m", "breakwater_guards", "check", str(cluster), "--format", "github")
    assert (done.returncode, done.stderr) == (FOUND, "")
    assert "::error" in done.stdout


def test_a_reader_that_has_seen_enough_gets_no_traceback(tmp_path: Path) -> None:
    resources = {f"Cluster{number}": CLUSTER for number in range(2_000)}
    file = _write(tmp_path, template(resources))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        command = ["-m", "breakwater_guards", "check", str(file), "--format", "json"]
        done = python(*command, stdout=pipe, stderr=subprocess.PIPE)
    assert done.stderr == ""
    assert done.returncode == FOUND
