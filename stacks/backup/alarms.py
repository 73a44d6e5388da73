"""Alarms on the jobs of AWS Backup."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.common.alarms import AT_LEAST, SUM, StackAlarms
from stacks.names import Names, PhysicalName

# https://docs.aws.amazon.com/aws-backup/latest/devguide/cloudwatch.html
METRICS = {
    "BackupJobsFailed": ("backup-jobs-failed", "NumberOfBackupJobsFailed"),
    "BackupJobsExpired": ("backup-jobs-expired", "NumberOfBackupJobsExpired"),
    "CopyJobsFailed": ("copy-jobs-failed", "NumberOfCopyJobsFailed"),
}


class BackupAlarms(StackAlarms):
    """Backup jobs that failed or expired, and copy jobs that failed.

    Args:
        scope: the stack.
        construct_id: its id in the stack.
        names: physical names, the vault's among them.
        topic: is notified.
    """

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id, names=names, topic=topic)
        vault = {"BackupVaultName": names.physical_name(PhysicalName.BACKUP_VAULT)}
        period = Duration.minutes(5)
        for alarm_id, (subject, metric_name) in METRICS.items():
            self.add(
                alarm_id,
                subject=subject,
                meaning=f"AWS Backup could not finish a job ({metric_name})",
                metric=cloudwatch.Metric(
                    namespace="AWS/Backup",
                    metric_name=metric_name,
                    dimensions_map=vault,
                    statistic=SUM,
                    period=period,
                ),
                threshold=1,
                comparison=AT_LEAST,
                periods=1,
            )
