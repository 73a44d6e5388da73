"""What CDK records of acknowledged rules in the metadata of a cloud assembly."""

from __future__ import annotations

from typing import Any, NamedTuple

from breakwater_guards.reading.files import mapping

ACKNOWLEDGED_RULES = "aws:cdk:acknowledged-rules"
PLUGIN = "breakwater-guards"
QUALIFIER = f"{PLUGIN}::"


class CdkAcknowledgement(NamedTuple):
    """What CDK records of ``Validations.of(construct).acknowledge(…)``.

    Attributes:
        path: construct path, without a leading slash.
        rule: id without the qualifier ``breakwater-guards::``.
        reason: why.
    """

    path: str
    rule: str
    reason: str


def acknowledgements(metadata: dict[str, Any]) -> list[CdkAcknowledgement]:
    """Return what is acknowledged of these rules, from the metadata of a stack by construct path."""
    return [
        CdkAcknowledgement(path.strip("/"), rule.removeprefix(QUALIFIER), reason if isinstance(reason, str) else "")
        for path, entries in metadata.items()
        for entry in (entries if isinstance(entries, list) else ())
        if mapping(entry).get("type") == ACKNOWLEDGED_RULES
        for rule, reason in mapping(mapping(entry).get("data")).items()
        if rule.startswith(QUALIFIER)
    ]
