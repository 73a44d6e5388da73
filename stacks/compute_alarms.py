"""Alarms on the service and its load balancer."""

from __future__ import annotations

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.alarms import AT_LEAST, BELOW, MINUTE, Alarms
from stacks.names import Names
from stacks.settings import ComputeSettings


def build_compute_alarms(
    scope: Construct,
    *,
    service: ecs.FargateService,
    load_balancer: elbv2.ApplicationLoadBalancer,
    target_group: elbv2.ApplicationTargetGroup,
    settings: ComputeSettings,
    names: Names,
    topic: sns.ITopic,
) -> None:
    """Add the alarms of the service.

    Args:
        scope: stack that owns the service.
        service: whose running tasks are compared with the desired count.
        load_balancer: whose own errors are watched.
        target_group: whose health, errors and latency are watched.
        settings: thresholds.
        names: gives the alarms their names.
        topic: hears of them.
    """
    alarms = Alarms(scope, names, topic)
    total, worst = cloudwatch.Stats.SUM, cloudwatch.Stats.MAXIMUM
    alarms.add(
        "UnhealthyTargetsAlarm",
        subject="service-unhealthy-targets",
        meaning="The load balancer finds tasks that fail their health check",
        metric=target_group.metrics.unhealthy_host_count(statistic=worst, period=MINUTE),
        threshold=1,
        comparison=AT_LEAST,
        periods=3,
    )
    alarms.add(
        "TargetErrorsAlarm",
        subject="service-5xx",
        meaning="Tasks answer with HTTP 5xx",
        metric=target_group.metrics.http_code_target(
            elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic=total, period=MINUTE
        ),
        threshold=10,
        comparison=AT_LEAST,
        periods=3,
    )
    alarms.add(
        "LoadBalancerErrorsAlarm",
        subject="alb-5xx",
        meaning="The load balancer itself answers with HTTP 5xx: no healthy task, or a time-out",
        metric=load_balancer.metrics.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT, statistic=total, period=MINUTE),
        threshold=10,
        comparison=AT_LEAST,
        periods=3,
    )
    alarms.add(
        "LatencyAlarm",
        subject="service-latency-p99",
        meaning=f"The slowest 1 % of requests take more than {settings.latency_p99_alarm_ms} ms",
        metric=target_group.metrics.target_response_time(statistic=cloudwatch.Stats.percentile(99), period=MINUTE),
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
            ("running", "RunningTaskCount", cloudwatch.Stats.MINIMUM),
            ("desired", "DesiredTaskCount", worst),
        )
    }
    alarms.add(
        "MissingTasksAlarm",
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
