"""For code scanning: SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import json
from typing import Any

from breakwater_guards import __version__
from breakwater_guards.formats.places import line_of, uri_of
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding, OtherRule, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOMEPAGE = "https://pypi.org/project/breakwater-guards/"


def to_sarif(report: Report) -> str:
    """Return one run: every rule that ran, its findings, the accepted ones as suppressed results, what failed."""
    rules = {(rule.id, ""): _rule(rule) for rule in report.rules}
    rules |= {(rule.id, rule.tool): _other(rule) for rule in report.others}
    index = {key: number for number, key in enumerate(rules)}
    results = [_result(report, item, index) for item in report.findings]
    for kind, reason, item in (
        *(("inSource", item.reason, item.finding) for item in report.acknowledged),
        *(("external", "It is in the baseline.", item) for item in report.known),
    ):
        suppression = {"kind": kind, "justification": reason}
        results.append({**_result(report, item, index), "suppressions": [suppression]})
    driver = {
        "name": "breakwater-guards",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": HOMEPAGE,
        "rules": list(rules.values()),
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [
            {
                "executionSuccessful": not report.unjudged,
                "toolExecutionNotifications": [
                    *({"level": "error", "message": {"text": str(item)}} for item in report.unjudged),
                    *({"level": "warning", "message": {"text": notice}} for notice in report.notices),
                ],
            }
        ],
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.prevents},
        "help": {"text": f"{rule.fix} {' '.join(rule.sources)}"},
        "helpUri": rule.sources[0],
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _other(rule: OtherRule) -> dict[str, Any]:
    told = {"shortDescription": {"text": rule.title}} if rule.title else {}
    page = {"helpUri": rule.source} if rule.source else {}
    level = {"defaultConfiguration": {"level": rule.severity.value}}
    return {"id": rule.id, **told, **page, **level, "properties": {"tags": [rule.tool]}}


def _result(report: Report, finding: Finding, index: dict[tuple[str, str], int]) -> dict[str, Any]:
    logical = ".".join(part for part in (finding.resource, finding.path) if part)
    # GitHub shows no result without a Region.
    region = {"startLine": line_of(report, finding) or 1}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": uri_of(report, finding)}, "region": region}
    }
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical, "kind": "resource"}]
    return {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule, finding.tool],
        "level": finding.severity.value,
        "message": {"text": f"{finding.message} Fix: {finding.fix}" if finding.fix else finding.message},
        "locations": [location],
        "partialFingerprints": {"place/v1": f"{finding.rule}:{finding.template}:{logical}"},
    }
