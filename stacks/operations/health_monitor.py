"""The health monitor: the function, its schedule, and what it may read."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.names import PhysicalName
from stacks.operations.function import TESTED_TYPES, FunctionOptions, OperationsFunction

TIMEOUT_SECONDS = 60


class HealthMonitor(OperationsFunction):
    """Checks the health of the platform on a schedule and notifies of changes.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        dead_letters: keeps events of the schedule that did not reach the function.
        options: what the three functions share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        dead_letters: sqs.IQueue,
        **options: Unpack[FunctionOptions],
    ) -> None:
        settings, names, monitored = options["settings"], options["names"], options["monitored"]
        operations = settings.operations
        super().__init__(
            scope,
            construct_id,
            name=PhysicalName.HEALTH_MONITOR,
            package="health_monitor",
            description="Checks the health of the platform and notifies of changes",
            environment={
                "CLUSTER_IDENTIFIER": monitored.cluster.cluster_identifier,
                "CLUSTER_ARN": monitored.cluster.cluster_arn,
                "TABLE_ARN": monitored.table.table_arn,
                "ECS_CLUSTER": monitored.service.cluster.cluster_name,
                "ECS_SERVICE": monitored.service.service_name,
                "TARGET_GROUP_ARN": monitored.target_group.target_group_arn,
                "BACKUP_VAULT": monitored.vault.backup_vault_name,
                "RESTORE_TESTING_PLAN": names.physical_name(PhysicalName.RESTORE_TESTING_PLAN),
                "TESTED_TYPES": ",".join(TESTED_TYPES),
                "REPLICA_LAG_LIMIT_MS": str(settings.database.replica_lag_alarm_ms),
                "RECOVERY_POINT_AGE_SECONDS": str(operations.recovery_point_age_alarm_hours * 3600),
                "VALIDATION_AGE_SECONDS": str(operations.restore_proof_alarm_days * 86400),
                "TOPIC_ARN": options["topic"].topic_arn,
                "STACK_NAME": names.stack,
            },
            timeout_seconds=TIMEOUT_SECONDS,
            # The next run follows within the interval and sends what this one could not.
            retries=0,
            **options,
        )
        self.schedule = self._build_schedule(
            "Schedule", "Runs the health monitor", operations.monitor_interval_minutes, dead_letters
        )

    def grant_access(self) -> None:
        """Let it read everything that it checks, keep its state and publish metrics."""
        monitored, allow = self._monitored, self.permissions.allow
        in_cluster = {"ArnEquals": {"ecs:cluster": monitored.service.cluster.cluster_arn}}
        plan = monitored.restore_testing_plan.attr_restore_testing_plan_arn
        allow(["rds:DescribeDBClusters"], [monitored.cluster.cluster_arn], sid="ReadCluster")
        allow(["ecs:DescribeServices"], [monitored.service.service_arn], sid="ReadService")
        allow(["ecs:DescribeTasks", "ecs:ListTasks"], ["*"], sid="ReadTasks", conditions=in_cluster)
        allow(
            ["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"],
            [monitored.table.table_arn],
            sid="ReadTable",
        )
        allow(["backup:ListRecoveryPointsByBackupVault"], [monitored.vault.backup_vault_arn], sid="ReadVault")
        allow(["backup:GetRestoreTestingPlan"], [plan], sid="ReadRestoreTests")
        allow(
            [
                "backup:ListRestoreJobs",
                "cloudwatch:GetMetricData",
                "elasticloadbalancing:DescribeTargetHealth",
                "rds:DescribeDBInstances",
            ],
            ["*"],
            sid="ReadLists",
        )
        self._allow_state("operations#health", ["dynamodb:GetItem", "dynamodb:PutItem"])
        self._allow_metrics()
