"""Which step of a validation comes next, and what the contents of a restored copy prove. No AWS call, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from common.responses import resource_name

# Prefix of every resource that an AWS Backup restore test creates; validation touches no other resource. AWS Backup
# deletes these resources after the test. https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
RESTORE_TEST_PREFIX = "awsbackup-restore-test-"
AVAILABLE, ACTIVE = "available", "active"
# How long after the deadline a result may wait for the deletion of the instance.
DELETION_GRACE_SECONDS = 1800


class Step(StrEnum):
    """A step of the validation of an Aurora cluster."""

    WAIT = "wait"
    SET_CAPACITY = "set-capacity"
    CREATE_INSTANCE = "create-instance"
    ENABLE_DATA_API = "enable-data-api"
    QUERY = "query"
    FAIL = "fail"
    DELETE_INSTANCE = "delete-instance"
    REPORT = "report"


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


@dataclass(frozen=True)
class ClusterState:
    """State of a restored Aurora cluster. AWS Backup restores the cluster without an instance.

    Attributes:
        status: Status of the cluster.
        has_capacity_range: Whether it has a capacity range, without which RDS creates no serverless instance.
        instance_status: Status of the instance that validation creates; ``None`` if there is none.
        data_api_enabled: Whether the RDS Data API is enabled.
        secret_status: Status of the master user's secret; ``None`` if there is none.
    """

    status: str
    has_capacity_range: bool
    instance_status: str | None
    data_api_enabled: bool
    secret_status: str | None


@dataclass(frozen=True)
class ValidationResult:
    """Result of a validation.

    Attributes:
        successful: Whether the copy holds what is expected.
        message: What was found, for people.
        rpo_seconds: Age of the latest data or of the recovery point when the restore began; ``None`` if unknown.
    """

    successful: bool
    message: str
    rpo_seconds: float | None = None


@dataclass(frozen=True)
class NextStep:
    """The step that comes next.

    Attributes:
        step: The step.
        reason: Why, for people.
    """

    step: Step
    reason: str


@dataclass(frozen=True)
class Contents:
    """Contents of a restored copy.

    Attributes:
        noun: What is counted: ``tables`` or ``items``.
        count: Number of tables or items.
        filled: Number of those that hold data.
        newest: Latest time in the data in seconds since 1970; ``None`` if there is none, or times are not checked.
    """

    noun: str
    count: int
    filled: int
    newest: float | None = None


@dataclass(frozen=True)
class Expectation:
    """What a restored copy must hold.

    Attributes:
        minimum: Minimum number of tables or items that hold data.
        max_age_seconds: Maximum age of the latest data when the recovery point was created; ``None`` if times are not
            checked.
    """

    minimum: int
    max_age_seconds: int | None = None


def is_pending_test(job: RestoreJob, plan_name: str, plan_scope: str) -> bool:
    """Return whether a job is a completed restore test of the platform's plan that has no validation result yet.

    Args:
        job: The restore job.
        plan_name: Name of the restore testing plan; its ARN ends with the name, or with the name and an identifier.
        plan_scope: Start of the ARN, e.g. ``arn:aws:backup:us-east-1:123456789012:restore-testing-plan:``.
    """
    of_plan = re.fullmatch(re.escape(plan_scope + plan_name) + r"(-[0-9a-f-]{36})?", job.plan_arn) is not None
    pending = job.validation_status not in ("SUCCESSFUL", "FAILED", "TIMED_OUT")
    return of_plan and job.status == "COMPLETED" and pending and job.resource.startswith(RESTORE_TEST_PREFIX)


def next_step(cluster: ClusterState | None, result: ValidationResult | None, seconds_left: float) -> NextStep:
    """Decide which step of the validation of a cluster comes next.

    The instance is deleted before the result is reported: AWS Backup then deletes the cluster, and RDS does not delete
    a cluster that has instances. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html

    Args:
        cluster: State of the cluster; ``None`` if it does not exist.
        result: Result of the validation, if there is one.
        seconds_left: Time until the deadline for a result; negative after it.

    Returns:
        The first step that is not done.
    """
    if result is not None:
        return _closing_step(cluster, seconds_left)
    if cluster is None:
        return NextStep(Step.FAIL, "the restored cluster does not exist")
    opening = _opening_step(cluster)
    if seconds_left <= 0 and opening.step is not Step.QUERY:
        return NextStep(Step.FAIL, f"not ready before the deadline: {opening.reason}")
    return opening


def _closing_step(cluster: ClusterState | None, seconds_left: float) -> NextStep:
    if cluster is None or cluster.instance_status is None:
        return NextStep(Step.REPORT, "the cluster has no instance")
    if seconds_left < -DELETION_GRACE_SECONDS:
        return NextStep(
            Step.REPORT, "the instance was not deleted in time; AWS Backup may be unable to delete the cluster"
        )
    if cluster.instance_status == "deleting":
        return NextStep(Step.WAIT, "the instance is being deleted")
    return NextStep(Step.DELETE_INSTANCE, "the validation has a result")


def _opening_step(cluster: ClusterState) -> NextStep:
    """Return the step for the first condition that is not met."""
    conditions = (
        (cluster.status == AVAILABLE, Step.WAIT, f"the cluster is {cluster.status}"),
        (cluster.has_capacity_range, Step.SET_CAPACITY, "the cluster has no capacity range"),
        (cluster.instance_status is not None, Step.CREATE_INSTANCE, "the cluster has no instance"),
        (cluster.instance_status == AVAILABLE, Step.WAIT, f"the instance is {cluster.instance_status}"),
        (cluster.data_api_enabled, Step.ENABLE_DATA_API, "the Data API is not enabled"),
        (cluster.secret_status is not None, Step.ENABLE_DATA_API, "the cluster has no secret"),
        (cluster.secret_status == ACTIVE, Step.WAIT, f"the secret is {cluster.secret_status}"),
    )
    unmet = (NextStep(step, reason) for met, step, reason in conditions if not met)
    return next(unmet, NextStep(Step.QUERY, "the cluster is ready"))


def validate(job: RestoreJob, contents: Contents, expected: Expectation) -> ValidationResult:
    """Compare the contents of a restored copy with what is expected.

    Args:
        job: The restore job.
        contents: Contents of the copy.
        expected: What the copy must hold.

    Returns:
        The result, including the data loss that the restore would have meant.
    """
    found = f"{contents.count} {contents.noun}, {contents.filled} with data"
    if contents.filled < expected.minimum:
        return ValidationResult(False, f"{found}: at least {expected.minimum} must hold data", _point_age(job))
    if expected.max_age_seconds is None:
        return ValidationResult(True, found, _point_age(job))
    if contents.newest is None:
        return ValidationResult(False, f"{found}: no timestamp found in them", _point_age(job))
    # A recovery point should hold everything that was written before it was created.
    created = job.recovery_point_at if job.recovery_point_at is not None else job.created_at
    age = max(0.0, created - contents.newest)
    message = f"{found}, the latest {age:.0f} s older than the recovery point"
    if age > expected.max_age_seconds:
        return ValidationResult(False, f"{message}: at most {expected.max_age_seconds} s are allowed", age)
    return ValidationResult(True, message, age)


def _point_age(job: RestoreJob) -> float | None:
    """Return the age of the recovery point when the restore began: later writes would be lost."""
    return None if job.recovery_point_at is None else max(0.0, job.created_at - job.recovery_point_at)
