"""Alarms on what the functions publish, and the one that may start the failover."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_

from stacks.alarms import AT_LEAST, BELOW, RUNBOOK, Alarms
from stacks.names import METRIC_NAMESPACE
from stacks.operations_functions import TESTED_TYPES
from stacks.operations_widgets import Watched
from stacks.settings import Settings

# Values of the monitor's health metrics, see lambda_src/health_monitor/logic.py.
DEGRADED, UNHEALTHY = 1, 3
COMPONENTS = ("database", "service", "load-balancer", "table", "backups")
WORST = cloudwatch.Stats.MAXIMUM


class OperationsAlarms:
    """The alarms of the operations stack.

    Args:
        alarms: how an alarm is declared.
        settings: thresholds.
        watched: names that the metrics carry.
        failover: started by the alarm about the writer, where the setting says so.
    """

    def __init__(self, alarms: Alarms, *, settings: Settings, watched: Watched, failover: lambda_.IFunction) -> None:
        self._alarms, self._settings, self._watched = alarms, settings, watched
        self.silent = self._build_heartbeat()
        self.overall = self._build_health()
        self._build_ages()
        self._build_restore_tests()
        self._build_slow_failover()
        self.writer_unhealthy = self._build_writer(failover)

    def _metric(
        self, name: str, statistic: str = WORST, period: Duration | None = None, **dimensions: str
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={**dimensions, "Suffix": self._settings.suffix},
            statistic=statistic,
            period=period or Duration.minutes(self._settings.operations.monitor_interval_minutes),
        )

    def _build_heartbeat(self) -> cloudwatch.Alarm:
        return self._alarms.add(
            "HealthMonitorSilentAlarm",
            subject="health-monitor-silent",
            meaning="The health monitor does not report: nobody watches",
            metric=self._metric("Heartbeat", cloudwatch.Stats.SUM),
            threshold=1,
            comparison=BELOW,
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _build_health(self) -> cloudwatch.Alarm:
        for component in COMPONENTS:
            self._alarms.add(
                f"Health{component.title().replace('-', '')}Alarm",
                subject=f"health-{component}",
                meaning=f"The {component} has not been healthy for five runs of the health monitor",
                metric=self._metric("ComponentHealth", Component=component),
                threshold=DEGRADED,
                comparison=AT_LEAST,
            )
        return self._alarms.add(
            "HealthOverallAlarm",
            subject="health-overall",
            meaning="A part of the platform does not do its work",
            metric=self._metric("OverallHealth"),
            threshold=UNHEALTHY,
            comparison=AT_LEAST,
            periods=2,
        )

    def _build_ages(self) -> None:
        operations = self._settings.operations
        resources = (("Aurora", self._watched.cluster.cluster_identifier), ("Table", self._watched.table.table_name))
        for kind, resource in resources:
            self._alarms.add(
                f"{kind}RpoAlarm",
                subject=f"{kind.lower()}-estimated-rpo",
                meaning="Point-in-time restore lags behind by more than operations.estimated_rpo_alarm_seconds",
                metric=self._metric("EstimatedRpoSeconds", Resource=resource),
                threshold=operations.estimated_rpo_alarm_seconds,
            )
            self._alarms.add(
                f"{kind}RecoveryPointAgeAlarm",
                subject=f"{kind.lower()}-recovery-point-age",
                meaning="The newest recovery point is older than operations.recovery_point_age_alarm_hours",
                metric=self._metric("RecoveryPointAgeSeconds", Resource=resource),
                threshold=operations.recovery_point_age_alarm_hours * 3600,
            )

    def _build_restore_tests(self) -> None:
        for kind in TESTED_TYPES:
            self._alarms.add(
                f"{kind}RestoreProofAlarm",
                subject=f"{kind.lower()}-restore-proof",
                meaning="No restore was proved within operations.restore_proof_alarm_days",
                metric=self._metric("RestoreValidationAgeSeconds", Resource=kind),
                threshold=self._settings.operations.restore_proof_alarm_days * 86400,
            )
            self._alarms.add(
                f"{kind}RestoreTestAlarm",
                subject=f"{kind.lower()}-restore-test",
                meaning="A restored copy does not hold what it should",
                metric=self._metric(
                    "RestoreTestSucceeded", cloudwatch.Stats.MINIMUM, Duration.minutes(5), Resource=kind
                ),
                threshold=1,
                comparison=BELOW,
                periods=1,
            )

    def _build_slow_failover(self) -> None:
        self._alarms.add(
            "SlowFailoverAlarm",
            subject="failover-slow",
            meaning="A failover took longer than recovery.rto_seconds",
            metric=self._metric(
                "FailoverSeconds", period=Duration.minutes(1), Resource=self._watched.cluster.cluster_identifier
            ),
            threshold=self._settings.recovery.rto_seconds,
            periods=1,
        )

    def _build_writer(self, failover: lambda_.IFunction) -> cloudwatch.CompositeAlarm:
        """Say that the writer is down only while somebody watches: no news from the monitor moves no writer."""
        down = self._alarms.add(
            "DatabaseDownAlarm",
            subject="database-down",
            meaning="The database takes no writes, or its writer does not answer",
            metric=self._metric("ComponentHealth", Component="database"),
            threshold=UNHEALTHY,
            comparison=AT_LEAST,
            periods=3,
        )
        composite = cloudwatch.CompositeAlarm(
            self._alarms.scope,
            "WriterUnhealthyAlarm",
            composite_alarm_name=self._alarms.names.alarm("writer-unhealthy"),
            alarm_description=f"The writer is unhealthy: fail over. What to do: {RUNBOOK}#writer-unhealthy",
            alarm_rule=cloudwatch.AlarmRule.all_of(
                cloudwatch.AlarmRule.from_alarm(down, cloudwatch.AlarmState.ALARM),
                cloudwatch.AlarmRule.from_alarm(self.silent, cloudwatch.AlarmState.OK),
            ),
        )
        notify = actions.SnsAction(self._alarms.topic)
        composite.add_alarm_action(notify)
        composite.add_ok_action(notify)
        if self._settings.operations.automatic_failover:
            composite.add_alarm_action(actions.LambdaAction(failover))
        return composite
