"""Owns the ECS cluster, the Fargate service, the load balancer in front of it, and the migration of its database.

RTO/RPO: at least two tasks in two zones keep serving when one is lost (RTO near 0 while the other carries the load); a
failed deployment rolls back by itself. Tasks keep no state, so they have no RPO.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import NestedStack
from aws_cdk import aws_arczonalshift as arczonalshift
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.common.acknowledgements import policy_of
from stacks.common.location import Location
from stacks.common.retention import EncryptedLogGroup
from stacks.common.views import view_of_bucket, view_of_key, view_of_queue, view_of_security_group
from stacks.compute.alarms import ComputeAlarms
from stacks.compute.load_balancer import LoadBalancer
from stacks.compute.migration import Migration
from stacks.compute.service import Service
from stacks.compute.task_definition import TaskDefinition
from stacks.compute.web_acl import WebAcl
from stacks.names import METRIC_NAMESPACE, Names, OutputKey, PhysicalName
from stacks.settings import (
    ComputeSettings,
    DatabaseSettings,
    EgressMode,
    MonitoringSettings,
    NetworkSettings,
    RemovalSettings,
)

INSIGHTS = {"enabled": ecs.ContainerInsights.ENABLED, "enhanced": ecs.ContainerInsights.ENHANCED}


class ComputeStack(NestedStack):
    """Fargate service behind an Application Load Balancer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ComputeSettings,
        network: NetworkSettings,
        monitoring: MonitoringSettings,
        removal: RemovalSettings,
        names: Names,
        location: Location,
        vpc: ec2.IVpc,
        task_subnets: ec2.SubnetSelection,
        task_security_group: ec2.ISecurityGroup,
        load_balancer_security_group: ec2.ISecurityGroup,
        log_key: kms.IKey,
        log_bucket: s3.IBucket,
        log_prefix: str,
        environment: dict[str, str],
        topic: sns.ITopic,
        database: DatabaseSettings,
        database_cluster: rds.IDatabaseCluster,
        database_secret: secretsmanager.ISecret,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id, description="ECS Fargate service and load balancer")
        self.settings, self.removal, self._names = settings, removal, names
        self._log_key, self._log_retention_days = view_of_key(self, "LogKey", log_key), monitoring.log_retention_days
        self.cluster = self._build_cluster(vpc)
        self.log_group = self._build_log_group("LogGroup")
        self.tasks = TaskDefinition(
            self,
            "TaskDefinition",
            settings=settings,
            location=location,
            environment={**environment, "METRIC_NAMESPACE": METRIC_NAMESPACE, "SUFFIX": names.suffix},
            log_group=self.log_group,
        )
        self.load_balancer = LoadBalancer(
            self,
            "LoadBalancer",
            settings=settings,
            name=names.physical_name(PhysicalName.LOAD_BALANCER),
            deletion_protection=removal.deletion_protection,
            vpc=vpc,
            security_group=view_of_security_group(self, "LoadBalancerSecurityGroup", load_balancer_security_group),
            log_bucket=view_of_bucket(self, "LoadBalancerLogBucket", log_bucket),
            log_prefix=log_prefix,
        )
        self.service = Service(
            self,
            "Service",
            settings=settings,
            name=names.physical_name(PhysicalName.ECS_SERVICE),
            cluster=self.cluster,
            task_definition=self.tasks.definition,
            load_balancer=self.load_balancer,
            subnets=task_subnets,
            security_group=view_of_security_group(self, "TaskSecurityGroup", task_security_group),
            public_ip=network.egress is EgressMode.PUBLIC_IP,
        )
        # CDK waits for the task role's policy only. A task that starts before the policy of its execution role holds
        # finds neither image nor log group, and the circuit breaker rolls the deployment back.
        self.service.service.node.add_dependency(policy_of(self.tasks.execution_role))
        self.migration = (
            Migration(
                self,
                "Migration",
                settings=database,
                cluster=database_cluster,
                secret=database_secret,
                dead_letters=view_of_queue(self, "DeadLetters", dead_letters),
                names=names,
                location=location,
                monitoring=monitoring,
                removal=removal,
                key=self._log_key,
                topic=topic,
            )
            if database.data_api
            else None
        )
        if self.migration is not None:
            self.service.service.node.add_dependency(*self.migration.starters)
        self.web_acl = self._build_web_acl() if settings.waf else None
        self.alarms = ComputeAlarms(
            self,
            "Alarms",
            service=self.service.service,
            load_balancer=self.load_balancer,
            settings=settings,
            names=names,
            topic=topic,
        )
        if settings.deployment_alarms:
            self.service.roll_back_on(self.alarms.target_errors, self.alarms.latency)
        self.zonal_autoshift = self._build_zonal_autoshift() if settings.zonal_autoshift else None

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about the service."""
        host = self.load_balancer.balancer.load_balancer_dns_name
        scheme, name = "https" if self.settings.certificate_arn else "http", self._names.physical_name
        return {
            OutputKey.ECS_CLUSTER_NAME: self.cluster.cluster_name,
            OutputKey.ECS_SERVICE_NAME: self.service.service.service_name,
            OutputKey.SERVICE_LOG_GROUP_NAME: self.log_group.log_group_name,
            OutputKey.LOAD_BALANCER_ARN: self.load_balancer.balancer.load_balancer_arn,
            OutputKey.LOAD_BALANCER_DNS_NAME: host,
            OutputKey.TARGET_GROUP_ARN: self.load_balancer.target_group.target_group_arn,
            OutputKey.SERVICE_URL: f"{scheme}://{self.settings.domain_name or host}",
            **({OutputKey.MIGRATION_FUNCTION: name(PhysicalName.MIGRATION)} if self.migration else {}),
        }

    def _build_cluster(self, vpc: ec2.IVpc) -> ecs.Cluster:
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=self._names.physical_name(PhysicalName.ECS_CLUSTER),
            vpc=vpc,
            container_insights_v2=INSIGHTS[self.settings.container_insights],
        )
        # ECS makes this group itself, without key or retention, when it finds none.
        cluster.node.add_dependency(
            self._build_log_group("ContainerInsightsLogGroup", self._names.container_insights_log_group)
        )
        return cluster

    def _build_zonal_autoshift(self) -> arczonalshift.CfnZonalAutoshiftConfiguration:
        """Let AWS take an impaired zone out; a practice run ends early, and is not begun, while clients see errors."""
        # https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-autoshift.considerations.html
        condition = arczonalshift.CfnZonalAutoshiftConfiguration.ControlConditionProperty
        outcome, *blocking = (
            condition(alarm_identifier=alarm.alarm_arn, type="CLOUDWATCH")
            for alarm in (self.alarms.load_balancer_errors, self.alarms.target_errors)
        )
        return arczonalshift.CfnZonalAutoshiftConfiguration(
            self,
            "ZonalAutoshift",
            resource_identifier=self.load_balancer.balancer.load_balancer_arn,
            zonal_autoshift_status="ENABLED",
            practice_run_configuration=arczonalshift.CfnZonalAutoshiftConfiguration.PracticeRunConfigurationProperty(
                outcome_alarms=[outcome], blocking_alarms=blocking
            ),
        )

    def _build_web_acl(self) -> WebAcl:
        return WebAcl(
            self,
            "WebAcl",
            name=self._names.physical_name(PhysicalName.WEB_ACL),
            load_balancer_arn=self.load_balancer.balancer.load_balancer_arn,
            log_group=self._build_log_group("WebAclLogGroup", self._names.physical_name(PhysicalName.WAF_LOG_GROUP)),
        )

    def _build_log_group(self, construct_id: str, name: str | None = None) -> EncryptedLogGroup:
        return EncryptedLogGroup(
            self,
            construct_id,
            name=name,
            key=self._log_key,
            retention_days=self._log_retention_days,
            removal=self.removal,
        )
