"""A log group as this platform has them: encrypted, with a retention, kept or deleted as the settings say."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.common.retention import removal_policy, retention
from stacks.settings import RemovalSettings


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
