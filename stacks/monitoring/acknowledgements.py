"""Findings of scanners that stay in the monitoring stack, and why."""

from __future__ import annotations

from stacks.common.acknowledgements import SERVERLESS, accepted, acknowledge
from stacks.monitoring.stack import MonitoringStack

LAST_QUEUE = "This is the dead-letter queue: what arrives here waits for an operator, and nothing consumes it."


def acknowledge_findings(stack: MonitoringStack) -> None:
    """Acknowledge what stays, on the resource concerned."""
    acknowledge(stack.dead_letters.queue, accepted(SERVERLESS, rule="SQSRedrivePolicy", reason=LAST_QUEUE))
