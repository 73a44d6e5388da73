"""The failover: the function that moves the writer, and what it may do."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.names import PhysicalName
from stacks.operations.alarms import WRITER_UNHEALTHY
from stacks.operations.function import FunctionOptions, OperationsFunction
from stacks.settings.operations import FAILOVER_RESERVE_SECONDS


class Failover(OperationsFunction):
    """Moves the writer of the Aurora cluster to a reader that can take over.

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
        operations, cluster = options["settings"].operations, options["monitored"].cluster
        super().__init__(
            scope,
            construct_id,
            name=PhysicalName.FAILOVER,
            package="failover",
            description="Moves the writer of the Aurora cluster to a reader that can take over",
            environment={
                "CLUSTER_IDENTIFIER": cluster.cluster_identifier,
                "REPLICA_LAG_LIMIT_MS": str(operations.failover_lag_limit_ms),
                "COOL_DOWN_SECONDS": str(operations.failover_cool_down_seconds),
                "TIMEOUT_SECONDS": str(operations.failover_timeout_seconds),
                "TTL_ATTRIBUTE": options["settings"].storage.ttl_attribute,
                **({"ALARM_NAME": options["names"].alarm(WRITER_UNHEALTHY)} if operations.automatic_failover else {}),
            },
            timeout_seconds=operations.failover_timeout_seconds + FAILOVER_RESERVE_SECONDS,
            retries=2,
            **options,
        )
        if operations.automatic_failover:
            # An alarm acts when its state changes, and not while a refused failover is still needed.
            purpose = "Tries the failover again while the alarm on the writer asks for it"
            self._build_schedule("Retry", purpose, 1, dead_letters)

    def grant_access(self) -> None:
        """Let it read the cluster, move its writer, keep its state and publish metrics."""
        cluster, allow = self._monitored.cluster.cluster_arn, self.permissions.allow
        instances = [
            self.location.arn("rds", f"db:{self._names.aurora_instance(number + 1)}")
            for number in range(self._settings.database.readers + 1)
        ]
        allow(["rds:DescribeDBClusters"], [cluster], sid="ReadCluster")
        allow(["rds:FailoverDBCluster"], [cluster, *instances], sid="FailOver")
        allow(["cloudwatch:GetMetricData", "rds:DescribeDBInstances"], ["*"], sid="ReadLists")
        self._allow_state("operations#failover", ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem"])
        self._allow_metrics()
        if self._settings.operations.automatic_failover:
            # A narrower scope returns no composite alarms:
            # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
            allow(["cloudwatch:DescribeAlarms"], ["*"], sid="ReadAlarm")
