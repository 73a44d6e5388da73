"""Owns the dashboards: golden signals of the service, the data tier, and recovery.

RTO/RPO: an operator sees in one place what is broken, how far behind the data is, and whether backups and restore tests
keep the promises of `[recovery]`.
"""

from __future__ import annotations

from aws_cdk import Duration, NestedStack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.names import Names, PhysicalName
from stacks.operations_widgets import Watched, data_tier_widgets, golden_signal_widgets, recovery_widgets
from stacks.settings import RecoverySettings

DAY = Duration.days(1)


class OperationsStack(NestedStack):
    """Dashboards over everything that the other stacks built."""

    def __init__(
        self, scope: Construct, construct_id: str, *, recovery: RecoverySettings, names: Names, watched: Watched
    ) -> None:
        super().__init__(scope, construct_id, description="Dashboards")
        self._names = names
        self.golden_signals = self._build_dashboard(
            "GoldenSignals", PhysicalName.GOLDEN_SIGNALS_DASHBOARD, golden_signal_widgets(watched)
        )
        self.data_tier = self._build_dashboard("DataTier", PhysicalName.DATA_TIER_DASHBOARD, data_tier_widgets(watched))
        self.recovery = self._build_dashboard(
            "Recovery", PhysicalName.RECOVERY_DASHBOARD, recovery_widgets(watched, recovery, names)
        )

    def _build_dashboard(
        self, construct_id: str, name: PhysicalName, rows: list[list[cloudwatch.IWidget]]
    ) -> cloudwatch.Dashboard:
        return cloudwatch.Dashboard(
            self,
            construct_id,
            dashboard_name=self._names.of(name),
            default_interval=DAY,
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=rows,
        )
