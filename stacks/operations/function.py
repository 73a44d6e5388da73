"""What the three functions have in common: their variables, their state in the table, their metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.functions import PlatformFunction
from stacks.common.location import Location
from stacks.common.permissions import TABLE_KEY_ACTIONS
from stacks.names import METRIC_NAMESPACE, Names, PhysicalName
from stacks.operations.monitored import MonitoredResources
from stacks.settings import Settings

# AWS Backup's names of the types that the restore-testing plan restores.
TESTED_TYPES = ("Aurora", "DynamoDB")


class FunctionOptions(TypedDict):
    """What the three functions share.

    Attributes:
        settings: of the deployment.
        names: physical names.
        location: partition, Region and account.
        monitored: resources that they call.
        key: key of variables and logs, a view.
        topic: notified by their alarms, and of invocations that failed for good.
    """

    settings: Settings
    names: Names
    location: Location
    monitored: MonitoredResources
    key: kms.IKey
    topic: sns.ITopic


class OperationsFunction(PlatformFunction):
    """A function that keeps its state in a partition of the table and publishes metrics.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        name: physical name.
        package: its package in ``lambda_src``.
        description: what it does.
        environment: its own variables; those of all three functions are added.
        timeout_seconds: longest run, in seconds.
        retries: how often Lambda repeats an invocation that failed.
        options: what the three functions share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: PhysicalName,
        package: str,
        description: str,
        environment: Mapping[str, str],
        timeout_seconds: int,
        retries: int,
        **options: Unpack[FunctionOptions],
    ) -> None:
        monitored = self._monitored = options["monitored"]
        self.location, self._settings, self._names = options["location"], options["settings"], options["names"]
        common = {
            "METRIC_NAMESPACE": METRIC_NAMESPACE,
            "SUFFIX": self._settings.suffix,
            "TABLE_NAME": monitored.table.table_name,
        }
        super().__init__(
            scope,
            construct_id,
            name=name,
            package=package,
            description=description,
            environment={**common, **environment},
            timeout_seconds=timeout_seconds,
            retries=retries,
            monitoring=self._settings.monitoring,
            removal=self._settings.removal,
            names=self._names,
            location=self.location,
            key=options["key"],
            topic=options["topic"],
        )

    def _build_schedule(
        self, construct_id: str, description: str, interval_minutes: int, dead_letters: sqs.IQueue
    ) -> events.Rule:
        """Invoke the function at an interval; the next invocation makes up for one that did not reach it."""
        target = targets.LambdaFunction(
            self.function, dead_letter_queue=dead_letters, max_event_age=Duration.minutes(1), retry_attempts=0
        )
        return events.Rule(
            self,
            construct_id,
            description=description,
            schedule=events.Schedule.rate(Duration.minutes(interval_minutes)),
            targets=[target],
        )

    def _allow_state(self, partition: str, actions: Sequence[str]) -> None:
        """Let the function keep one partition of the table, not the application's items."""
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        self.permissions.allow(
            actions,
            [self._monitored.table.table_arn],
            sid="KeepState",
            conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [partition]}},
        )
        self.permissions.allow_key_through("dynamodb", self._monitored.data_key, TABLE_KEY_ACTIONS)

    def _allow_metrics(self) -> None:
        """Let the function publish metrics in the platform's namespace."""
        self.permissions.allow(
            ["cloudwatch:PutMetricData"],
            ["*"],
            sid="PublishMetrics",
            conditions={"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        )
