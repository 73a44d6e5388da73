"""The root stack: creates the eight nested stacks in order, grants between them, and states the outputs."""

from __future__ import annotations

from typing import Any

from aws_cdk import App, CfnOutput, Environment, NestedStack, Stack, Tags
from constructs import Construct

from stacks.backup import BackupStack
from stacks.compute import ComputeStack
from stacks.database import DatabaseStack
from stacks.kms import KmsStack
from stacks.monitoring import MonitoringStack
from stacks.names import Names, PhysicalName, TagKey
from stacks.network import NetworkStack
from stacks.operations import OperationsStack
from stacks.operations_grants import OperationsGrants
from stacks.operations_widgets import Watched
from stacks.outputs import root_outputs
from stacks.restore_testing import RestoreTarget
from stacks.settings import Settings
from stacks.storage import LOAD_BALANCER_LOG_PREFIX, StorageStack
from stacks.task_grants import grant_data_tier


def create_app(settings: Settings, **options: Any) -> tuple[App, Platform]:
    """Create the construct tree of one deployment.

    Args:
        settings: validated settings.
        options: options of :class:`aws_cdk.App`, e.g. ``context`` and ``outdir`` outside the CLI.

    Returns:
        The app, not yet synthesized, and its root stack.
    """
    # CDK's built-in validator reads root templates only and costs half a synth; `make lint` runs its native build over
    # every template instead, nested ones included, and the guards of `app.py` read them all in a fraction of that.
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=False, **options)
    return app, Platform(app, settings=settings)


