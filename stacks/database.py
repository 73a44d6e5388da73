"""Owns the Aurora PostgreSQL Serverless v2 cluster, its credentials, its logs and its alarms.

RTO/RPO: with a reader in another zone Aurora fails over in less than 60 s, often less than 30 s, and loses nothing (one
storage volume in three zones); point-in-time restore goes back to any second of the backup retention.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html
"""

from __future__ import annotations

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    PCI,
    UNPROTECTED,
    acknowledge,
    acknowledge_managed_policy,
    skip_checkov,
)
from stacks.database_alarms import build_database_alarms
from stacks.imports import view_of_key, view_of_security_group
from stacks.names import Names, PhysicalName
from stacks.policies import database_removal_policy, removal_policy, retention
from stacks.settings import DatabaseSettings, MonitoringSettings, RemovalSettings

_INSIGHTS = {
    "standard": (rds.DatabaseInsightsMode.STANDARD, rds.PerformanceInsightRetention.DEFAULT),
    # ADVANCED is accepted with 15 months of retention only:
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DatabaseInsights.html
    "advanced": (rds.DatabaseInsightsMode.ADVANCED, rds.PerformanceInsightRetention.MONTHS_15),
}

NO_LOGS = "database.log_exports is empty: an environment without customers' data saves their price; staging has them."
NO_MONITORING = "database.enhanced_monitoring_seconds is 0: only an environment without customers' traffic has it off."
NO_UPGRADES = "AWS advises to stay on a long-term support release; upgrades come through the template (DR-AURORA-20)."
IN_THE_PLAN = "A plan of another nested stack selects the cluster by ARN: this rule reads one stack, DR-BACKUP-02 all."
AWS_POLICY = "AWS prescribes this policy for Enhanced Monitoring; it may write to the log groups RDSOS* and no others."


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
    ) -> None:
        super().__init__(scope, construct_id, description="Aurora PostgreSQL Serverless v2")
        self._settings, self._removal, self._names = settings, removal, names
        self._engine = self._build_engine()
        self.subnet_group = self._build_subnet_group(vpc)
        self.parameter_group = self._build_parameter_group()
        self.cluster = self._build_cluster(vpc, security_group, view_of_key(self, "DataKey", data_key))
        self.secret = self._managed_secret()
        self.log_groups = self._build_log_groups(log_key, monitoring)
        self._acknowledge()
        build_database_alarms(self, self.cluster, settings=settings, names=names, topic=topic)

    def _build_engine(self) -> rds.IClusterEngine:
        full = self._settings.engine_version
        version = rds.AuroraPostgresEngineVersion.of(full, full.split(".")[0])
        return rds.DatabaseClusterEngine.aurora_postgres(version=version)

    def _build_subnet_group(self, vpc: ec2.IVpc) -> rds.SubnetGroup:
        return rds.SubnetGroup(
            self,
            "SubnetGroup",
            description="Isolated subnets of Aurora",
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            removal_policy=removal_policy(self._removal),
        )

    def _build_parameter_group(self) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "ParameterGroup",
            engine=self._engine,
            description="TLS only, connections and slow statements logged",
            parameters={
                "rds.force_ssl": "1",
                "log_connections": "1",
                "log_disconnections": "1",
                "log_min_duration_statement": "1000",
            },
            removal_policy=removal_policy(self._removal),
        )

    def _build_cluster(self, vpc: ec2.IVpc, security_group: ec2.ISecurityGroup, key: kms.IKey) -> rds.DatabaseCluster:
        settings, zones = self._settings, vpc.availability_zones
        insights, insights_retention = _INSIGHTS[settings.insights]
        instances = [
            self._build_instance(number, zones[number % len(zones)], key) for number in range(settings.readers + 1)
        ]
        return rds.DatabaseCluster(
            self,
            "Cluster",
            engine=self._engine,
            cluster_identifier=self._names.physical_name(PhysicalName.AURORA_CLUSTER),
            default_database_name=settings.name,
            manage_master_user_password=True,
            credentials=rds.Credentials.from_username(settings.master_username, encryption_key=key),
            writer=instances[0],
            readers=instances[1:],
            serverless_v2_min_capacity=settings.min_acu,
            serverless_v2_max_capacity=settings.max_acu,
            vpc=vpc,
            subnet_group=self.subnet_group,
            security_groups=[view_of_security_group(self, "SecurityGroup", security_group)],
            port=settings.port,
            storage_encrypted=True,
            storage_encryption_key=key,
            iam_authentication=True,
            parameter_group=self.parameter_group,
            backup=rds.BackupProps(
                retention=Duration.days(settings.backup_retention_days), preferred_window=settings.backup_window
            ),
            preferred_maintenance_window=settings.maintenance_window,
            copy_tags_to_snapshot=True,
            delete_automated_backups=self._removal.data == "destroy",
            # Stay on the long-term support release; a minor upgrade behind CloudFormation's back is drift.
            auto_minor_version_upgrade=False,
            database_insights_mode=insights,
            enable_performance_insights=True,
            performance_insight_retention=insights_retention,
            performance_insight_encryption_key=key,
            monitoring_interval=(
                Duration.seconds(settings.enhanced_monitoring_seconds) if settings.enhanced_monitoring_seconds else None
            ),
            enable_data_api=settings.data_api,
            cloudwatch_logs_exports=list(settings.log_exports) or None,
            deletion_protection=self._removal.deletion_protection,
            removal_policy=database_removal_policy(self._removal),
        )

    def _managed_secret(self) -> secretsmanager.ISecret:
        """Return the secret that RDS makes for the master user and rotates every seven days."""
        secret = self.cluster.secret
        assert secret is not None, "manage_master_user_password gives the cluster a secret"  # noqa: S101
        return secret

    def _build_instance(self, number: int, zone: str, key: kms.IKey) -> rds.IClusterInstance:
        """Build one member; the first is born as the writer, the others as readers in promotion tier 1."""
        return rds.ClusterInstance.serverless_v2(
            "Writer" if number == 0 else f"Reader{number}",
            instance_identifier=self._names.aurora_instance(number + 1),
            availability_zone=zone,
            auto_minor_version_upgrade=False,
            publicly_accessible=False,
            enable_performance_insights=True,
            performance_insight_retention=_INSIGHTS[self._settings.insights][1],
            performance_insight_encryption_key=key,
            # CDK puts the writer into tier 0 whatever this says, and such readers into tier 1.
            scale_with_writer=number > 0,
        )

    def _acknowledge(self) -> None:
        settings = self._settings
        if not self._removal.deletion_protection:
            acknowledge(self.cluster, AWS_SOLUTIONS, rule="RDS10", reason=UNPROTECTED)
            acknowledge(self.cluster, HIPAA, NIST, rule="RDSInstanceDeletionProtectionEnabled", reason=UNPROTECTED)
        if "postgresql" not in settings.log_exports:
            acknowledge(self.cluster, HIPAA, NIST, PCI, rule="RDSLoggingEnabled[LogExport::postgresql]", reason=NO_LOGS)
        for member in ("Writer", *(f"Reader{number + 1}" for number in range(settings.readers))):
            instance = self.cluster.node.find_child(member)
            acknowledge(instance, HIPAA, NIST, rule="RDSInBackupPlan", reason=IN_THE_PLAN)
            acknowledge(instance, HIPAA, PCI, rule="RDSAutomaticMinorVersionUpgradeEnabled", reason=NO_UPGRADES)
            if not settings.enhanced_monitoring_seconds:
                acknowledge(instance, HIPAA, NIST, rule="RDSEnhancedMonitoringEnabled", reason=NO_MONITORING)
                skip_checkov(instance, {"CKV_AWS_118": NO_MONITORING})
        if settings.enhanced_monitoring_seconds:
            role = self.cluster.node.find_child("MonitoringRole")
            acknowledge_managed_policy(role, "AmazonRDSEnhancedMonitoringRole", reason=AWS_POLICY)

    def _build_log_groups(self, key: kms.IKey, monitoring: MonitoringSettings) -> list[logs.LogGroup]:
        """Create the groups that Aurora exports to, so that they are encrypted, expire, and go with the stack."""
        view = view_of_key(self, "LogKey", key)
        groups = [
            logs.LogGroup(
                self,
                f"{export.title().replace('-', '')}LogGroup",
                log_group_name=self._names.aurora_log_group(export),
                encryption_key=view,
                retention=retention(monitoring.log_retention_days),
                removal_policy=removal_policy(self._removal),
            )
            for export in self._settings.log_exports
        ]
        # Aurora makes a group without key or retention when it finds none.
        self.cluster.node.add_dependency(*groups)
        return groups
