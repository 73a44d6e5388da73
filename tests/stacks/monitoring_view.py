"""The monitoring stack as its tests read it."""

from __future__ import annotations

from typing import Any

from tests.assembly import Assembly

TOPIC = "${Monitoring/AlertTopic}"
DEAD_LETTERS = "${Monitoring/DeadLetterQueue}"


def monitoring_properties(deployment: Assembly, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of every resource of a type in the stack by construct, without tags."""
    found = {}
    for name, resource in deployment.nested["Monitoring"].of_type(kind).items():
        properties = deployment.plain("Monitoring", resource["Properties"])
        properties.pop("Tags", None)
        found[deployment.text("Monitoring", {"Ref": name})] = properties
    return found
