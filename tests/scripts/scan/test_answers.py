"""How the answers of the other scanners are read; `make scan` runs them over the platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.scan import checkov, dependencies, iam, linters
from scripts.scan.model import Acknowledged, Finding, Listed, ScanError, Subject, Template, run
from tests.assembly import ROOT, Assembly

REASON = "a reason that is long enough for anybody to disprove it"


def _subject(folder: Path, **resources: Any) -> Subject:
    file = folder / "Storage.nested.template.json"
    file.write_text(json.dumps({"Resources": resources}))
    return Subject("prod", folder, (Template("prod", "Storage", "us-east-1", file),))


def _says(monkeypatch: pytest.MonkeyPatch, module: Any, answer: Any) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    monkeypatch.setattr(module, "run", lambda *_, **__: text)


def _check(name: str, resource: str, comment: str = "") -> dict[str, Any]:
    result = {"suppress_comment": comment} if comment else {}
    return {
        "check_id": name,
        "check_name": f"Ensure {name}",
        "resource": f"AWS::S3::Bucket.{resource}",
        "file_path": "/Storage.nested.template.json",
        "check_result": result,
    }


def test_checkov_counts_passed_failed_and_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results = {
        "passed_checks": [_check("CKV_1", "A"), _check("CKV_2", "A")],
        "failed_checks": [_check("CKV_3", "B")],
        "skipped_checks": [_check("CKV_4", "A", REASON)],
        "parsing_errors": [],
    }
    _says(monkeypatch, checkov, {"results": results})
    result = checkov.scan(_subject(tmp_path), tmp_path)
    assert result.passed == 2
    assert result.failed == (Finding("Storage/B", "CKV_3", "Ensure CKV_3"),)
    assert result.acknowledged == (Acknowledged(Finding("Storage/A", "CKV_4", "Ensure CKV_4"), REASON),)


def test_a_template_that_checkov_cannot_parse_is_no_clean_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results = {"passed_checks": [], "failed_checks": [], "skipped_checks": [], "parsing_errors": ["/a.json"]}
    _says(monkeypatch, checkov, {"results": results})
    with pytest.raises(ScanError, match=r"cannot parse /a\.json"):
        checkov.scan(_subject(tmp_path), tmp_path)


def test_a_skip_that_skips_nothing_is_found(tmp_path: Path) -> None:
    metadata = {"checkov": {"skip": [{"id": "CKV_9", "comment": REASON}]}}
    subject = _subject(tmp_path, Bucket={"Type": "AWS::S3::Bucket", "Metadata": metadata})
    (found,) = checkov.stale([], [subject])
    assert (found.where, found.rule) == ("Storage/Bucket", "CKV_9")


def test_control_tower_sees_a_bucket_without_protection_and_only_what_is_listed_stays(tmp_path: Path) -> None:
    subject = _subject(tmp_path, Bucket={"Type": "AWS::S3::Bucket", "Properties": {}})
    (result,) = linters.control_tower([subject], [])
    rules = {finding.rule for finding in result.failed}
    assert "s3_bucket_level_public_access_prohibited_check" in rules
    assert {finding.where for finding in result.failed} == {"Storage/Bucket"}
    entry = Listed(linters.CONTROL_TOWER, "s3_bucket_logging_enabled_check", "Storage/*", REASON)
    (again,) = linters.control_tower([subject], [entry])
    assert {one.finding.rule for one in again.acknowledged} == {entry.rule}
    assert len(again.failed) == len(result.failed) - 1


def test_cfn_lint_and_validate_report_a_property_that_does_not_exist(tmp_path: Path) -> None:
    subject = _subject(tmp_path, Bucket={"Type": "AWS::S3::Bucket", "Properties": {"Nonsense": True}})
    for result in (linters.lint(subject), linters.validate(subject, [])):
        assert [finding.where for finding in result.failed] == ["Storage/Bucket"]
        assert result.passed == 0


def test_every_policy_of_the_platform_is_found_as_plain_json(prod: Assembly) -> None:
    found = list(iam.policies(prod.folder))
    text = json.dumps([policy.document for policy in found])
    assert "Fn::" not in text
    assert "Ref" not in text.replace("kms:ReEncrypt", "")
    assert {policy.kind for policy in found} == {iam.IDENTITY, iam.TRUST, iam.RESOURCE}
    inline = [role for _, role in prod.all_of_type("AWS::IAM::Role") if role["Properties"].get("Policies")]
    attached = list(prod.all_of_type("AWS::IAM::Policy"))
    assert sum(policy.kind == iam.IDENTITY for policy in found) == len(inline) + len(attached)
    trusting = list(prod.all_of_type("AWS::IAM::Role"))
    assert sum(policy.kind == iam.TRUST for policy in found) == len(trusting)
    assert "arn:aws:dynamodb:us-east-1:111111111111:table/" in text
    assert "arn:aws:kms:us-east-1:111111111111:key/" in text


def test_parliament_fails_from_medium_on_and_what_cannot_be_narrowed_stays(
    monkeypatch: pytest.MonkeyPatch, prod: Assembly, tmp_path: Path
) -> None:
    answers = [
        {"where": "A", "rule": "WILDCARD", "severity": "HIGH", "message": "s3:PutObject on every resource"},
        {"where": "B", "rule": "RESOURCE_STAR", "severity": "LOW", "message": "style"},
        {"where": "C", "rule": iam.UNNARROWABLE, "severity": "HIGH", "message": "cloudwatch:PutMetricData"},
        {"where": "D", "rule": "MISMATCHED_TYPE", "severity": "MEDIUM", "message": "a type"},
    ]
    _says(monkeypatch, iam, answers)
    entry = Listed(iam.SCANNER, "MISMATCHED_TYPE", "D", REASON)
    result = iam.scan(Subject("prod", prod.folder, ()), tmp_path, [entry])
    assert [finding.where for finding in result.failed] == ["A"]
    assert {one.finding.where: one.reason for one in result.acknowledged} == {"D": REASON, "C": iam.NOTHING_NARROWER}


def test_packages_without_an_answer_have_not_passed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = {"name": "a", "version": "1", "vulns": []}
    bad = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "description": "bad"}]}
    _says(monkeypatch, dependencies, {"dependencies": [known, bad]})
    result = dependencies.pip_audit(tmp_path)
    assert (result.passed, result.unavailable) == (1, "")
    assert result.failed == (Finding("b 2", "PYSEC-1", "bad"),)
    _says(monkeypatch, dependencies, {"dependencies": [known, {"name": "c", "skip_reason": "not found"}]})
    result = dependencies.pip_audit(tmp_path)
    assert result.passed == 1
    assert "1 of 2" in result.unavailable
    _says(monkeypatch, dependencies, "no JSON")
    assert dependencies.pip_audit(tmp_path).unavailable


def test_what_is_deployed_is_audited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> str:
        asked.append(command[-1])
        return json.dumps({"dependencies": []})

    monkeypatch.setattr(dependencies, "run", run)
    dependencies.pip_audit(tmp_path)
    assert str(ROOT / "service" / "requirements.txt") in asked


def test_npm_audit_fails_on_an_advisory_and_says_when_it_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "vulnerabilities": {"left-pad": {"severity": "high", "range": "<2"}},
        "metadata": {"dependencies": {"total": 3}},
    }
    _says(monkeypatch, dependencies, answer)
    result = dependencies.npm_audit()
    assert (result.passed, result.failed) == (2, (Finding("left-pad", "high", "<2"),))
    _says(monkeypatch, dependencies, {"statusCode": 405, "message": "no"})
    assert dependencies.npm_audit().unavailable == "the registry answered 405"


def test_a_program_that_is_missing_or_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="make install"):
        run([str(tmp_path / "nothing")])
    with pytest.raises(ScanError, match="exit code 3: broken"):
        run(["sh", "-c", "echo broken >&2; exit 3"])
    assert run(["cat"], given="text") == "text"
