"""Run parliament over policies, in the virtual environment that holds it: JSON in, JSON out.

Reads `[{"where", "kind", "document"}]` and prints `[{"where", "rule", "severity", "message"}]`. A statement for every
resource is reported as `WILDCARD` where AWS offers a narrower one for an action that changes something, and as
`NO_RESOURCE_TYPE` where it offers none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import parliament
from parliament.statement import get_privilege_info

MUTATING = {"Write", "Permissions management", "Tagging"}
EVERYTHING = "*"


def findings(policy: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield what is wrong with one policy."""
    document = policy["document"]
    if policy["kind"] == "identity":
        for statement in _list(document["Statement"]):
            yield from _wildcards(statement, policy["where"])
    for found in _analysed(document, trust=policy["kind"] == "trust"):
        detail = f"{found.title or found.issue}: {found.detail}"
        yield {"where": policy["where"], "rule": found.issue, "severity": found.severity, "message": detail}


def _analysed(document: dict[str, Any], *, trust: bool) -> Iterator[Any]:
    if trust:  # parliament expects a resource, which a trust policy does not name: the role itself
        role = "arn:aws:iam::111111111111:role/role"
        document = {**document, "Statement": [{**each, "Resource": role} for each in _list(document["Statement"])]}
    for found in parliament.analyze_policy_string(json.dumps(document)).findings:
        yield parliament.enhance_finding(found)


def _wildcards(statement: dict[str, Any], where: str) -> Iterator[dict[str, str]]:
    if statement["Effect"] != "Allow" or EVERYTHING not in _list(statement.get("Resource", [])):
        return
    for action in _list(statement.get("Action", [])):
        for expanded in parliament.expand_action(action):
            service, name = expanded["service"], expanded["action"]
            privilege = get_privilege_info(service, name)
            narrower = any(kind["resource_type"] for kind in privilege["resource_types"])
            if privilege["access_level"] in MUTATING:
                rule = "WILDCARD" if narrower else "NO_RESOURCE_TYPE"
                message = f"{service}:{name} ({privilege['access_level']}) on every resource"
                yield {"where": where, "rule": rule, "severity": "HIGH", "message": message}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def main() -> int:
    """Read policies and prints findings.

    Returns:
        The exit code, always 0.
    """
    print(json.dumps([finding for policy in json.load(sys.stdin) for finding in findings(policy)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
