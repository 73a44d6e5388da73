"""One run of the health monitor: probe, assess, publish metrics, notify of changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.metrics import Metric, publish
from health_monitor.logic import Assessment, Component, HealthLimits, assess, overall
from health_monitor.notification import message, subject
from health_monitor.probes import MonitoredResources, run_probes
from health_monitor.state import StateStore

# Part of the invocation's remaining time that is kept for publishing, saving the state and notifying.
RESERVE_SECONDS = 20.0


@dataclass(frozen=True)
class Monitor:
    """One invocation of the health monitor.

    Attributes:
        clients: AWS clients by boto3's service name.
        resources: Resources to probe.
        limits: Limits of a healthy platform.
        topic: ARN of the SNS topic for notifications.
        stack: Name of the root stack.
        namespace: Namespace of the metrics.
        suffix: Suffix of the deployment.
        clock: Returns the time in seconds since 1970.
    """

    clients: Mapping[str, Any]
    resources: MonitoredResources
    limits: HealthLimits
    topic: str
    stack: str
    namespace: str
    suffix: str
    clock: Callable[[], float] = time.time

    def run(self, remaining_seconds: float) -> dict[str, Any]:
        """Assess the platform once.

        Args:
            remaining_seconds: How long this invocation may still run.

        Returns:
            The function's response, as :mod:`health_monitor.handler` describes it.

        Raises:
            ClientError: CloudWatch, DynamoDB or SNS rejects a request; the next run sends the missing notification.
        """
        now = self.clock()
        observations = run_probes(self.clients, self.resources, now, max(1.0, remaining_seconds - RESERVE_SECONDS))
        assessments = assess(observations, self.limits, now)
        self._publish(assessments)
        self._notify(assessments, now)
        return {
            "overall": overall(assessments).label,
            "components": {
                str(component): {"health": assessment.health.label, "reasons": list(assessment.reasons)}
                for component, assessment in assessments.items()
            },
        }

    def _publish(self, assessments: Mapping[Component, Assessment]) -> None:
        metrics = [
            Metric("Heartbeat", 1, "Count"),
            Metric("OverallHealth", overall(assessments)),
            *(
                Metric("ComponentHealth", assessment.health, dimensions={"Component": component})
                for component, assessment in assessments.items()
            ),
            *(metric for assessment in assessments.values() for metric in assessment.metrics),
        ]
        publish(self.clients["cloudwatch"], metrics, namespace=self.namespace, suffix=self.suffix)

    def _notify(self, assessments: Mapping[Component, Assessment], now: float) -> None:
        """Notify of each change once: only the run that saves the change sends it; if that fails, the next run does."""
        store = StateStore(self.clients["dynamodb"], self.resources.table)
        before = store.load()
        if now <= before.observed_at:
            return  # a later run has already reported the current state
        state = before.after(assessments, now)
        if not store.save(state) or not state.unsent:
            return
        self.clients["sns"].publish(
            TopicArn=self.topic,
            Subject=subject(state.unsent, self.stack),
            Message=message(state.unsent, state.dropped),
        )
        store.save(state.sent())
