"""Owns the alert topic, the rules that turn AWS events into notifications, and the queues behind them.

RTO/RPO: detection time is part of the recovery time. Alarms belong to the stack that owns what they watch; this stack
delivers their notifications and those of AWS itself, and keeps what could not be delivered.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import NestedStack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.location import Location
from stacks.monitoring.alarms import MonitoringAlarms
from stacks.monitoring.alert_topic import AlertTopic
from stacks.monitoring.event_rules import EventRules
from stacks.monitoring.queues import DeadLetterQueue, RestoreEventQueue
from stacks.names import Names, OutputKey
from stacks.settings import MonitoringSettings


class MonitoringStack(NestedStack):
    """Alert topic, event rules and queues."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: MonitoringSettings,
        restore_test_keep_hours: int,
        names: Names,
        location: Location,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id, description="Alert topic and event rules")
        self.dead_letters = DeadLetterQueue(
            self, "DeadLetterQueue", key=key, rules_arn=location.arn("events", f"rule/{names.stack}-*")
        )
        self.alert_topic = AlertTopic(
            self,
            "AlertTopic",
            names=names,
            location=location,
            key=key,
            emails=settings.emails,
            dead_letters=self.dead_letters.queue,
        )
        self.restore_events = RestoreEventQueue(
            self,
            "RestoreEventQueue",
            key=key,
            dead_letters=self.dead_letters.queue,
            keep_hours=restore_test_keep_hours,
        )
        self.event_rules = EventRules(
            self,
            "EventRules",
            names=names,
            location=location,
            topic=self.topic,
            restore_events=self.restore_events.queue,
            dead_letters=self.dead_letters.queue,
        )
        self.alarms = MonitoringAlarms(
            self, "Alarms", dead_letters=self.dead_letters.queue, names=names, topic=self.topic
        )

    @property
    def topic(self) -> sns.Topic:
        """Topic of all notifications."""
        return self.alert_topic.topic

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about topic and queues."""
        return {
            OutputKey.ALERT_TOPIC_ARN: self.topic.topic_arn,
            OutputKey.RESTORE_EVENTS_QUEUE_URL: self.restore_events.queue.queue_url,
        }
