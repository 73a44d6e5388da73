"""The three functions with their variables, and what starts them. Their rights are in `operations_grants`."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from stacks.acknowledgements import SERVERLESS, acknowledge
from stacks.functions import Functions
from stacks.names import METRIC_NAMESPACE, PhysicalName
from stacks.operations_widgets import Watched
from stacks.settings import Settings

# AWS Backup's names of the types that the restore-testing plan restores.
TESTED_TYPES = ("Aurora", "DynamoDB")
QUEUE_KEEPS = "Lambda takes no destination for a queue: what fails comes again until the dead-letter queue takes it."
MONITOR_TIMEOUT = Duration.seconds(60)
VALIDATION_TIMEOUT = Duration.seconds(60)
# What is left of the hours for which AWS Backup keeps a restored copy, to delete its instance and report, in seconds.
CLOSING_SECONDS = 2400
# Beside the wait for the new writer: to decide before, and to write down after.
FAILOVER_RESERVE_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class OperationsFunctions:
    """Builds the functions.

    Args:
        build: how a function is built.
        settings: of the deployment.
        watched: what they watch, move and read.
        data_key: key of cluster and table.
    """

    build: Functions
    settings: Settings
    watched: Watched
    data_key: kms.IKey

    def health_monitor(self, undelivered: sqs.IQueue) -> lambda_.Function:
        """Build the health monitor and its schedule.

        Args:
            undelivered: keeps events of the schedule that did not reach the function.
        """
        operations, watched = self.settings.operations, self.watched
        function = self.build.build(
            "HealthMonitor",
            name=PhysicalName.HEALTH_MONITOR,
            package="health_monitor",
            description="Judges the health of the platform and tells of changes",
            environment=self._common()
            | {
                "CLUSTER_IDENTIFIER": watched.cluster.cluster_identifier,
                "CLUSTER_ARN": watched.cluster.cluster_arn,
                "TABLE_ARN": watched.table.table_arn,
                "ECS_CLUSTER": watched.service.cluster.cluster_name,
                "ECS_SERVICE": watched.service.service_name,
                "TARGET_GROUP_ARN": watched.target_group.target_group_arn,
                "BACKUP_VAULT": watched.vault.backup_vault_name,
                "RESTORE_TESTING_PLAN": self.build.names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
                "TESTED_TYPES": ",".join(TESTED_TYPES),
                "REPLICA_LAG_LIMIT_MS": str(self.settings.database.replica_lag_alarm_ms),
                "RECOVERY_POINT_AGE_SECONDS": str(operations.recovery_point_age_alarm_hours * 3600),
                "VALIDATION_AGE_SECONDS": str(operations.restore_proof_alarm_days * 86400),
                "TOPIC_ARN": self.build.topic.topic_arn,
                "STACK_NAME": self.build.names.stack,
            },
            timeout=MONITOR_TIMEOUT,
            # The next run comes in a minute and sends what this one could not.
            retries=0,
        )
        events.Rule(
            self.build.scope,
            "HealthMonitorSchedule",
            description="Runs the health monitor",
            schedule=events.Schedule.rate(Duration.minutes(operations.monitor_interval_minutes)),
            targets=[
                targets.LambdaFunction(
                    function, dead_letter_queue=undelivered, max_event_age=Duration.minutes(1), retry_attempts=0
                )
            ],
        )
        return function

    def failover(self) -> lambda_.Function:
        """Build the failover."""
        operations = self.settings.operations
        return self.build.build(
            "Failover",
            name=PhysicalName.FAILOVER,
            package="failover",
            description="Moves the writer of the Aurora cluster to a reader that can take over",
            environment=self._common()
            | {
                "CLUSTER_IDENTIFIER": self.watched.cluster.cluster_identifier,
                "REPLICA_LAG_LIMIT_MS": str(operations.failover_lag_limit_ms),
                "COOL_DOWN_SECONDS": str(operations.failover_cool_down_seconds),
                "TIMEOUT_SECONDS": str(operations.failover_timeout_seconds),
            },
            timeout=Duration.seconds(operations.failover_timeout_seconds + FAILOVER_RESERVE_SECONDS),
            retries=2,
        )

    def restore_validation(self, restore_events: sqs.IQueue) -> lambda_.Function:
        """Build the restore validation and let it read the queue.

        Args:
            restore_events: queue of the events of restore tests.
        """
        settings, stack = self.settings, Stack.of(self.build.scope)
        scope = f"arn:{stack.partition}:backup:{stack.region}:{stack.account}:restore-testing-plan:"
        function = self.build.build(
            "RestoreValidation",
            name=PhysicalName.RESTORE_VALIDATION,
            package="restore_validation",
            description="Opens what AWS Backup restored as a test and proves that it holds data",
            environment=self._common()
            | self._expected()
            | {
                "RESTORE_TESTING_PLAN": self.build.names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
                "RESTORE_TESTING_SCOPE": scope,
                "DATABASE_NAME": settings.database.name,
                "DATA_KEY_ARN": self.data_key.key_arn,
                "TTL_ATTRIBUTE": settings.storage.ttl_attribute,
                "DEADLINE_SECONDS": str(settings.backup.restore_test_keep_hours * 3600 - CLOSING_SECONDS),
            },
            timeout=VALIDATION_TIMEOUT,
            retries=0,
        )
        mapping = lambda_.EventSourceMapping(
            self.build.scope,
            "RestoreEventsMapping",
            target=function,
            event_source_arn=restore_events.queue_arn,
            batch_size=5,
            # Two, the least that AWS accepts: a queue of one message must not take the account's concurrency.
            max_concurrency=2,
            report_batch_item_failures=True,
        )
        acknowledge(mapping, SERVERLESS, rule="LambdaEventSourceMappingDestination", reason=QUEUE_KEEPS)
        return function

    def _common(self) -> dict[str, str]:
        return {
            "METRIC_NAMESPACE": METRIC_NAMESPACE,
            "SUFFIX": self.settings.suffix,
            "TABLE_NAME": self.watched.table.table_name,
        }

    def _expected(self) -> dict[str, str]:
        operations = self.settings.operations
        given = {
            "CHECK_TABLE": operations.validation_table,
            "CHECK_COLUMN": operations.validation_column,
            "CHECK_ATTRIBUTE": operations.validation_attribute,
        }
        return {
            "MINIMUM_TABLES": str(operations.validation_minimum_tables),
            "MINIMUM_ITEMS": str(operations.validation_minimum_items),
            "NEWEST_WITHIN_SECONDS": str(self.settings.recovery.rpo_seconds),
            **{name: value for name, value in given.items() if value},
        }
