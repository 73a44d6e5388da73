"""The Aurora cluster with its instances, subnet group, parameter group and secret."""

from __future__ import annotations

from aws_cdk import CfnResource, Duration, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import companion_removal_policy, database_removal_policy
from stacks.names import RESTORED_AT_TAG, Names, PhysicalName
from stacks.settings import DatabaseSettings, RemovalSettings

INSIGHTS = {
    "standard": (rds.DatabaseInsightsMode.STANDARD, rds.PerformanceInsightRetention.DEFAULT),
    # ADVANCED is accepted with 15 months of retention only:
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DatabaseInsights.html
    "advanced": (rds.DatabaseInsightsMode.ADVANCED, rds.PerformanceInsightRetention.MONTHS_15),
}


class AuroraCluster(Construct):
    """A writer, and readers that are promoted first and scale with it.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: version, capacity, windows and what is monitored.
        removal: whether it can be deleted, and what it leaves behind.
        names: physical names.
        vpc: network whose isolated subnets it uses.
        security_group: decides who may reach it, a view.
        key: key of storage, secret and Performance Insights, a view.
        restored_at: when a restored cluster last took the place of this one; a new value makes whatever refers to its
            attributes follow.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: DatabaseSettings,
        removal: RemovalSettings,
        names: Names,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        key: kms.IKey,
        restored_at: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._removal, self._names, self._key = settings, removal, names, key
        self._engine = self._aurora_postgresql()
        self.subnet_group = self._build_subnet_group(vpc)
        self.parameter_group = self._build_parameter_group()
        self.cluster = self._build_cluster(vpc, security_group)
        Tags.of(self.cluster).add(RESTORED_AT_TAG, restored_at, include_resource_types=["AWS::RDS::DBCluster"])
        self.secret = self._managed_secret()
        self._keep_members()
        self._limit_monitoring()

    def _aurora_postgresql(self) -> rds.IClusterEngine:
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
            removal_policy=companion_removal_policy(self._removal),
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
            removal_policy=companion_removal_policy(self._removal),
        )

    def _build_cluster(self, vpc: ec2.IVpc, security_group: ec2.ISecurityGroup) -> rds.DatabaseCluster:
        # Not vpc.availability_zones: CDK lists the zones there for which addresses are reserved, by a name of its own.
        settings, zones = self._settings, [subnet.availability_zone for subnet in vpc.isolated_subnets]
        insights, insights_retention = INSIGHTS[settings.insights]
        interval = settings.enhanced_monitoring_seconds
        writer, *readers = [
            self._instance(number, zones[number % len(zones)]) for number in range(settings.readers + 1)
        ]
        return rds.DatabaseCluster(
            self,
            "Default",
            engine=self._engine,
            cluster_identifier=self._names.physical_name(PhysicalName.AURORA_CLUSTER),
            default_database_name=settings.name,
            manage_master_user_password=True,
            credentials=rds.Credentials.from_username(settings.master_username, encryption_key=self._key),
            writer=writer,
            readers=readers,
            serverless_v2_min_capacity=settings.min_acu,
            serverless_v2_max_capacity=settings.max_acu,
            vpc=vpc,
            subnet_group=self.subnet_group,
            security_groups=[security_group],
            port=settings.port,
            storage_encrypted=True,
            storage_encryption_key=self._key,
            iam_authentication=True,
            parameter_group=self.parameter_group,
            backup=rds.BackupProps(
                retention=Duration.days(settings.backup_retention_days), preferred_window=settings.backup_window
            ),
            preferred_maintenance_window=settings.maintenance_window,
            copy_tags_to_snapshot=True,
            delete_automated_backups=self._removal.data == "destroy",
            # Stay on the long-term support release; a minor upgrade outside CloudFormation is drift.
            auto_minor_version_upgrade=False,
            database_insights_mode=insights,
            enable_performance_insights=True,
            performance_insight_retention=insights_retention,
            performance_insight_encryption_key=self._key,
            monitoring_interval=Duration.seconds(interval) if interval else None,
            enable_data_api=settings.data_api,
            cloudwatch_logs_exports=list(settings.log_exports) or None,
            deletion_protection=self._removal.deletion_protection,
            removal_policy=database_removal_policy(self._removal),
        )

    def _instance(self, number: int, zone: str) -> rds.IClusterInstance:
        """Describe one instance: number 0 starts as the writer, the others as readers in promotion tier 1."""
        return rds.ClusterInstance.serverless_v2(
            "Writer" if number == 0 else f"Reader{number}",
            instance_identifier=self._names.aurora_instance(number + 1),
            availability_zone=zone,
            auto_minor_version_upgrade=False,
            publicly_accessible=False,
            enable_performance_insights=True,
            performance_insight_retention=INSIGHTS[self._settings.insights][1],
            performance_insight_encryption_key=self._key,
            # CDK puts the writer into tier 0 whatever this says, and such readers into tier 1.
            scale_with_writer=number > 0,
        )

    def _managed_secret(self) -> secretsmanager.ISecret:
        """Return the secret that RDS creates for the master user and rotates every seven days."""
        secret = self.cluster.secret
        assert secret is not None, "manage_master_user_password gives the cluster a secret"  # noqa: S101
        return secret

    def _keep_members(self) -> None:
        """Keep the instances, and the role by which they publish Enhanced Monitoring, where the cluster stays."""
        members = ["Writer", *(f"Reader{number + 1}" for number in range(self._settings.readers))]
        role = ["MonitoringRole"] if self._settings.enhanced_monitoring_seconds else []
        for part in [*members, *role]:
            self._part(part).apply_removal_policy(companion_removal_policy(self._removal))

    def _limit_monitoring(self) -> None:
        """Let RDS publish Enhanced Monitoring for this account's instances; CDK's role admits those of any account.

        Of any name: a restored cluster keeps the role, and its instances have other names until they take over.
        """
        if not self._settings.enhanced_monitoring_seconds:
            return
        # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Monitoring.OS.Enabling.html
        location = Location.of_stack(Stack.of(self))
        condition = {**location.this_account, "ArnLike": {"aws:SourceArn": location.arn("rds", "db:*")}}
        self._part("MonitoringRole").add_property_override("AssumeRolePolicyDocument.Statement.0.Condition", condition)

    def _part(self, construct_id: str) -> CfnResource:
        """Return the resource of an instance or role that CDK made within the cluster."""
        resource = self.cluster.node.find_child(construct_id).node.default_child
        assert isinstance(resource, CfnResource)  # noqa: S101 (narrows the type)
        return resource
