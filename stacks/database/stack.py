"""Owns the Aurora PostgreSQL Serverless v2 cluster, its credentials, its logs and its alarms.

RTO/RPO: with a reader in another zone Aurora fails over in less than 60 s, often less than 30 s, and loses nothing (one
storage volume in three zones); point-in-time restore goes back to any second of the backup retention.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import NestedStack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.protected_resource import ProtectedResource
from stacks.common.retention import EncryptedLogGroup
from stacks.common.views import view_of_key, view_of_security_group
from stacks.database.alarms import DatabaseAlarms
from stacks.database.cluster import AuroraCluster
from stacks.names import Names, OutputKey, PhysicalName
from stacks.settings import DatabaseSettings, MonitoringSettings, RemovalSettings


class DatabaseStack(NestedStack):
    """Aurora cluster with a writer, readers that scale with it, and a password that RDS rotates."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DatabaseSettings,
        monitoring: MonitoringSettings,
        removal: RemovalSettings,
        names: Names,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        data_key: kms.IKey,
        log_key: kms.IKey,
        topic: sns.ITopic,
        restored_at: str,
    ) -> None:
        super().__init__(scope, construct_id, description="Aurora PostgreSQL Serverless v2")
        self._restored_at = restored_at
        self.settings, self.removal, self._names, self._security_group = settings, removal, names, security_group
        self.aurora = AuroraCluster(
            self,
            "Cluster",
            settings=settings,
            removal=removal,
            names=names,
            vpc=vpc,
            security_group=view_of_security_group(self, "SecurityGroup", security_group),
            key=view_of_key(self, "DataKey", data_key),
            restored_at=restored_at,
        )
        self.log_groups = self._build_log_groups(view_of_key(self, "LogKey", log_key), monitoring)
        self.alarms = DatabaseAlarms(
            self, "Alarms", cluster=self.aurora.cluster, settings=settings, names=names, topic=topic
        )

    @property
    def connection(self) -> dict[str, str]:
        """Variables of a client: where the database is and as whom to log in, never a password."""
        cluster = self.aurora.cluster
        owner = {"DATABASE_SECRET_ARN": self.aurora.secret.secret_arn} if self.settings.task_login == "secret" else {}
        return {
            "DATABASE_HOST": cluster.cluster_endpoint.hostname,
            "DATABASE_READER_HOST": cluster.cluster_read_endpoint.hostname,
            "DATABASE_PORT": str(self.settings.port),
            "DATABASE_NAME": self.settings.name,
            "DATABASE_USER": self.settings.application_username,
            # Read by nobody: tasks that are connected to a cluster whose place another one took are started anew.
            "DATABASE_RESTORED_AT": self._restored_at,
            **owner,
        }

    @property
    def protected_resource(self) -> ProtectedResource:
        """The cluster as AWS Backup sees it; a test restores it into the same subnets and security group."""
        return ProtectedResource(
            construct_id="Aurora",
            selection_name=self._names.physical_name(PhysicalName.AURORA_RESTORE_TEST),
            resource_type="Aurora",
            arn=self.aurora.cluster.cluster_arn,
            restore_metadata={
                "dbSubnetGroupName": self.aurora.subnet_group.subnet_group_name,
                "vpcSecurityGroupIds": f'["{self._security_group.security_group_id}"]',
            },
        )

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about the database."""
        cluster = self.aurora.cluster
        return {
            OutputKey.CLUSTER_IDENTIFIER: cluster.cluster_identifier,
            OutputKey.CLUSTER_ARN: cluster.cluster_arn,
            OutputKey.CLUSTER_ENDPOINT: cluster.cluster_endpoint.hostname,
            OutputKey.CLUSTER_READER_ENDPOINT: cluster.cluster_read_endpoint.hostname,
            OutputKey.CLUSTER_PORT: str(self.settings.port),
            OutputKey.CLUSTER_SECRET_ARN: self.aurora.secret.secret_arn,
            OutputKey.DATABASE_NAME: self.settings.name,
        }

    def _build_log_groups(self, key: kms.IKey, monitoring: MonitoringSettings) -> list[EncryptedLogGroup]:
        """Create the groups that Aurora exports to: it makes a group without key or retention when it finds none."""
        groups = [
            EncryptedLogGroup(
                self,
                f"{export.title().replace('-', '')}LogGroup",
                name=self._names.aurora_log_group(export),
                key=key,
                retention_days=monitoring.log_retention_days,
                removal=self.removal,
            )
            for export in self.settings.log_exports
        ]
        self.aurora.cluster.node.add_dependency(*groups)
        return groups
