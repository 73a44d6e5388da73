"""The Fargate service: how it deploys, where its tasks run, and when it scales."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from stacks.compute.load_balancer import LoadBalancer
from stacks.settings import ComputeSettings

CPU_TARGET_PERCENT, MEMORY_TARGET_PERCENT = 60, 70


class Service(Construct):
    """A service of two tasks or more that rolls a failed deployment back and scales with its load.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        settings: number of tasks, grace period, target of scaling.
        name: physical name.
        cluster: ECS cluster of the tasks.
        task_definition: what a task is.
        load_balancer: registers the tasks.
        subnets: subnets of the tasks.
        security_group: decides who may reach a task, a view.
        public_ip: give each task a public address.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: ComputeSettings,
        name: str,
        cluster: ecs.ICluster,
        task_definition: ecs.FargateTaskDefinition,
        load_balancer: LoadBalancer,
        subnets: ec2.SubnetSelection,
        security_group: ec2.ISecurityGroup,
        public_ip: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.service = ecs.FargateService(
            self,
            "Default",
            service_name=name,
            cluster=cluster,
            task_definition=task_definition,
            desired_count=settings.min_tasks,
            min_healthy_percent=100,
            max_healthy_percent=200,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            health_check_grace_period=Duration.seconds(settings.health_grace_seconds),
            assign_public_ip=public_ip,
            vpc_subnets=subnets,
            security_groups=[security_group],
            platform_version=ecs.FargatePlatformVersion.VERSION1_4,
            enable_execute_command=settings.exec_enabled,
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.service.attach_to_application_target_group(load_balancer.target_group)
        self.service.node.add_dependency(*load_balancer.listeners)
        self.scaling = self._build_scaling(settings, load_balancer)

    def roll_back_on(self, *alarms: cloudwatch.IAlarm) -> None:
        """Roll a deployment back when one of these goes into ALARM while it runs; none may watch the service itself."""
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        names = [alarm.alarm_name for alarm in alarms]
        self.service.enable_deployment_alarms(names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)

    def _build_scaling(self, settings: ComputeSettings, load_balancer: LoadBalancer) -> ecs.ScalableTaskCount:
        scaling = self.service.auto_scale_task_count(min_capacity=settings.min_tasks, max_capacity=settings.max_tasks)
        scaling.scale_on_cpu_utilization("CpuScaling", target_utilization_percent=CPU_TARGET_PERCENT)
        scaling.scale_on_memory_utilization("MemoryScaling", target_utilization_percent=MEMORY_TARGET_PERCENT)
        scaling.scale_on_request_count(
            "RequestScaling",
            target_group=load_balancer.target_group,
            requests_per_target=settings.requests_per_target,
        )
        for policy in scaling.node.find_all():
            if isinstance(policy, appscaling.CfnScalingPolicy):
                # CDK adds a dependency on the listener that the policy's own reference to it already makes.
                policy.add_deletion_override("DependsOn")
        return scaling
