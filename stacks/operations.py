"""Owns what runs the platform: health monitor, failover, restore validation, experiments, their alarms, and dashboards.

RTO/RPO: the health monitor finds a fault within minutes and measures the RPO; the failover moves the writer in less
than a minute; restore validation proves once a week that a backup can be opened. An operator sees in one place what is
broken, how far behind the data is, and whether backups and restore tests keep the promises of `[recovery]`.
"""

from __future__ import annotations

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fis as fis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.alarms import Alarms
from stacks.experiments import Experiments
from stacks.functions import Functions
from stacks.imports import view_of_key, view_of_queue
from stacks.names import Names, PhysicalName
from stacks.operations_alarms import OperationsAlarms
from stacks.operations_functions import OperationsFunctions
from stacks.operations_widgets import Watched, data_tier_widgets, golden_signal_widgets, recovery_widgets
from stacks.settings import Settings

DAY = Duration.days(1)


class OperationsStack(NestedStack):
    """Functions, alarms, experiments and dashboards over everything that the other stacks built."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        names: Names,
        watched: Watched,
        vpc: ec2.IVpc,
        first_task_subnet: ec2.ISubnet,
        data_key: kms.IKey,
        messaging_key: kms.IKey,
        topic: sns.ITopic,
        restore_events: sqs.IQueue,
        undelivered: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, description="Functions, experiments and dashboards")
        self._settings, self._names, self._watched, self._topic = settings, names, watched, topic
        self._key = view_of_key(self, "MessagingKey", messaging_key)
        functions = self._functions(data_key)
        self.health_monitor = functions.health_monitor(view_of_queue(self, "Undelivered", undelivered))
        self.failover = functions.failover()
        self.restore_validation = functions.restore_validation(restore_events)
        self.alarms = OperationsAlarms(
            Alarms(self, names, topic), settings=settings, watched=watched, failover=self.failover
        )
        self.experiments = self._build_experiments(vpc, first_task_subnet)
        self.golden_signals = self._build_dashboard(
            "GoldenSignals", PhysicalName.GOLDEN_SIGNALS_DASHBOARD, golden_signal_widgets(watched)
        )
        self.data_tier = self._build_dashboard("DataTier", PhysicalName.DATA_TIER_DASHBOARD, data_tier_widgets(watched))
        self.recovery = self._build_dashboard(
            "Recovery", PhysicalName.RECOVERY_DASHBOARD, recovery_widgets(watched, settings.recovery, names)
        )

    def _functions(self, data_key: kms.IKey) -> OperationsFunctions:
        build = Functions(
            scope=self,
            names=self._names,
            removal=self._settings.removal,
            log_retention_days=self._settings.monitoring.log_retention_days,
            key=self._key,
            topic=self._topic,
        )
        return OperationsFunctions(build=build, settings=self._settings, watched=self._watched, data_key=data_key)

    def _build_experiments(self, vpc: ec2.IVpc, subnet: ec2.ISubnet) -> list[fis.CfnExperimentTemplate]:
        if not self._settings.operations.experiments:
            return []
        return Experiments(
            scope=self,
            settings=self._settings,
            names=self._names,
            watched=self._watched,
            vpc=vpc,
            subnet=subnet,
            key=self._key,
            stop_on=[self.alarms.silent, self.alarms.overall],
        ).build()

    def _build_dashboard(
        self, construct_id: str, name: PhysicalName, rows: list[list[cloudwatch.IWidget]]
    ) -> cloudwatch.Dashboard:
        return cloudwatch.Dashboard(
            self,
            construct_id,
            dashboard_name=self._names.physical_name(name),
            default_interval=DAY,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=rows,
        )
