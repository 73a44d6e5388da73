"""Alarms on the service and its load balancer."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.alarms import AT_LEAST, BELOW, MAXIMUM, MINIMUM, MINUTE, P99, SUM, StackAlarms
from stacks.compute.load_balancer import LoadBalancer
from stacks.names import Names
from stacks.settings import ComputeSettings


class ComputeAlarms(StackAlarms):
    """Health, errors and latency behind the load balancer, and missing tasks.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        service: whose running tasks are compared with the desired count.
        load_balancer: whose errors, targets and latency are watched.
        settings: thresholds.
        names: physical names.
        topic: is notified.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: ecs.FargateService,
        load_balancer: LoadBalancer,
        settings: ComputeSettings,
        names: Names,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        balancer, targets = load_balancer.balancer.metrics, load_balancer.target_group.metrics
        self.add(
            "UnhealthyTargets",
            subject="service-unhealthy-targets",
            meaning="The load balancer finds tasks that fail their health check",
            metric=targets.unhealthy_host_count(statistic=MAXIMUM, period=MINUTE),
            threshold=1,
            comparison=AT_LEAST,
            # ECS replaces such a task within a minute or two: tasks that fail again and again leave gaps between them.
            periods=10,
            datapoints=3,
        )
        self.target_errors = self.add(
            "TargetErrors",
            subject="service-5xx",
            meaning="Tasks answer with HTTP 5xx",
            metric=targets.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic=SUM, period=MINUTE),
            threshold=10,
            comparison=AT_LEAST,
            periods=3,
            # Two minutes: while a deployment runs, this alarm ends it.
            datapoints=2,
        )
        self.load_balancer_errors = self.add(
            "LoadBalancerErrors",
            subject="alb-5xx",
            meaning="The load balancer itself answers with HTTP 5xx: no healthy task, or a timeout",
            metric=balancer.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT, statistic=SUM, period=MINUTE),
            threshold=10,
            comparison=AT_LEAST,
            periods=3,
        )
        self.latency = self.add(
            "Latency",
            subject="service-latency-p99",
            meaning=f"The slowest 1 % of requests take more than {settings.latency_p99_alarm_ms} ms",
            metric=targets.target_response_time(statistic=P99, period=MINUTE),
            threshold=settings.latency_p99_alarm_ms / 1000,  # published in seconds
        )
        # Container Insights: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Container-Insights-metrics-ECS.html
        counts = {
            name: cloudwatch.Metric(
                namespace="ECS/ContainerInsights",
                metric_name=metric,
                dimensions_map={"ClusterName": service.cluster.cluster_name, "ServiceName": service.service_name},
                statistic=statistic,
                period=MINUTE,
            )
            for name, metric, statistic in (
                ("running", "RunningTaskCount", MINIMUM),
                ("desired", "DesiredTaskCount", MAXIMUM),
            )
        }
        self.add(
            "MissingTasks",
            subject="service-missing-tasks",
            meaning="Fewer tasks run than the service wants",
            metric=cloudwatch.MathExpression(
                expression="running - desired", using_metrics=counts, label="Running minus desired tasks", period=MINUTE
            ),
            threshold=0,
            comparison=BELOW,
            periods=5,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
