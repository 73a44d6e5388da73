"""Restore jobs of AWS Backup, and which of them are restore tests that the platform validates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from botocore.exceptions import ClientError

from common.responses import epoch_seconds, error_code, resource_name

# Prefix of every resource that an AWS Backup restore test creates; validation touches no other resource. AWS Backup
# deletes these resources after the test. https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
RESTORE_TEST_PREFIX = "awsbackup-restore-test-"


class JobStage(Enum):
    """How far a restore job has come, as far as validation is concerned."""

    IRRELEVANT = auto()
    RESTORING = auto()
    AWAITS_RESULT = auto()
    HAS_RESULT = auto()


@dataclass(frozen=True)
class RestoreJob:
    """A restore job as AWS Backup describes it. Times are in seconds since 1970.

    Attributes:
        identifier: Identifier of the job.
        plan_arn: ARN of the restore testing plan that started it; empty if no plan did.
        resource_type: Type of the restored resource, e.g. ``Aurora`` or ``DynamoDB``.
        resource_arn: ARN of the restored resource.
        status: Status of the restore, e.g. ``COMPLETED``.
        validation_status: ``SUCCESSFUL``, ``FAILED``, ``VALIDATING``, ``TIMED_OUT``, or empty.
        created_at: Start of the restore.
        completed_at: End of the restore.
        recovery_point_at: Creation time of the recovery point; ``None`` if AWS Backup does not report it.
    """

    identifier: str
    plan_arn: str
    resource_type: str
    resource_arn: str
    status: str
    validation_status: str
    created_at: float
    completed_at: float
    recovery_point_at: float | None

    @property
    def resource(self) -> str:
        """Name of the restored resource."""
        return resource_name(self.resource_arn)


def read_job(backup: Any, identifier: str) -> RestoreJob | None:
    """Describe a restore job.

    Args:
        backup: AWS Backup client.
        identifier: Identifier of the job.

    Returns:
        The job; ``None`` if it does not exist.

    Raises:
        ClientError: AWS Backup rejects the request.
    """
    try:
        job = backup.describe_restore_job(RestoreJobId=identifier)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    created = job["CreationDate"].timestamp()
    return RestoreJob(
        identifier=identifier,
        plan_arn=job.get("CreatedBy", {}).get("RestoreTestingPlanArn", ""),
        resource_type=job.get("ResourceType", ""),
        resource_arn=job.get("CreatedResourceArn", ""),
        status=job["Status"],
        validation_status=job.get("ValidationStatus", ""),
        created_at=created,
        completed_at=epoch_seconds(job.get("CompletionDate")) or created,
        recovery_point_at=epoch_seconds(job.get("RecoveryPointCreationDate")),
    )


def stage_of(job: RestoreJob, plan_name: str, plan_scope: str) -> JobStage:
    """Return how far a job has come; only restore tests of the platform's plan are relevant.

    Args:
        job: The restore job.
        plan_name: Name of the restore testing plan; its ARN ends with the name, or with the name and an identifier.
        plan_scope: Start of the ARN, e.g. ``arn:aws:backup:us-east-1:123456789012:restore-testing-plan:``.
    """
    if re.fullmatch(re.escape(plan_scope + plan_name) + r"(-[0-9a-f-]{36})?", job.plan_arn) is None:
        return JobStage.IRRELEVANT
    # AWS Backup may describe a job as it was before the event that says it is complete.
    if job.status in ("PENDING", "RUNNING"):
        return JobStage.RESTORING
    if job.status != "COMPLETED" or not job.resource.startswith(RESTORE_TEST_PREFIX):
        return JobStage.IRRELEVANT
    if job.validation_status in ("SUCCESSFUL", "FAILED", "TIMED_OUT"):
        return JobStage.HAS_RESULT
    return JobStage.AWAITS_RESULT
