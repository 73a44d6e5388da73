"""What to do next with a restored copy, and what its contents prove. No AWS call, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# AWS Backup names what a restore test makes like this, and deletes it when the test is over. Nothing else is touched.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
PREFIX = "awsbackup-restore-test-"
AVAILABLE = "available"
ACTIVE = "active"
# How long after the deadline a result waits for its instance to go, in seconds.
GRACE = 1800


class Step(StrEnum):
    """What to do next with a restored cluster."""

    WAIT = "wait"
    LET_SCALE = "let-scale"
    CREATE_INSTANCE = "create-instance"
    OPEN = "open"
    QUERY = "query"
    FAIL = "fail"
    DELETE_INSTANCE = "delete-instance"
    REPORT = "report"


@dataclass(frozen=True)
class Job:
    """A restore job as AWS Backup describes it.

    Args:
        identifier: of the job.
        plan_arn: restore-testing plan that started it; empty when somebody else did.
        resource_type: ``Aurora``, ``DynamoDB`` …
        resource_arn: what was restored.
        status: ``COMPLETED`` when it is there.
        validation_status: ``SUCCESSFUL``, ``FAILED``, ``VALIDATING``, ``TIMED_OUT``, or empty.
        created_at: when the restore began, in seconds since 1970.
        completed_at: when it ended.
        recovery_point_at: when the recovery point was made; ``None`` when AWS Backup does not tell.
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
    def name(self) -> str:
        """Name of what was restored."""
        return self.resource_arn.replace("/", ":").rpartition(":")[2]


@dataclass(frozen=True)
class RestoredCluster:
    """A restored Aurora cluster. AWS Backup restores it without an instance.

    Args:
        status: of the cluster.
        scales: whether it has a capacity range, without which RDS makes no serverless instance.
        instance_status: of the instance that opens it; ``None`` when there is none.
        data_api: whether the RDS Data API answers.
        secret_status: of the secret that RDS keeps for its master user; ``None`` when there is none.
    """

    status: str
    scales: bool
    instance_status: str | None
    data_api: bool
    secret_status: str | None


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Args:
        successful: whether the restore is proved.
        message: what was found, for people.
        rpo_seconds: age of the newest data, or of the recovery point, when the restore began; ``None``: unknown.
    """

    successful: bool
    message: str
    rpo_seconds: float | None = None


@dataclass(frozen=True)
class Next:
    """The next step, and why."""

    step: Step
    reason: str


@dataclass(frozen=True)
class Contents:
    """What was read from a restored copy.

    Args:
        noun: what it holds: ``tables`` or ``items``.
        count: how many there are.
        filled: how many of them hold data.
        newest: newest timestamp in it, in seconds since 1970; ``None`` when there is none, or nobody asks for it.
    """

    noun: str
    count: int
    filled: int
    newest: float | None = None


@dataclass(frozen=True)
class Expected:
    """What must be in a restored copy.

    Args:
        least: fewest tables or items that hold data.
        newest_within: greatest age of the newest timestamp at the time of the recovery point, in seconds; ``None``
            when no timestamp is configured.
    """

    least: int
    newest_within: int | None = None


def is_ours(job: Job, plan_name: str, plan_scope: str) -> bool:
    """Tell whether a job is a finished, unjudged restore test of our plan, of something that may be opened.

    Args:
        job: the job.
        plan_name: name of the restore-testing plan; its ARN ends with the name, or with the name and an id.
        plan_scope: what its ARN begins with, e.g. ``arn:aws:backup:us-east-1:123456789012:restore-testing-plan:``.
    """
    named = re.fullmatch(re.escape(plan_scope + plan_name) + r"(-[0-9a-f-]{36})?", job.plan_arn)
    unjudged = job.validation_status not in ("SUCCESSFUL", "FAILED", "TIMED_OUT")
    return named is not None and job.status == "COMPLETED" and unjudged and job.name.startswith(PREFIX)


def next_step(cluster: RestoredCluster | None, verdict: Verdict | None, seconds_left: float) -> Next:
    """Decide what to do next with a restored cluster.

    Its instance goes before the result is reported: AWS Backup deletes the cluster after that, and RDS deletes no
    cluster that has instances. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html

    Args:
        cluster: as it is now; ``None`` when it is gone.
        verdict: what was found, once it was.
        seconds_left: until the copy must have been judged; negative when that is over.

    Returns:
        The step; of several that are possible the one that comes first.
    """
    if verdict is not None:
        return _close(cluster, seconds_left)
    if cluster is None:
        return Next(Step.FAIL, "the restored cluster is gone")
    waiting = _opening(cluster)
    if seconds_left <= 0 and waiting.step is not Step.QUERY:
        return Next(Step.FAIL, f"not opened in time: {waiting.reason}")
    return waiting


def _close(cluster: RestoredCluster | None, seconds_left: float) -> Next:
    if cluster is None or cluster.instance_status is None:
        return Next(Step.REPORT, "no instance is left")
    if seconds_left < -GRACE:
        return Next(Step.REPORT, "the instance did not go in time: AWS Backup may not be able to delete the cluster")
    if cluster.instance_status == "deleting":
        return Next(Step.WAIT, "the instance is deleting")
    return Next(Step.DELETE_INSTANCE, "the copy was judged")


def _opening(cluster: RestoredCluster) -> Next:
    """Return the first of these that is not so yet, and what to do about it."""
    conditions = (
        (cluster.status == AVAILABLE, Step.WAIT, f"the cluster is {cluster.status}"),
        (cluster.scales, Step.LET_SCALE, "the cluster has no capacity range"),
        (cluster.instance_status is not None, Step.CREATE_INSTANCE, "the cluster has no instance"),
        (cluster.instance_status == AVAILABLE, Step.WAIT, f"the instance is {cluster.instance_status}"),
        (cluster.data_api, Step.OPEN, "the cluster has no Data API"),
        (cluster.secret_status is not None, Step.OPEN, "the cluster has no secret"),
        (cluster.secret_status == ACTIVE, Step.WAIT, f"the secret is {cluster.secret_status}"),
    )
    missing = (Next(step, reason) for so, step, reason in conditions if not so)
    return next(missing, Next(Step.QUERY, "the cluster is open"))


def judge(job: Job, contents: Contents, expected: Expected) -> Verdict:
    """Judge what was read.

    Args:
        job: the restore job.
        contents: what was read.
        expected: what must be there.

    Returns:
        The verdict, with what the restore would have lost.
    """
    found = f"{contents.count} {contents.noun}, {contents.filled} with data"
    if contents.filled < expected.least:
        return Verdict(False, f"{found}: at least {expected.least} must hold data", _point_age(job))
    if expected.newest_within is None:
        return Verdict(True, found, _point_age(job))
    if contents.newest is None:
        return Verdict(False, f"{found}: no timestamp in them", _point_age(job))
    # What a recovery point should hold is what was written until it was made.
    made = job.recovery_point_at if job.recovery_point_at is not None else job.created_at
    age = max(0.0, made - contents.newest)
    told = f"{found}, the newest from {age:.0f} s before the recovery point"
    if age > expected.newest_within:
        return Verdict(False, f"{told}: more than {expected.newest_within} s", age)
    return Verdict(True, told, age)


def _point_age(job: Job) -> float | None:
    """How old the recovery point was when its restore began: what was written after it would be lost."""
    return None if job.recovery_point_at is None else max(0.0, job.created_at - job.recovery_point_at)
