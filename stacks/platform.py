"""The root stack: creates the eight nested stacks in order, grants between them, and states their outputs."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, CfnOutput, Environment, NestedStack, Stack
from constructs import Construct

from stacks.backup.acknowledgements import acknowledge_findings as acknowledge_backup
from stacks.backup.stack import BackupStack
from stacks.common.acknowledgements import accept_loss_of_data
from stacks.common.location import Location
from stacks.common.stack_wide import permissions_boundary, tag_everything, tags_of
from stacks.compute.acknowledgements import acknowledge_findings as acknowledge_compute
from stacks.compute.stack import ComputeStack
from stacks.database.acknowledgements import acknowledge_findings as acknowledge_database
from stacks.database.restored_at import RestoredAt
from stacks.database.stack import DatabaseStack
from stacks.kms import KmsStack
from stacks.monitoring.acknowledgements import acknowledge_findings as acknowledge_monitoring
from stacks.monitoring.stack import MonitoringStack
from stacks.names import Names, OutputKey
from stacks.network.acknowledgements import acknowledge_findings as acknowledge_network
from stacks.network.stack import NetworkStack
from stacks.operations.acknowledgements import acknowledge_findings as acknowledge_operations
from stacks.operations.monitored import MonitoredResources
from stacks.operations.stack import OperationsStack
from stacks.settings import Settings
from stacks.storage import LOAD_BALANCER_LOG_PREFIX, StorageStack


def create_app(settings: Settings, **options: Any) -> tuple[App, Platform]:
    """Create the construct tree of one deployment.

    Args:
        settings: validated settings.
        options: options of :class:`aws_cdk.App`, e.g. ``context`` and ``outdir`` outside the CLI.

    Returns:
        The app, not yet synthesized, and its root stack.
    """
    # CDK's own validator reads root templates only and costs half a synth: `make lint` and the guards read them all.
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=False, **options)
    return app, Platform(app, settings=settings)


class Platform(Stack):
    """One deployment of the platform, called ``Breakwater-<suffix>``.

    Args:
        scope: the app.
        settings: validated settings; the Region is always given, the account only where it is set.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        names = Names(settings.suffix, settings.region)
        tags = tags_of(settings)
        super().__init__(
            scope,
            names.stack,
            description="Breakwater: a transaction platform that is ready for disaster recovery in one Region",
            env=Environment(account=settings.account, region=settings.region),
            termination_protection=settings.removal.termination_protection,
            tags=tags,
            permissions_boundary=permissions_boundary(settings),
        )
        self.settings, self.names, self.location = settings, names, Location.of_stack(self)
        self.kms = self._build_kms()
        self.network = self._build_network()
        self.monitoring = self._build_monitoring()
        self.storage = self._build_storage()
        self.database = self._build_database()
        self.compute = self._build_compute()
        self.backup = self._build_backup()
        self.operations = self._build_operations()
        self._grant_between_stacks()
        self._acknowledge_findings()
        self._state_outputs()
        self._drop_redundant_dependencies()
        tag_everything(self, tags, untagged=self.network.custom_resource_parts)

    def _build_kms(self) -> KmsStack:
        return KmsStack(
            self,
            "Kms",
            settings=self.settings.kms,
            removal=self.settings.removal,
            names=self.names,
            location=self.location,
            copy_account=self.settings.copy_account,
        )

    def _build_network(self) -> NetworkStack:
        return NetworkStack(
            self,
            "Network",
            settings=self.settings.network,
            database=self.settings.database,
            compute=self.settings.compute,
            removal=self.settings.removal,
            location=self.location,
            key=self.kms.messaging_key,
        )

    def _build_monitoring(self) -> MonitoringStack:
        return MonitoringStack(
            self,
            "Monitoring",
            settings=self.settings.monitoring,
            restore_test_keep_hours=self.settings.backup.restore_test_keep_hours,
            names=self.names,
            location=self.location,
            key=self.kms.messaging_key,
        )

    def _build_storage(self) -> StorageStack:
        return StorageStack(
            self,
            "Storage",
            settings=self.settings.storage,
            removal=self.settings.removal,
            names=self.names,
            location=self.location,
            key=self.kms.data_key,
            topic=self.monitoring.topic,
        )

    def _build_database(self) -> DatabaseStack:
        return DatabaseStack(
            self,
            "Database",
            settings=self.settings.database,
            monitoring=self.settings.monitoring,
            removal=self.settings.removal,
            names=self.names,
            vpc=self.network.vpc,
            security_group=self.network.database_security_group,
            data_key=self.kms.data_key,
            log_key=self.kms.messaging_key,
            topic=self.monitoring.topic,
            restored_at=RestoredAt(self).value_as_string,
        )

    def _build_compute(self) -> ComputeStack:
        return ComputeStack(
            self,
            "Compute",
            settings=self.settings.compute,
            network=self.settings.network,
            monitoring=self.settings.monitoring,
            removal=self.settings.removal,
            names=self.names,
            location=self.location,
            vpc=self.network.vpc,
            task_subnets=self.network.task_subnets,
            task_security_group=self.network.task_security_group,
            load_balancer_security_group=self.network.load_balancer_security_group,
            log_key=self.kms.messaging_key,
            log_bucket=self.storage.log_bucket,
            log_prefix=LOAD_BALANCER_LOG_PREFIX,
            environment={**self.database.connection, **self.storage.connection},
            topic=self.monitoring.topic,
            database=self.settings.database,
            database_cluster=self.database.aurora.cluster,
            database_secret=self.database.aurora.secret,
            dead_letters=self.monitoring.dead_letters.queue,
        )

    def _build_backup(self) -> BackupStack:
        return BackupStack(
            self,
            "Backup",
            settings=self.settings.backup,
            removal=self.settings.removal,
            names=self.names,
            location=self.location,
            key=self.kms.backup_key,
            resources=[self.database.protected_resource, self.storage.protected_resource],
            topic=self.monitoring.topic,
        )

    def _build_operations(self) -> OperationsStack:
        return OperationsStack(
            self,
            "Operations",
            settings=self.settings,
            names=self.names,
            location=self.location,
            monitored=MonitoredResources(
                load_balancer=self.compute.load_balancer.balancer,
                target_group=self.compute.load_balancer.target_group,
                service=self.compute.service.service,
                cluster=self.database.aurora.cluster,
                subnet_group=self.database.aurora.subnet_group,
                table=self.storage.table,
                data_key=self.kms.data_key,
                vault=self.backup.vault.vault,
                restore_testing_plan=self.backup.restore_testing.plan,
            ),
            vpc=self.network.vpc,
            first_task_subnet=self.network.first_task_subnet,
            messaging_key=self.kms.messaging_key,
            topic=self.monitoring.topic,
            restore_events=self.monitoring.restore_events.queue,
            dead_letters=self.monitoring.dead_letters.queue,
        )

    def _grant_between_stacks(self) -> None:
        """Grant what a role of one stack may do with the resources of another: here and nowhere else."""
        self.compute.tasks.grant_data_access(
            table=self.storage.table,
            bucket=self.storage.data_bucket,
            cluster=self.database.aurora.cluster,
            username=self.settings.database.application_username,
            secret=self.database.aurora.secret if self.settings.database.task_login == "secret" else None,
            key=self.kms.data_key,
        )
        if self.compute.migration is not None:
            self.compute.migration.grant_access(self.kms.data_key)
        self.operations.grant_access()

    def _acknowledge_findings(self) -> None:
        """Acknowledge the findings of scanners that stay: last, since some are about what the grants made."""
        acknowledge_backup(self.backup)
        acknowledge_compute(self.compute, self.storage.data_bucket)
        acknowledge_database(self.database)
        acknowledge_monitoring(self.monitoring)
        acknowledge_network(self.network)
        acknowledge_operations(self.operations)
        if self.settings.environment == "prod":
            accept_loss_of_data(self, self.settings.removal)

    def _state_outputs(self) -> None:
        """State the outputs of every stack: those of a nested stack do not reach the root by themselves."""
        given = self.settings
        deployment = {
            OutputKey.ENVIRONMENT: given.environment, OutputKey.SUFFIX: given.suffix, OutputKey.REGION: given.region
        }  # fmt: skip
        front = (self.kms, self.network, self.monitoring, self.storage)
        behind = (self.database, self.compute, self.backup, self.operations)
        for outputs in (deployment, *(stack.outputs() for stack in (*front, *behind))):
            for key, value in outputs.items():
                CfnOutput(self, key, value=value)

    def _drop_redundant_dependencies(self) -> None:
        """Remove the DependsOn that CDK adds: a parameter from the other stack already makes the order."""
        for child in self.node.children:
            if isinstance(child, NestedStack) and child.nested_stack_resource is not None:
                child.nested_stack_resource.add_deletion_override("DependsOn")
