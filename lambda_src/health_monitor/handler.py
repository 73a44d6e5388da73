"""Health monitor: EventBridge invokes it once a minute, people and `make local` whenever they like.

It answers ``{"overall": …, "components": {name: {"health": …, "reasons": […]}}}``, and it does not fail because
something that it watches does: what it cannot find out is ``unknown``.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.clients import client
from common.environment import number, text, words
from common.metrics import Metric, publish
from health_monitor.logic import Component, Judgement, Limits, judge, overall
from health_monitor.notice import message, subject
from health_monitor.probes import Watched, probe
from health_monitor.state import Store

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

SERVICES = ("rds", "cloudwatch", "ecs", "elbv2", "dynamodb", "backup", "sns")
# Left of the function's own time when it stops waiting for answers: to publish, to write down and to notify.
RESERVE_SECONDS = 20.0


@dataclass(frozen=True)
class Monitor:
    """One invocation's view of the world; the members are replaced in tests.

    Args:
        clients: by boto3's name of the service.
        watched: what is probed.
        limits: what counts as healthy.
        topic: ARN of the topic that hears of changes.
        stack: name of the root stack.
        namespace: of the metrics.
        suffix: of the deployment.
        clock: tells the seconds since 1970.
    """

    clients: Mapping[str, Any]
    watched: Watched
    limits: Limits
    topic: str
    stack: str
    namespace: str
    suffix: str
    clock: Callable[[], float] = time.time

    def run(self, remaining_seconds: float) -> dict[str, Any]:
        """Probe, judge, publish, and notify of what changed.

        Args:
            remaining_seconds: how long this invocation may still run.

        Returns:
            The answer, see the module.

        Raises:
            ClientError: CloudWatch, DynamoDB or SNS refuses; the next attempt sends what was not sent.
        """
        now = self.clock()
        facts = probe(self.clients, self.watched, now, max(1.0, remaining_seconds - RESERVE_SECONDS))
        judgements = judge(facts, self.limits, now)
        self._publish(judgements)
        self._notify(judgements, now)
        return {
            "overall": overall(judgements).word,
            "components": {
                str(component): {"health": judgement.health.word, "reasons": list(judgement.reasons)}
                for component, judgement in judgements.items()
            },
        }

    def _publish(self, judgements: Mapping[Component, Judgement]) -> None:
        metrics = [
            Metric("Heartbeat", 1, "Count"),
            Metric("OverallHealth", overall(dict(judgements))),
            *(
                Metric("ComponentHealth", judgement.health, dimensions={"Component": component})
                for component, judgement in judgements.items()
            ),
            *(metric for judgement in judgements.values() for metric in judgement.metrics),
        ]
        publish(self.clients["cloudwatch"], metrics, namespace=self.namespace, suffix=self.suffix)

    def _notify(self, judgements: Mapping[Component, Judgement], now: float) -> None:
        """Tell of changes once: only the run that wrote them down does, and again only if it could not."""
        store = Store(self.clients["dynamodb"], self.watched.table)
        before = store.load()
        if now <= before.observed_at:
            return  # a later run has already told what is true now
        state = before.after(judgements, now)
        if not store.save(state) or not state.unsent:
            return
        self.clients["sns"].publish(
            TopicArn=self.topic, Subject=subject(state.unsent, self.stack), Message=message(state.unsent)
        )
        store.save(state.sent())


def handle(_event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of the function.

    Args:
        _event: of the schedule; nothing in it matters.
        context: of Lambda.

    Returns:
        The answer.

    Raises:
        ConfigurationError: the function is not deployed as it should be.
        ClientError: see :meth:`Monitor.run`.
    """
    cluster_arn, table_arn = text(os.environ, "CLUSTER_ARN"), text(os.environ, "TABLE_ARN")
    proof_seconds = number(os.environ, "VALIDATION_AGE_SECONDS")
    monitor = Monitor(
        clients={service: client(service) for service in SERVICES},
        watched=Watched(
            cluster=text(os.environ, "CLUSTER_IDENTIFIER"),
            ecs_cluster=text(os.environ, "ECS_CLUSTER"),
            service=text(os.environ, "ECS_SERVICE"),
            target_group=text(os.environ, "TARGET_GROUP_ARN"),
            table=text(os.environ, "TABLE_NAME"),
            vault=text(os.environ, "BACKUP_VAULT"),
            protected=(cluster_arn, table_arn),
            restore_testing_plan=text(os.environ, "RESTORE_TESTING_PLAN"),
            tested_types=words(os.environ, "TESTED_TYPES"),
            proof_seconds=proof_seconds,
        ),
        limits=Limits(
            cluster_arn=cluster_arn,
            table_arn=table_arn,
            lag_ms=number(os.environ, "REPLICA_LAG_LIMIT_MS"),
            recovery_point_age=number(os.environ, "RECOVERY_POINT_AGE_SECONDS"),
            validation_age=proof_seconds,
        ),
        topic=text(os.environ, "TOPIC_ARN"),
        stack=text(os.environ, "STACK_NAME"),
        namespace=text(os.environ, "METRIC_NAMESPACE"),
        suffix=text(os.environ, "SUFFIX"),
    )
    answer = monitor.run(context.get_remaining_time_in_millis() / 1000)
    logger.info("platform %s", answer["overall"], extra={"components": answer["components"]})
    return answer
