"""Widgets of the dashboards, in rows of 24 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_backup as backup
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_rds as rds

from stacks.alarms import MINUTE
from stacks.names import METRIC_NAMESPACE, Names
from stacks.settings import RecoverySettings

SUM, AVERAGE, MAXIMUM = cloudwatch.Stats.SUM, cloudwatch.Stats.AVERAGE, cloudwatch.Stats.MAXIMUM
Rows = list[list[cloudwatch.IWidget]]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the dashboards show; every member belongs to an earlier stack."""

    load_balancer: elbv2.ApplicationLoadBalancer
    target_group: elbv2.ApplicationTargetGroup
    service: ecs.FargateService
    cluster: rds.DatabaseCluster
    table: dynamodb.TableV2
    vault: backup.BackupVault
    restore_testing_plan: backup.CfnRestoreTestingPlan


def golden_signal_widgets(watched: Watched) -> Rows:
    """Return traffic, errors, latency and saturation of the service."""
    balancer, targets, service = watched.load_balancer.metrics, watched.target_group.metrics, watched.service
    latencies = [
        targets.target_response_time(statistic=statistic, period=MINUTE)
        for statistic in (cloudwatch.Stats.percentile(50), cloudwatch.Stats.percentile(99))
    ]
    errors = [
        targets.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic=SUM, period=MINUTE),
        balancer.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT, statistic=SUM, period=MINUTE),
    ]
    hosts = [
        targets.healthy_host_count(statistic=cloudwatch.Stats.MINIMUM, period=MINUTE),
        targets.unhealthy_host_count(statistic=MAXIMUM, period=MINUTE),
    ]
    saturation = [
        service.metric_cpu_utilization(statistic=MAXIMUM, period=MINUTE),
        service.metric_memory_utilization(statistic=MAXIMUM, period=MINUTE),
    ]
    return [
        [
            _graph("Traffic: requests a minute", [balancer.request_count(statistic=SUM, period=MINUTE)]),
            _graph("Errors: HTTP 5xx a minute", errors),
        ],
        [_graph("Latency: p50 and p99 in seconds", latencies), _graph("Saturation: % of the task", saturation)],
        [_graph("Tasks: healthy and unhealthy targets", hosts, width=24)],
    ]


def data_tier_widgets(watched: Watched) -> Rows:
    """Return load, capacity and delay of Aurora and DynamoDB."""

    def aurora(name: str, statistic: str = MAXIMUM) -> cloudwatch.IMetric:
        return watched.cluster.metric(name, statistic=statistic, period=MINUTE)

    def table(name: str) -> cloudwatch.IMetric:
        return watched.table.metric(name, statistic=SUM, period=MINUTE)

    return [
        [
            _graph("Aurora: CPU and capacity in %", [aurora("CPUUtilization"), aurora("ACUUtilization")]),
            _graph("Aurora: capacity in ACU", [aurora("ServerlessDatabaseCapacity")]),
        ],
        [
            _graph("Aurora: connections", [aurora("DatabaseConnections")]),
            _graph("Aurora: replica lag in ms", [aurora("AuroraReplicaLagMaximum")]),
        ],
        [
            _graph("Aurora: commit latency in ms", [aurora("CommitLatency", AVERAGE)]),
            _graph("Aurora: deadlocks a second", [aurora("Deadlocks")]),
        ],
        [
            _graph(
                "Table: capacity units a minute",
                [table("ConsumedReadCapacityUnits"), table("ConsumedWriteCapacityUnits")],
            ),
            _graph("Table: throttled requests a minute", [table("ReadThrottleEvents"), table("WriteThrottleEvents")]),
        ],
    ]


def recovery_widgets(watched: Watched, recovery: RecoverySettings, names: Names) -> Rows:
    """Return what was promised, what is backed up, and when a restore was last proved."""
    vault = {"BackupVaultName": watched.vault.backup_vault_name}
    hour, day = Duration.hours(1), Duration.days(1)

    def jobs(name: str, period: Duration = hour) -> cloudwatch.IMetric:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
        return cloudwatch.Metric(
            namespace="AWS/Backup", metric_name=name, dimensions_map=vault, statistic=SUM, period=period
        )

    def ours(name: str, dimension: str = "Resource", divisor: int = 1) -> cloudwatch.IMetric:
        search = f'{{{METRIC_NAMESPACE},{dimension},Suffix}} MetricName="{name}" Suffix="{names.suffix}"'
        found = f"SEARCH('{search}', 'Maximum', {hour.to_seconds()})"
        return cloudwatch.MathExpression(
            expression=found if divisor == 1 else f"{found} / {divisor}", label="", period=hour, using_metrics={}
        )

    promise = (
        f"# {names.stack}\n"
        f"Promised: RTO **{recovery.rto_seconds} s**, RPO **{recovery.rpo_seconds} s** for failures inside the region. "
        f"Loss of the region is not covered."
    )
    health = ours("ComponentHealth", "Component")
    proof_days = ours("RestoreValidationAgeSeconds", divisor=86400)
    objective = cloudwatch.HorizontalAnnotation(value=recovery.rpo_seconds, label="Promised RPO")
    return [
        [cloudwatch.TextWidget(markdown=promise, width=24, height=3)],
        [
            _graph("Age of the last recovery point in seconds", [ours("RecoveryPointAgeSeconds")]),
            _graph("Estimated RPO in seconds", [ours("EstimatedRpoSeconds")], annotation=objective),
        ],
        [
            _graph("Health: 0 healthy, 1 degraded, 2 unknown, 3 unhealthy", [health]),
            _graph("Days since a restore was last proved", [proof_days]),
        ],
        [
            _graph("Last restore test: seconds to restore", [ours("RestoreTestSeconds")]),
            _graph("Restore jobs an hour", [jobs("NumberOfRestoreJobsCompleted"), jobs("NumberOfRestoreJobsFailed")]),
        ],
        [
            _graph(
                "Backup jobs an hour",
                [jobs("NumberOfBackupJobsCompleted"), jobs("NumberOfBackupJobsFailed")],
            ),
            cloudwatch.SingleValueWidget(
                title="Recovery points completed today",
                metrics=[jobs("NumberOfRecoveryPointsCompleted", day)],
                width=12,
                height=6,
            ),
        ],
    ]


def _graph(
    title: str,
    metrics: Sequence[cloudwatch.IMetric],
    *,
    width: int = 12,
    annotation: cloudwatch.HorizontalAnnotation | None = None,
) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        left_annotations=[annotation] if annotation else None,
        width=width,
        height=6,
    )
