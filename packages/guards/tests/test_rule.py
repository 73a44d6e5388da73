"""Rules: their declaration, the words for values, the package's own rules and the age of their facts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards import engine, rule
from breakwater_guards import rules as rule_modules
from breakwater_guards.facts import dated, facts, freshness
from breakwater_guards.facts.clock import pinned
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import ABSENT, UNKNOWN, Opaque, Reference, Text
from breakwater_guards.rule import Outcome, Severity, show
from guards_testing.build import resource, template, write
from guards_testing.rules import KIND, bad_property, made, three_rules

PACKAGE = engine.all_rules()


def test_declaration_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "_RULES", {})
    texts: dict[str, Any] = {"title": "t", "outcome": rule.Outcome.SILENT, "prevents": "p", "fix": "f"}
    declare = rule.rule("DR-X-01", sources=("https://example.com",), **texts)
    assert declare(bad_property) is bad_property
    assert rule.declared_rules()["DR-X-01"].check is bad_property
    for rule_id, sources in (("DR-X-01", ("s",)), ("DR-x-01", ("s",)), ("DR-X-1", ("s",)), ("DR-X-02", ())):
        with pytest.raises(ValueError, match=f"rule '{rule_id}'"):
            rule.rule(rule_id, sources=sources, **texts)(bad_property)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "'a'"),
        (5, "5"),
        (ABSENT, "not set"),
        (UNKNOWN, "unknown"),
        (Reference("t", "R"), "R"),
        (Reference("t", "R", "Arn"), "R.Arn"),
        (Opaque("zone", "1"), "zone"),
        (Text(("a-", UNKNOWN)), "'a-…'"),
        (Text((Reference("t", "R", "Arn"), "/", Reference("t", "S"))), "'${R.Arn}/${S}'"),
        (Text(("a-", Opaque("region", ""), Opaque("AWS::Partition", ""))), "'a-${AWS::Region}${AWS::Partition}'"),
        ("x" * 1000, "'" + "x" * 299 + "…"),
    ],
    ids=str,
)
def test_show(value: Any, text: str) -> None:
    assert show(value) == text


# The package's own rules and facts


def test_rules_are_complete() -> None:
    for item in PACKAGE.values():
        assert item.title, item.id
        assert item.prevents, item.id
        assert item.fix.endswith("."), item.id
        assert all(source.startswith("https://") for source in item.sources), item.id
        if item.data:
            assert dated(item.data) <= datetime.now(UTC).date(), item.id
            assert facts(item.data)["sources"], item.id


@pytest.mark.parametrize(
    ("outcome", "severity", "when_strict"),
    [
        (Outcome.REFUSED, Severity.ERROR, Severity.ERROR),
        (Outcome.SILENT, Severity.ERROR, Severity.ERROR),
        (Outcome.LATER, Severity.WARNING, Severity.WARNING),
        (Outcome.POLICY, Severity.WARNING, Severity.ERROR),
    ],
)
def test_the_outcome_alone_decides_the_severity(outcome: Outcome, severity: Severity, when_strict: Severity) -> None:
    assert made("DR-X-01", bad_property, outcome=outcome).severity is severity
    assert made("DR-X-01", bad_property, outcome=outcome, strict=True).severity is when_strict
    assert any(item.outcome is outcome for item in PACKAGE.values()), "no rule needs it"


def test_policies_are_those_of_working_templates() -> None:
    """What a rule prevents says what becomes of a template: a policy names no refusal, a refusal no silence."""
    for item in PACKAGE.values():
        refusal = re.search(r"\((?:\w+(?:Exception|Fault|Combination|Value|Document|Request|Error))\)", item.prevents)
        silence = item.prevents.startswith(("No error is reported", "The plan deploys"))
        if item.outcome is Outcome.REFUSED:
            assert not silence, item.id
        if item.outcome is Outcome.POLICY:
            assert not refusal, item.id
            assert "fails to create" not in item.prevents, item.id


def test_strict_reports_policies_as_errors(tmp_path: Path) -> None:
    write(tmp_path, key__json=template({"Key": resource("AWS::KMS::Key", EnableKeyRotation=False)}))
    for strict, severity in ((False, Severity.WARNING), (True, Severity.ERROR)):
        (finding,) = engine.check(tmp_path, rules=["DR-KMS-01"], strict=strict).findings
        assert finding.severity is severity


def test_old_facts_are_reported() -> None:
    with_data = [made("DR-OLD-01", bad_property, data="fargate"), made("DR-OLD-02", bad_property, data="fargate")]
    taken = dated("fargate")
    with pinned(taken + timedelta(days=freshness.MAX_AGE_DAYS)):
        assert list(freshness.stale_data(with_data)) == []
    with pinned(taken + timedelta(days=freshness.MAX_AGE_DAYS + 1)):
        assert list(freshness.stale_data(with_data)) == [
            "facts in facts/data/fargate.json are 181 days old: run `python -m breakwater_guards.facts.refresh`"
        ]
        assert list(freshness.stale_data(three_rules().values())) == []


def test_every_module_of_rules_is_found() -> None:
    folder = Path(rule_modules.__path__[0])
    declaring = [file for file in folder.rglob("*.py") if "\n@rule(" in file.read_text(encoding="utf-8")]
    names = {".".join(file.relative_to(folder).with_suffix("").parts) for file in declaring}
    assert {item.check.__module__.removeprefix(f"{rule_modules.__name__}.") for item in PACKAGE.values()} == names
    assert list(PACKAGE) == sorted(PACKAGE)


@pytest.mark.parametrize(
    ("path", "written", "told"),
    [
        ("PubliclyAccessible", "true; allowed: false.", "PubliclyAccessible is true; allowed: false."),
        ("A.B[]", "'', but Enabled is true.", "B is '', but Enabled is true."),
        ("A", "not set on 1 of the replicas; allowed: true.", "A is not set on 1 of the replicas; allowed: true."),
        ("A", "0: a failed check counts.", "A is 0: a failed check counts."),
        ("A", "'15.4' is not offered.", "'15.4' is not offered."),
        ("A", "1441 periods of 60 s are too long.", "1441 periods of 60 s are too long."),
        ("A.0", "true; allowed: false.", "true; allowed: false."),
        ("", "not set, but needed.", "not set, but needed."),
    ],
)
def test_a_message_names_what_it_is_about(path: str, written: str, told: str) -> None:
    found = made("DR-X-01", lambda app: iter([rule.breach(next(app.of_type(KIND)), path, written)]))
    app = Assembly.from_document(template({"R": resource(KIND)}))
    (breach,) = found.check(app)
    assert found.finding(breach).message == told


def test_a_version_that_is_not_offered_is_told_with_its_neighbour() -> None:
    cluster = resource("AWS::RDS::DBCluster", Engine="aurora-postgresql", EngineVersion="15.4")
    app = Assembly.from_document(template({"C": cluster}))
    with pinned(date(2026, 11, 22)):
        (finding,) = engine.check(app, rules=["DR-AURORA-01"]).findings
    assert finding.message.startswith("EngineVersion '15.4' is not offered; the nearest that is: 15.10, the newest: ")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("*", "*"), ("a/*", "a/*"), ("a-*-b", "a-…-b"), ("arn:*:sqs:*:*:orders", "arn:aws:sqs:…:…:orders"), ("", "")],
)
def test_patterns_are_worded_for_people(pattern: str, text: str) -> None:
    assert rule.readable(pattern) == text
