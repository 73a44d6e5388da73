"""Findings of scanners that stay in the backup stack, and why."""

from __future__ import annotations

from stacks.backup.stack import BackupStack
from stacks.common.acknowledgements import acknowledge, managed_policy

AWS_POLICY = "AWS prescribes this policy for AWS Backup and widens it when jobs need more; a copy would fail that day."


def acknowledge_findings(stack: BackupStack) -> None:
    """Acknowledge what stays, on the resource concerned."""
    backup, restores = "AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"
    acknowledge(stack.role, managed_policy(backup, AWS_POLICY), managed_policy(restores, AWS_POLICY))
