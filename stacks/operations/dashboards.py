"""The dashboards: golden signals of the service, load of the data tier, state of the recovery."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from stacks.common.alarms import AVERAGE, MAXIMUM, MINIMUM, MINUTE, P50, P99, SUM
from stacks.names import METRIC_NAMESPACE, Names, PhysicalName
from stacks.operations.monitored import MonitoredResources
from stacks.settings import RecoverySettings

# Widgets in rows of 24 columns.
Rows = list[list[cloudwatch.IWidget]]
HOUR_SECONDS = 3600


class Dashboards(Construct):
    """Three dashboards, each with the last day in view.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        names: physical names.
        recovery: objectives that are drawn beside what is measured.
        monitored: what is drawn.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        recovery: RecoverySettings,
        monitored: MonitoredResources,
    ) -> None:
        super().__init__(scope, construct_id)
        self._day = Duration.days(1)
        self.golden_signals = self._add(
            "GoldenSignals",
            names.physical_name(PhysicalName.GOLDEN_SIGNALS_DASHBOARD),
            _golden_signals(monitored, names.suffix),
        )
        self.data_tier = self._add(
            "DataTier", names.physical_name(PhysicalName.DATA_TIER_DASHBOARD), _data_tier(monitored)
        )
        self.recovery = self._add(
            "Recovery", names.physical_name(PhysicalName.RECOVERY_DASHBOARD), _recovery(monitored, recovery, names)
        )

    def _add(self, construct_id: str, name: str, rows: Rows) -> cloudwatch.Dashboard:
        return cloudwatch.Dashboard(
            self,
            construct_id,
            dashboard_name=name,
            default_interval=self._day,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=rows,
        )


def _golden_signals(monitored: MonitoredResources, suffix: str) -> Rows:
    """Return traffic, errors, latency and saturation of the service, and what the reference service says of itself."""
    balancer, targets, service = monitored.load_balancer.metrics, monitored.target_group.metrics, monitored.service
    latencies = [targets.target_response_time(statistic=statistic, period=MINUTE) for statistic in (P50, P99)]
    errors = [
        targets.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic=SUM, period=MINUTE),
        balancer.http_code_elb(elbv2.HttpCodeElb.ELB_5XX_COUNT, statistic=SUM, period=MINUTE),
    ]

    def own(name: str, statistic: str = SUM) -> cloudwatch.IMetric:
        # Written to the log of the tasks, and drawn for the reference service alone: service/breakwater_service.
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={"Suffix": suffix},
            statistic=statistic,
            period=MINUTE,
        )

    hosts = [
        targets.healthy_host_count(statistic=MINIMUM, period=MINUTE),
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
        [
            _graph("Transfers a minute", [own(name) for name in ("Transfers", "Replays", "Refusals", "Unavailable")]),
            _graph("Transfers: p50 and p99 in ms", [own("TransferLatency", statistic) for statistic in (P50, P99)]),
        ],
        [
            _graph(
                "Transfers: repeated after a failure a minute, receipts a minute", [own("Retries"), own("Receipts")]
            ),
            _graph("Tasks: healthy and unhealthy targets", hosts),
        ],
    ]


def _data_tier(monitored: MonitoredResources) -> Rows:
    """Return load, capacity and delay of Aurora and DynamoDB."""

    def aurora(name: str, statistic: str = MAXIMUM) -> cloudwatch.IMetric:
        return monitored.cluster.metric(name, statistic=statistic, period=MINUTE)

    def table(name: str) -> cloudwatch.IMetric:
        return monitored.table.metric(name, statistic=SUM, period=MINUTE)

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


def _recovery(monitored: MonitoredResources, recovery: RecoverySettings, names: Names) -> Rows:
    """Return the objectives, the state of the backups, and when a restore was last validated."""
    vault = {"BackupVaultName": monitored.vault.backup_vault_name}
    hour, day = Duration.hours(1), Duration.days(1)

    def jobs(name: str, period: Duration = hour) -> cloudwatch.IMetric:
        # https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
        return cloudwatch.Metric(
            namespace="AWS/Backup", metric_name=name, dimensions_map=vault, statistic=SUM, period=period
        )

    def own(name: str, dimension: str = "Resource", divisor: int = 1) -> cloudwatch.IMetric:
        search = f'{{{METRIC_NAMESPACE},{dimension},Suffix}} MetricName="{name}" Suffix="{names.suffix}"'
        found = f"SEARCH('{search}', 'Maximum', {HOUR_SECONDS})"
        return cloudwatch.MathExpression(
            expression=found if divisor == 1 else f"{found} / {divisor}", label="", period=hour, using_metrics={}
        )

    promise = (
        f"# {names.stack}\n"
        f"Promised: RTO **{recovery.rto_seconds} s**, RPO **{recovery.rpo_seconds} s** for failures inside the Region. "
        f"Loss of the Region is not covered."
    )
    health = own("ComponentHealth", "Component")
    proof_days = own("RestoreValidationAgeSeconds", divisor=86400)
    objective = cloudwatch.HorizontalAnnotation(value=recovery.rpo_seconds, label="Promised RPO")
    return [
        [cloudwatch.TextWidget(markdown=promise, width=24, height=3)],
        [
            _graph("Age of the last recovery point in seconds", [own("RecoveryPointAgeSeconds")]),
            _graph("Estimated RPO in seconds", [own("EstimatedRpoSeconds")], annotation=objective),
        ],
        [
            _graph("Health: 0 healthy, 1 degraded, 2 unknown, 3 unhealthy", [health]),
            _graph("Days since a restore was last proved", [proof_days]),
        ],
        [
            _graph("Last restore test: seconds to restore", [own("RestoreTestSeconds")]),
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
