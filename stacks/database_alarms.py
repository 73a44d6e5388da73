"""Alarms on the Aurora cluster, each on the cluster dimension that Aurora publishes.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarms import BELOW, MINUTE, Alarms
from stacks.names import Names
from stacks.settings import DatabaseSettings

MIB = 1024**2


def build_database_alarms(
    scope: Construct, cluster: rds.DatabaseCluster, *, settings: DatabaseSettings, names: Names, topic: sns.ITopic
) -> None:
    """Add the alarms of the data tier.

    Args:
        scope: stack that owns the cluster.
        cluster: what is watched.
        settings: thresholds.
        names: gives the alarms their names.
        topic: hears of them.
    """
    alarms = Alarms(scope, names, topic)

    def metric(name: str, statistic: str = cloudwatch.Stats.MAXIMUM) -> cloudwatch.Metric:
        return cluster.metric(name, statistic=statistic, period=MINUTE)

    alarms.add(
        "CpuAlarm",
        subject="aurora-cpu",
        meaning="CPU of an Aurora instance above 80 % of its maximum capacity",
        metric=metric("CPUUtilization"),
        threshold=80,
    )
    alarms.add(
        "AcuAlarm",
        subject="aurora-acu",
        meaning="An Aurora instance uses 90 % of database.max_acu: raise it before it throttles",
        metric=metric("ACUUtilization"),
        threshold=90,
    )
    alarms.add(
        "ConnectionsAlarm",
        subject="aurora-connections",
        meaning=f"More than {settings.connections_alarm} connections to one Aurora instance",
        metric=metric("DatabaseConnections"),
        threshold=settings.connections_alarm,
    )
    alarms.add(
        "FreeableMemoryAlarm",
        subject="aurora-freeable-memory",
        meaning="Less than 256 MiB of freeable memory on an Aurora instance",
        metric=metric("FreeableMemory", cloudwatch.Stats.MINIMUM),
        threshold=256 * MIB,
        comparison=BELOW,
        periods=15,
    )
    alarms.add(
        "CommitLatencyAlarm",
        subject="aurora-commit-latency",
        meaning="Commits take more than 100 ms on average",
        metric=metric("CommitLatency", cloudwatch.Stats.AVERAGE),
        threshold=100,
    )
    alarms.add(
        "ReplicaLagAlarm",
        subject="aurora-replica-lag",
        meaning=f"A reader is more than {settings.replica_lag_alarm_ms} ms behind: reads are stale",
        metric=metric("AuroraReplicaLagMaximum"),
        threshold=settings.replica_lag_alarm_ms,
    )
    alarms.add(
        "DeadlocksAlarm",
        subject="aurora-deadlocks",
        meaning="PostgreSQL broke a deadlock",
        metric=metric("Deadlocks"),
        threshold=0,  # published as deadlocks per second
        periods=1,
    )
