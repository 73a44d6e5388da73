"""Owns what operates the platform: health monitor, failover, restore validation, alarms, experiments and dashboards.

RTO/RPO: the health monitor finds a fault within minutes and measures the RPO; the failover moves the writer in less
than a minute; restore validation proves once a week that a backup can be restored. An operator sees in one place what
is broken, how far behind the data is, and whether backups and restore tests keep the promises of `[recovery]`.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import NestedStack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.location import Location
from stacks.common.views import view_of_key, view_of_queue
from stacks.names import Names, OutputKey, PhysicalName
from stacks.operations.alarms import OperationsAlarms
from stacks.operations.dashboards import Dashboards
from stacks.operations.experiments import Experiments
from stacks.operations.failover import Failover
from stacks.operations.function import FunctionOptions
from stacks.operations.health_monitor import HealthMonitor
from stacks.operations.monitored import MonitoredResources
from stacks.operations.restore_validation import RestoreValidation
from stacks.settings import Settings


class OperationsStack(NestedStack):
    """Functions, alarms, experiments and dashboards over everything that the other stacks built."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        names: Names,
        location: Location,
        monitored: MonitoredResources,
        vpc: ec2.IVpc,
        first_task_subnet: ec2.ISubnet,
        messaging_key: kms.IKey,
        topic: sns.ITopic,
        restore_events: sqs.IQueue,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, description="Functions, experiments and dashboards")
        self._names = names
        key = view_of_key(self, "MessagingKey", messaging_key)
        shared = FunctionOptions(
            settings=settings, names=names, location=location, monitored=monitored, key=key, topic=topic
        )
        undelivered = view_of_queue(self, "DeadLetters", dead_letters)
        self.health_monitor = HealthMonitor(self, "HealthMonitor", dead_letters=undelivered, **shared)
        self.failover = Failover(self, "Failover", dead_letters=undelivered, **shared)
        self.restore_validation = RestoreValidation(self, "RestoreValidation", queue=restore_events, **shared)
        self.alarms = OperationsAlarms(
            self,
            "Alarms",
            settings=settings,
            names=names,
            monitored=monitored,
            failover=self.failover.function,
            topic=topic,
        )
        self.experiments = (
            Experiments(
                self,
                "Experiments",
                settings=settings,
                names=names,
                location=location,
                monitored=monitored,
                vpc=vpc,
                subnet=first_task_subnet,
                key=key,
                stop_on=self.alarms.severe,
            )
            if settings.operations.experiments
            else None
        )
        self.dashboards = Dashboards(self, "Dashboards", names=names, recovery=settings.recovery, monitored=monitored)

    def grant_access(self) -> None:
        """Let each function do what it calls, and nothing else."""
        self.health_monitor.grant_access()
        self.failover.grant_access()
        self.restore_validation.grant_access()

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about functions and dashboards."""
        name = self._names.physical_name
        return {
            OutputKey.HEALTH_MONITOR_FUNCTION: name(PhysicalName.HEALTH_MONITOR),
            OutputKey.FAILOVER_FUNCTION: name(PhysicalName.FAILOVER),
            OutputKey.RESTORE_VALIDATION_FUNCTION: name(PhysicalName.RESTORE_VALIDATION),
            OutputKey.GOLDEN_SIGNALS_DASHBOARD: name(PhysicalName.GOLDEN_SIGNALS_DASHBOARD),
            OutputKey.DATA_TIER_DASHBOARD: name(PhysicalName.DATA_TIER_DASHBOARD),
            OutputKey.RECOVERY_DASHBOARD: name(PhysicalName.RECOVERY_DASHBOARD),
        }