class Platform(Stack):
    """One deployment of the platform, called ``Breakwater-<suffix>``.

    Args:
        scope: the app.
        settings: validated settings; the region is always given, the account only if somebody gave it.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        names = Names(settings.suffix, settings.region)
        tags = _tags(settings)
        super().__init__(
            scope,
            names.stack,
            description="Breakwater: a transaction platform that is ready for disaster recovery in one region",
            env=Environment(account=settings.account, region=settings.region),
            termination_protection=settings.removal.termination_protection,
            tags=tags,
        )
        self.settings, self.names = settings, names
        self.kms = self._build_kms()
        self.network = self._build_network()
        self.monitoring = self._build_monitoring()
        self.storage = self._build_storage()
        self.database = self._build_database()
        self.compute = self._build_compute()
        self.backup = self._build_backup()
        self.operations = self._build_operations()
        grant_data_tier(
            self.compute.task_role,
            table=self.storage.table,
            cluster=self.database.cluster,
            username=settings.database.application_username,
            secret=self.database.secret,
            key=self.kms.data_key,
        )
        self._grant_operations()
        self._drop_redundant_dependencies()
        for key, value in root_outputs(self).items():
            CfnOutput(self, key, value=value)
        self._tag_everything(tags)

    def _tag_everything(self, tags: dict[str, str]) -> None:
        for tag, value in tags.items():
            Tags.of(self).add(tag, value)
        for resource in self.network.custom_resource_parts:
            # CDK declares these as resources of no particular type, which Tags.of leaves out.
            resource.add_property_override("Tags", [{"Key": tag, "Value": value} for tag, value in tags.items()])

    def _build_kms(self) -> KmsStack:
        return KmsStack(self, "Kms", settings=self.settings.kms, removal=self.settings.removal, names=self.names)

    def _build_network(self) -> NetworkStack:
        return NetworkStack(
            self,
            "Network",
            settings=self.settings.network,
            database=self.settings.database,
            compute=self.settings.compute,
            removal=self.settings.removal,
            key=self.kms.messaging_key,
        )

    def _build_monitoring(self) -> MonitoringStack:
        return MonitoringStack(
            self,
            "Monitoring",
            settings=self.settings.monitoring,
            restore_test_keep_hours=self.settings.backup.restore_test_keep_hours,
            names=self.names,
            key=self.kms.messaging_key,
        )

    def _build_storage(self) -> StorageStack:
        return StorageStack(
            self,
            "Storage",
            settings=self.settings.storage,
            removal=self.settings.removal,
            names=self.names,
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
            vpc=self.network.vpc,
            task_subnets=self.network.task_subnets,
            task_security_group=self.network.task_security_group,
            load_balancer_security_group=self.network.load_balancer_security_group,
            log_key=self.kms.messaging_key,
            log_bucket=self.storage.log_bucket,
            log_prefix=LOAD_BALANCER_LOG_PREFIX,
            environment=self._task_environment(),
            topic=self.monitoring.topic,
        )

    def _task_environment(self) -> dict[str, str]:
        """Tell tasks where the data is, and where its password is kept: never the password, which RDS rotates."""
        cluster, database = self.database.cluster, self.settings.database
        return {
            "DATABASE_HOST": cluster.cluster_endpoint.hostname,
            "DATABASE_READER_HOST": cluster.cluster_read_endpoint.hostname,
            "DATABASE_PORT": str(database.port),
            "DATABASE_NAME": database.name,
            "DATABASE_USER": database.application_username,
            "DATABASE_SECRET_ARN": self.database.secret.secret_arn,
            "TABLE_NAME": self.storage.table.table_name,
        }

    def _build_backup(self) -> BackupStack:
        return BackupStack(
            self,
            "Backup",
            settings=self.settings.backup,
            removal=self.settings.removal,
            names=self.names,
            key=self.kms.backup_key,
            targets=[self._aurora_target(), self._table_target()],
            topic=self.monitoring.topic,
        )

    def _aurora_target(self) -> RestoreTarget:
        database = self.database
        return RestoreTarget(
            construct_id="AuroraRestoreTest",
            name=self.names.physical_name(PhysicalName.AURORA_RESTORE_TEST),
            resource_type="Aurora",
            resource_arn=database.cluster.cluster_arn,
            restore_metadata={
                "dbSubnetGroupName": database.subnet_group.subnet_group_name,
                "vpcSecurityGroupIds": f'["{self.network.database_security_group.security_group_id}"]',
            },
        )

    def _table_target(self) -> RestoreTarget:
        return RestoreTarget(
            construct_id="TableRestoreTest",
            name=self.names.physical_name(PhysicalName.TABLE_RESTORE_TEST),
            resource_type="DynamoDB",
            resource_arn=self.storage.table.table_arn,
            restore_metadata={"encryptionType": "KMS", "kmsMasterKeyArn": self.kms.data_key.key_arn},
        )

    def _build_operations(self) -> OperationsStack:
        return OperationsStack(
            self,
            "Operations",
            settings=self.settings,
            names=self.names,
            watched=self._watched(),
            vpc=self.network.vpc,
            first_task_subnet=self.network.first_task_subnet,
            data_key=self.kms.data_key,
            messaging_key=self.kms.messaging_key,
            topic=self.monitoring.topic,
            restore_events=self.monitoring.restore_events,
            undelivered=self.monitoring.dead_letters,
        )

    def _watched(self) -> Watched:
        return Watched(
            load_balancer=self.compute.load_balancer,
            target_group=self.compute.target_group,
            service=self.compute.service,
            cluster=self.database.cluster,
            table=self.storage.table,
            vault=self.backup.vault,
            restore_testing_plan=self.backup.restore_testing_plan,
        )

    def _grant_operations(self) -> None:
        operations = self.operations
        grants = OperationsGrants(
            watched=self._watched(),
            names=self.names,
            members=self.settings.database.readers + 1,
            data_key=self.kms.data_key,
        )
        grants.health_monitor(operations.health_monitor)
        grants.failover(operations.failover)
        grants.restore_validation(operations.restore_validation, self.monitoring.restore_events)

    def _drop_redundant_dependencies(self) -> None:
        """Remove the DependsOn that CDK adds where a parameter from the other stack already makes the order."""
        for child in self.node.children:
            if isinstance(child, NestedStack) and child.nested_stack_resource is not None:
                child.nested_stack_resource.add_deletion_override("DependsOn")


def _tags(settings: Settings) -> dict[str, str]:
    return {
        TagKey.PROJECT: settings.project.name,
        TagKey.ENVIRONMENT: settings.environment,
        TagKey.SUFFIX: settings.suffix,
        TagKey.OWNER: settings.project.owner,
        TagKey.COST_CENTER: settings.project.cost_center,
    }
