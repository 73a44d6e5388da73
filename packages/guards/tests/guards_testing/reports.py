"""Findings and reports for the formats."""

from __future__ import annotations

from typing import Any

from breakwater_guards import Finding, Outcome, Profile, Report, Rule


def rule(rule_id: str, outcome: Outcome) -> Rule:
    """Return a rule with placeholder texts."""
    return Rule(
        id=rule_id,
        title=f"title of {rule_id}",
        outcome=outcome,
        prevents="what AWS says",
        fix="Mend it.",
        sources=("https://example.com/a", "https://example.com/b"),
        check=lambda _: iter(()),
        profiles=frozenset(Profile),
    )


RULES = (rule("DR-A-01", Outcome.REFUSED), rule("DR-B-01", Outcome.LATER), rule("DR-C-01", Outcome.REFUSED))


def finding(number: int = 0, **changes: Any) -> Finding:
    """Return a finding of one of the rules, by number."""
    of = RULES[number]
    given = {
        "rule": of.id,
        "severity": of.severity,
        "template": "a.yaml",
        "resource": "Cluster",
        "path": "EngineVersion",
        "message": "'15.6' is not offered.",
        "fix": of.fix,
        "source": of.sources[0],
    }
    return Finding(**{**given, **changes})


def report(*findings: Finding, **more: Any) -> Report:
    """Return a report with these findings."""
    return Report(**{"findings": findings, "acknowledged": (), "rules": RULES, **more})
