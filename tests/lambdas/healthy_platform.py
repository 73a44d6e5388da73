"""Observations of a healthy platform, and the limits that they keep to."""

from __future__ import annotations

from common.aurora import Cluster, Instance
from health_monitor.logic import HealthLimits
from health_monitor.observations import BackupStatus, Observations, ServiceStatus, TableStatus, TargetHealth

NOW = 1_800_000_000.0
HOUR, DAY = 3600, 86400
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/dr-transactions-test"
LIMITS = HealthLimits(
    CLUSTER_ARN, TABLE_ARN, lag_ms=1000, recovery_point_age_seconds=26 * HOUR, validation_age_seconds=8 * DAY
)
WRITER = Instance("one", "a", "available", is_writer=True)
READER = Instance("two", "b", "available", is_writer=False, lag_ms=20)
CLUSTER = Cluster("dr-aurora-test", "available", (WRITER, READER), NOW - 90 * DAY, NOW - 120)
SERVICE = ServiceStatus("ACTIVE", desired=2, running=2, zones=("a", "b"))
TARGETS = TargetHealth(healthy=("a", "b"), failing=0)
TABLE = TableStatus("ACTIVE", NOW - 90 * DAY, pitr_enabled=True, restorable_until=NOW - 300)
BACKUPS = BackupStatus(
    recovery_points={CLUSTER_ARN: NOW - 5 * HOUR, TABLE_ARN: NOW - 6 * HOUR},
    validations={"Aurora": NOW - 2 * DAY, "DynamoDB": NOW - 3 * DAY},
    plan_created_at=NOW - 90 * DAY,
)
OBSERVATIONS = Observations(CLUSTER, SERVICE, TARGETS, TABLE, BACKUPS)
