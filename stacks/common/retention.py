"""Removal and retention: the settings in the words of CDK, and log groups that keep to them."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.settings import RemovalSettings

_RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    120: logs.RetentionDays.FOUR_MONTHS,
    150: logs.RetentionDays.FIVE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
    1096: logs.RetentionDays.THREE_YEARS,
    1827: logs.RetentionDays.FIVE_YEARS,
    2192: logs.RetentionDays.SIX_YEARS,
    2557: logs.RetentionDays.SEVEN_YEARS,
    2922: logs.RetentionDays.EIGHT_YEARS,
    3288: logs.RetentionDays.NINE_YEARS,
    3653: logs.RetentionDays.TEN_YEARS,
}


def retention(days: int) -> logs.RetentionDays:
    """Return the CDK constant for a number of days that CloudWatch Logs accepts."""
    return _RETENTION[days]


def removal_policy(removal: RemovalSettings) -> RemovalPolicy:
    """Return the policy of a resource that leaves no final snapshot: deleted only where data may be destroyed.

    What stays does so from the end of its first deployment: a first deployment that is rolled back leaves nothing
    behind whose name blocks the next one.
    """
    return RemovalPolicy.DESTROY if removal.data == "destroy" else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def database_removal_policy(removal: RemovalSettings) -> RemovalPolicy:
    """Return the policy of the Aurora cluster, which can leave a final snapshot."""
    return RemovalPolicy.SNAPSHOT if removal.data == "snapshot" else removal_policy(removal)


def companion_removal_policy(removal: RemovalSettings) -> RemovalPolicy:
    """Return the policy of what an Aurora cluster that stays cannot run without, and a snapshot does not need."""
    return RemovalPolicy.DESTROY if removal.data == "snapshot" else removal_policy(removal)


class EncryptedLogGroup(logs.LogGroup):
    """A log group with a customer managed key.

    Args:
        scope: the stack or part that owns it.
        construct_id: its id in that scope.
        key: key of the log group, a view.
        retention_days: days for which events are kept; CloudWatch Logs accepts certain numbers only.
        removal: whether it goes with the stack.
        name: physical name, where a service or an operator expects one.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        retention_days: int,
        removal: RemovalSettings,
        name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=name,
            encryption_key=key,
            retention=retention(retention_days),
            removal_policy=removal_policy(removal),
        )
