"""The alarm on notifications that were not delivered."""

from __future__ import annotations

from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.alarms import AT_LEAST, MAXIMUM, MINUTE, StackAlarms
from stacks.names import Names


class MonitoringAlarms(StackAlarms):
    """Messages in the dead-letter queue.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        dead_letters: queue of what could not be delivered.
        names: physical names.
        topic: is notified.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, dead_letters: sqs.IQueue, names: Names, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        self.add(
            "UndeliveredNotifications",
            subject="notices-undelivered",
            meaning="A notification could not be delivered: inspect the dead-letter queue",
            metric=dead_letters.metric_approximate_number_of_messages_visible(statistic=MAXIMUM, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            periods=1,
        )
