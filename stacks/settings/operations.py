"""Settings of health monitor, failover, restore validation and experiments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings.foundation import Section
from stacks.settings.workload import Identifier

# What the failover function may run in addition to its wait for the new writer: to decide, and to record the result.
FAILOVER_RESERVE_SECONDS = 30


class OperationsSettings(Section):
    """Health monitor, failover, validation of restores, experiments."""

    monitor_interval_minutes: Annotated[int, Field(ge=1, le=60)] = 1
    """Minutes between two runs of the health monitor."""
    estimated_rpo_alarm_seconds: Annotated[int, Field(ge=60)] = 900
    """Seconds by which point-in-time restore may lag behind before an alarm; AWS keeps it within about 300."""
    recovery_point_age_alarm_hours: Annotated[int, Field(ge=1)] = 26
    """Age in hours of the newest recovery point that raises an alarm."""
    restore_proof_alarm_days: Annotated[int, Field(ge=1, le=365)] = 8
    """Days without a successful validation of a restore that raise an alarm."""
    automatic_failover: bool = False
    """Let the alarm about an unhealthy writer start the failover by itself."""
    failover_cool_down_seconds: Annotated[int, Field(ge=60, le=86400)] = 900
    """Minimum seconds between the starts of two failovers; no less than the function may run."""
    failover_timeout_seconds: Annotated[int, Field(ge=30, le=840)] = 180
    """Seconds for which a failover waits for the new writer."""
    failover_lag_limit_ms: Annotated[int, Field(ge=1)] = 1000
    """Replica lag in milliseconds up to which a reader may take over."""
    validation_minimum_tables: Annotated[int, Field(ge=0)] = 1
    """Minimum number of tables that must hold data in a restored database; 0 accepts an empty one."""
    validation_minimum_items: Annotated[int, Field(ge=0)] = 1
    """Minimum number of items in a restored DynamoDB table, the functions' own not counted; 0 accepts an empty one."""
    validation_table: (
        Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$", examples=["ledger.entries"])] | None
    ) = None
    """Database table whose newest row must be within `recovery.rpo_seconds` of the recovery point."""
    validation_column: Identifier | None = None
    """Column of `validation_table` with the time of a row."""
    validation_attribute: (
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$", examples=["written_at"])] | None
    ) = None
    """Attribute (epoch seconds) of items whose newest must be within `recovery.rpo_seconds` of the recovery point; not
    judged if a table is too large to read as a whole and the part that is read is older."""
    experiments: bool
    """Templates of AWS Fault Injection Service: fail over Aurora, stop tasks, cut off a zone."""
    experiment_task_percent: Annotated[int, Field(ge=1, le=100)] = 50
    """Share of the tasks that the experiment stops, in percent."""
