"""Which step of a validation comes next, and what the contents of a restored copy prove. No AWS call, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restore_validation.jobs import RestoreJob

AVAILABLE = "available"
# With these statuses the secret opens the database:
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_MasterUserSecret.html
USABLE_SECRET = frozenset({"active", "impaired"})
# How long after the deadline a copy that is ready may still be read, and a result may wait for the deletion of the
# instance.
READING_GRACE_SECONDS, DELETION_GRACE_SECONDS = 600, 1800
# How far the clock that wrote the times may be ahead of AWS Backup's.
CLOCK_SECONDS = 300


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
        reason: Why, for the log.
        note: What people must learn with the result; empty if nothing.
    """

    step: Step
    reason: str
    note: str = ""


@dataclass(frozen=True)
class Contents:
    """Contents of a restored copy.

    Attributes:
        noun: What is counted: ``tables`` or ``items``.
        count: Number of tables or items.
        filled: Number of those that hold data.
        newest: Latest time in the data in seconds since 1970; ``None`` if there is none, or times are not checked.
        complete: Whether all data was read; the latest time of a part may not be that of the whole.
    """

    noun: str
    count: int
    filled: int
    newest: float | None = None
    complete: bool = True


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
    if seconds_left < -READING_GRACE_SECONDS:
        return NextStep(Step.FAIL, "ready, but not read before the deadline: every attempt ended without an answer")
    return opening


def _closing_step(cluster: ClusterState | None, seconds_left: float) -> NextStep:
    if cluster is None or cluster.instance_status is None:
        return NextStep(Step.REPORT, "the cluster has no instance")
    if seconds_left < -DELETION_GRACE_SECONDS:
        note = f"delete the cluster and its instance, which is still {cluster.instance_status}: AWS Backup cannot"
        return NextStep(Step.REPORT, "the instance was not deleted in time", note)
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
        (cluster.secret_status in USABLE_SECRET, Step.WAIT, f"the secret is {cluster.secret_status}"),
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
    sample = "" if contents.complete else " in the part that was read"
    found = f"{contents.count} {contents.noun}, {contents.filled} with data{sample}"
    if contents.filled < expected.minimum:
        return ValidationResult(False, f"{found}: at least {expected.minimum} must hold data", _point_age(job))
    if expected.max_age_seconds is None:
        return ValidationResult(True, found, _point_age(job))
    return _validate_times(job, contents, found, expected.max_age_seconds)


def _validate_times(job: RestoreJob, contents: Contents, found: str, max_age_seconds: int) -> ValidationResult:
    newest = contents.newest
    if newest is not None and newest > job.created_at + CLOCK_SECONDS:
        later = f"{found}, the latest {newest - job.created_at:.0f} s after the restore began"
        return ValidationResult(False, f"{later}: times must be seconds since 1970, and none in the future")
    # A recovery point should hold everything that was written before it was created; a continuous one holds more.
    created = job.recovery_point_at if job.recovery_point_at is not None else job.created_at
    age = None if newest is None or newest < 0 else max(0.0, created - newest)
    if not contents.complete and (age is None or age > max_age_seconds):
        return ValidationResult(True, f"{found}; times not judged: the latest may be in another part", _point_age(job))
    if age is None:
        return ValidationResult(False, f"{found}: no time since 1970 found in them", _point_age(job))
    message = f"{found}, the latest {age:.0f} s older than the recovery point"
    if age > max_age_seconds:
        return ValidationResult(False, f"{message}: at most {max_age_seconds} s are allowed", age)
    return ValidationResult(True, message, age)


def _point_age(job: RestoreJob) -> float | None:
    """Return the age of the recovery point when the restore began: later writes would be lost."""
    return None if job.recovery_point_at is None else max(0.0, job.created_at - job.recovery_point_at)
