"""Alarms on the Aurora cluster, each on the cluster dimension that Aurora publishes.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.alarms import AVERAGE, BELOW, MAXIMUM, MINIMUM, MINUTE, StackAlarms
from stacks.names import Names
from stacks.settings import DatabaseSettings

MIB = 1024**2


class DatabaseAlarms(StackAlarms):
    """Load, capacity, memory, latency and lag of the cluster.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        cluster: what is watched.
        settings: thresholds.
        names: physical names.
        topic: is notified.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: rds.DatabaseCluster,
        settings: DatabaseSettings,
        names: Names,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)

        def metric(name: str, statistic: str = MAXIMUM) -> cloudwatch.Metric:
            return cluster.metric(name, statistic=statistic, period=MINUTE)

        self.add(
            "Cpu",
            subject="aurora-cpu",
            meaning="CPU of an Aurora instance above 80 % of its maximum capacity",
            metric=metric("CPUUtilization"),
            threshold=80,
        )
        self.add(
            "Acu",
            subject="aurora-acu",
            meaning="An Aurora instance uses 90 % of database.max_acu: raise it before it throttles",
            metric=metric("ACUUtilization"),
            threshold=90,
        )
        self.add(
            "Connections",
            subject="aurora-connections",
            meaning=f"More than {settings.connections_alarm} connections to one Aurora instance",
            metric=metric("DatabaseConnections"),
            threshold=settings.connections_alarm,
        )
        self.add(
            "FreeableMemory",
            subject="aurora-freeable-memory",
            meaning="Less than 256 MiB of freeable memory on an Aurora instance",
            metric=metric("FreeableMemory", MINIMUM),
            threshold=256 * MIB,
            comparison=BELOW,
            periods=15,
        )
        self.add(
            "CommitLatency",
            subject="aurora-commit-latency",
            meaning="Commits take more than 100 ms on average",
            metric=metric("CommitLatency", AVERAGE),
            threshold=100,
        )
        self.add(
            "ReplicaLag",
            subject="aurora-replica-lag",
            meaning=f"A reader is more than {settings.replica_lag_alarm_ms} ms behind: reads are stale",
            metric=metric("AuroraReplicaLagMaximum"),
            threshold=settings.replica_lag_alarm_ms,
        )
        self.add(
            "Deadlocks",
            subject="aurora-deadlocks",
            meaning="PostgreSQL broke a deadlock",
            metric=metric("Deadlocks"),
            threshold=0,  # published as deadlocks per second
            periods=1,
        )
