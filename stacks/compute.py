"""Owns the ECS cluster, the Fargate service and the load balancer before it.

RTO/RPO: at least two tasks over two zones serve through the loss of one (RTO near 0 while the other holds the load); a
failed deployment rolls back by itself. Tasks keep no state, so they have no RPO.
"""

from __future__ import annotations

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledgements import AWS_SOLUTIONS, acknowledge
from stacks.compute_alarms import build_compute_alarms
from stacks.imports import view_of_bucket, view_of_key, view_of_security_group
from stacks.load_balancer import build_listeners, build_load_balancer, build_target_group
from stacks.names import Names, PhysicalName
from stacks.policies import removal_policy, retention
from stacks.settings import ComputeSettings, EgressMode, MonitoringSettings, NetworkSettings, RemovalSettings
from stacks.task_definition import build_task_definition
from stacks.waf import build_web_acl

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagegatewayservice.html
EXEC_CHANNELS = (
    "compute.exec_enabled is on: the channels of ECS Exec (ssmmessages) have no resource type, so only * is accepted; "
    "logs:DescribeLogGroups is CDK's own, reads names alone and is asked of all groups."
)


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
        vpc: ec2.IVpc,
        task_subnets: ec2.SubnetSelection,
        task_security_group: ec2.ISecurityGroup,
        load_balancer_security_group: ec2.ISecurityGroup,
        log_key: kms.IKey,
        log_bucket: s3.IBucket,
        log_prefix: str,
        environment: dict[str, str],
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, description="ECS Fargate service and load balancer")
        self._settings, self._network, self._removal, self._names = settings, network, removal, names
        self._log_key, self._log_retention = view_of_key(self, "LogKey", log_key), monitoring.log_retention_days
        self.cluster = self._build_cluster(vpc)
        self.log_group = self._build_log_group("LogGroup")
        self.task_definition = build_task_definition(
            self, settings=settings, environment=environment, log_group=self.log_group
        )
        self.load_balancer = build_load_balancer(
            self,
            vpc=vpc,
            security_group=view_of_security_group(self, "LoadBalancerSecurityGroup", load_balancer_security_group),
            name=names.physical_name(PhysicalName.LOAD_BALANCER),
            deletion_protection=removal.deletion_protection,
            waf=settings.waf,
            log_bucket=view_of_bucket(self, "LoadBalancerLogBucket", log_bucket),
            log_prefix=log_prefix,
        )
        self.target_group = build_target_group(self, vpc=vpc, settings=settings)
        listeners = build_listeners(self.load_balancer, self.target_group, certificate_arn=settings.certificate_arn)
        self.service = self._build_service(
            task_subnets, view_of_security_group(self, "TaskSecurityGroup", task_security_group)
        )
        self.service.node.add_dependency(*listeners)
        self._build_scaling()
        self._build_web_acl()
        build_compute_alarms(
            self,
            service=self.service,
            load_balancer=self.load_balancer,
            target_group=self.target_group,
            settings=settings,
            names=names,
            topic=topic,
        )

    @property
    def task_role(self) -> iam.IRole:
        """Role of the application's own calls; the root grants it the data tier."""
        return self.task_definition.task_role

    def _build_cluster(self, vpc: ec2.IVpc) -> ecs.Cluster:
        insights = {"enabled": ecs.ContainerInsights.ENABLED, "enhanced": ecs.ContainerInsights.ENHANCED}
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=self._names.physical_name(PhysicalName.ECS_CLUSTER),
            vpc=vpc,
            container_insights_v2=insights[self._settings.container_insights],
        )
        # ECS makes this group itself, without key or retention, when it finds none.
        cluster.node.add_dependency(
            self._build_log_group("ContainerInsightsLogGroup", self._names.container_insights_log_group)
        )
        return cluster

    def _build_log_group(self, construct_id: str, name: str | None = None) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            construct_id,
            log_group_name=name,
            encryption_key=self._log_key,
            retention=retention(self._log_retention),
            removal_policy=removal_policy(self._removal),
        )

    def _build_service(self, subnets: ec2.SubnetSelection, security_group: ec2.ISecurityGroup) -> ecs.FargateService:
        service = ecs.FargateService(
            self,
            "Service",
            service_name=self._names.physical_name(PhysicalName.ECS_SERVICE),
            cluster=self.cluster,
            task_definition=self.task_definition,
            desired_count=self._settings.min_tasks,
            min_healthy_percent=100,
            max_healthy_percent=200,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=Duration.seconds(self._settings.health_grace_seconds),
            assign_public_ip=self._network.egress is EgressMode.PUBLIC_IP,
            vpc_subnets=subnets,
            security_groups=[security_group],
            platform_version=ecs.FargatePlatformVersion.VERSION1_4,
            enable_execute_command=self._settings.exec_enabled,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        service.attach_to_application_target_group(self.target_group)
        if self._settings.exec_enabled:
            policy = self.task_definition.task_role.node.find_child("DefaultPolicy")
            acknowledge(policy, AWS_SOLUTIONS, rule="IAM5[Resource::*]", reason=EXEC_CHANNELS)
        return service

    def _build_scaling(self) -> None:
        scaling = self.service.auto_scale_task_count(
            min_capacity=self._settings.min_tasks, max_capacity=self._settings.max_tasks
        )
        scaling.scale_on_cpu_utilization("CpuScaling", target_utilization_percent=60)
        scaling.scale_on_memory_utilization("MemoryScaling", target_utilization_percent=70)
        scaling.scale_on_request_count(
            "RequestScaling",
            target_group=self.target_group,
            requests_per_target=self._settings.requests_per_target,
        )
        for policy in scaling.node.find_all():
            if isinstance(policy, appscaling.CfnScalingPolicy):
                # CDK adds a dependency on the listener that the policy's own reference to it already makes.
                policy.add_deletion_override("DependsOn")

    def _build_web_acl(self) -> None:
        if not self._settings.waf:
            return
        group = self._build_log_group("WebAclLogGroup", self._names.physical_name(PhysicalName.WAF_LOG_GROUP))
        build_web_acl(
            self,
            name=self._names.physical_name(PhysicalName.WEB_ACL),
            load_balancer=self.load_balancer,
            log_group=group,
        )
