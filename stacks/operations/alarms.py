"""Alarms on what the functions publish, and the composite alarm that may start the failover."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.alarms import AT_LEAST, BELOW, MAXIMUM, MINIMUM, MINUTE, SUM, StackAlarms, description
from stacks.names import METRIC_NAMESPACE, Names
from stacks.operations.function import TESTED_TYPES
from stacks.operations.monitored import MonitoredResources
from stacks.settings import Settings

# Values of the monitor's health metrics, see lambda_src/health_monitor/logic.py.
DEGRADED, UNHEALTHY = 1, 3
# Subject of the alarm that may move the writer.
WRITER_UNHEALTHY = "writer-unhealthy"
COMPONENTS = ("database", "service", "load-balancer", "table", "backups")


class OperationsAlarms(StackAlarms):
    """Health, age of backups, restore tests, slow failovers, and an unhealthy writer.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: thresholds.
        names: physical names.
        monitored: names that the metrics carry.
        failover: started by the alarm on the writer, where the setting says so.
        topic: is notified.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        names: Names,
        monitored: MonitoredResources,
        failover: lambda_.IFunction,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        self._settings, self._monitored = settings, monitored
        self._interval = Duration.minutes(settings.operations.monitor_interval_minutes)
        self.health_monitor_silent = self._add_heartbeat()
        self.health_overall = self._add_health()
        self._add_ages()
        self._add_restore_tests()
        self._add_slow_failover()
        self.writer_unhealthy = self._add_writer(failover)

    @property
    def severe(self) -> list[cloudwatch.IAlarm]:
        """Alarms that stop an experiment at once."""
        return [self.health_monitor_silent, self.health_overall]

    def _metric(
        self, name: str, statistic: str = MAXIMUM, period: Duration | None = None, **dimensions: str
    ) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={**dimensions, "Suffix": self._settings.suffix},
            statistic=statistic,
            period=period or self._interval,
        )

    def _add_heartbeat(self) -> cloudwatch.Alarm:
        return self.add(
            "HealthMonitorSilent",
            subject="health-monitor-silent",
            meaning="The health monitor does not report: failures go unnoticed",
            metric=self._metric("Heartbeat", SUM),
            threshold=1,
            comparison=BELOW,
            periods=3,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )

    def _add_health(self) -> cloudwatch.Alarm:
        for component in COMPONENTS:
            self.add(
                f"Health{component.title().replace('-', '')}",
                subject=f"health-{component}",
                meaning=f"The {component} has not been healthy for five runs of the health monitor",
                metric=self._metric("ComponentHealth", Component=component),
                threshold=DEGRADED,
                comparison=AT_LEAST,
            )
        return self.add(
            "HealthOverall",
            subject="health-overall",
            meaning="A component of the platform is unhealthy",
            metric=self._metric("OverallHealth"),
            threshold=UNHEALTHY,
            comparison=AT_LEAST,
            periods=2,
        )

    def _add_ages(self) -> None:
        operations = self._settings.operations
        resources = (
            ("Aurora", self._monitored.cluster.cluster_identifier),
            ("Table", self._monitored.table.table_name),
        )
        for kind, resource in resources:
            self.add(
                f"{kind}Rpo",
                subject=f"{kind.lower()}-estimated-rpo",
                meaning="Point-in-time restore lags behind by more than operations.estimated_rpo_alarm_seconds",
                metric=self._metric("EstimatedRpoSeconds", Resource=resource),
                threshold=operations.estimated_rpo_alarm_seconds,
            )
            self.add(
                f"{kind}RecoveryPointAge",
                subject=f"{kind.lower()}-recovery-point-age",
                meaning="The newest recovery point is older than operations.recovery_point_age_alarm_hours",
                metric=self._metric("RecoveryPointAgeSeconds", Resource=resource),
                threshold=operations.recovery_point_age_alarm_hours * 3600,
            )

    def _add_restore_tests(self) -> None:
        for kind in TESTED_TYPES:
            self.add(
                f"{kind}RestoreProof",
                subject=f"{kind.lower()}-restore-proof",
                meaning="No restore test was validated within operations.restore_proof_alarm_days",
                metric=self._metric("RestoreValidationAgeSeconds", Resource=kind),
                threshold=self._settings.operations.restore_proof_alarm_days * 86400,
            )
            self.add(
                f"{kind}RestoreTest",
                subject=f"{kind.lower()}-restore-test",
                meaning="A restored copy does not hold the expected data",
                metric=self._metric("RestoreTestSucceeded", MINIMUM, Duration.minutes(5), Resource=kind),
                threshold=1,
                comparison=BELOW,
                periods=1,
            )

    def _add_slow_failover(self) -> None:
        self.add(
            "SlowFailover",
            subject="failover-slow",
            meaning="A failover took longer than recovery.rto_seconds",
            metric=self._metric("FailoverSeconds", period=MINUTE, Resource=self._monitored.cluster.cluster_identifier),
            threshold=self._settings.recovery.rto_seconds,
            periods=1,
        )
        # A function that times out or refuses an alarm returns normally: no error tells anybody.
        self.add(
            "FailoverNotDone",
            subject="failover-not-done",
            meaning="A failover timed out, or the function refused one that an alarm asked for",
            metric=self._metric("FailoverNotDone", period=MINUTE, Resource=self._monitored.cluster.cluster_identifier),
            threshold=1,
            comparison=AT_LEAST,
            periods=1,
        )

    def _add_writer(self, failover: lambda_.IFunction) -> cloudwatch.CompositeAlarm:
        """Add the alarm that may move the writer: only while the monitor reports, so that silence never fails over."""
        down = self.add(
            "DatabaseDown",
            subject="database-down",
            meaning="The database takes no writes, or its writer does not answer",
            metric=self._metric("ComponentHealth", Component="database"),
            threshold=UNHEALTHY,
            comparison=AT_LEAST,
            periods=3,
        )
        composite = cloudwatch.CompositeAlarm(
            self,
            "WriterUnhealthy",
            composite_alarm_name=self._names.alarm(WRITER_UNHEALTHY),
            alarm_description=description("The writer is unhealthy: fail over", WRITER_UNHEALTHY),
            alarm_rule=cloudwatch.AlarmRule.all_of(
                cloudwatch.AlarmRule.from_alarm(down, cloudwatch.AlarmState.ALARM),
                cloudwatch.AlarmRule.from_alarm(self.health_monitor_silent, cloudwatch.AlarmState.OK),
            ),
        )
        self.notify(composite)
        if self._settings.operations.automatic_failover:
            composite.add_alarm_action(actions.LambdaAction(failover))
        return composite
