"""One step of the validation of one restore job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.metrics import Metric, publish
from common.responses import error_code, error_message
from restore_validation.aurora import QueryTarget, RestoredCluster
from restore_validation.jobs import RestoreJob
from restore_validation.logic import Contents, Expectation, Step, ValidationResult, next_step, validate
from restore_validation.results import ResultStore
from restore_validation.table import RestoredTable

# The API reference states no limit; the console shows about this much.
# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutRestoreValidationResult.html
MAX_MESSAGE_LENGTH = 1000
# Errors about the statement itself, e.g. that a table does not exist: a retry would not help.
# https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
STATEMENT_ERRORS = frozenset({"BadRequestException", "DatabaseErrorException"})


@dataclass(frozen=True)
class ValidationProgress:
    """Progress of a validation.

    Attributes:
        finished: Whether no step is left.
        note: What was done, for the log.
    """

    finished: bool
    note: str


@dataclass(frozen=True)
class ValidationSettings:
    """What to expect of restored copies, and where to publish metrics.

    Attributes:
        target: What to query in a restored database.
        attribute: Attribute with the time of an item; empty if times are not checked.
        tables: What a restored database must hold.
        items: What a restored table must hold.
        deadline_seconds: Time after the end of a restore within which there must be a result.
        namespace: Namespace of the metrics.
        suffix: Suffix of the deployment.
    """

    target: QueryTarget
    attribute: str
    tables: Expectation
    items: Expectation
    deadline_seconds: int
    namespace: str
    suffix: str


@dataclass(frozen=True)
class Validation:
    """One invocation of the validation.

    Attributes:
        backup: AWS Backup client.
        rds: RDS client.
        data: RDS Data API client.
        dynamodb: DynamoDB client.
        cloudwatch: CloudWatch client.
        results: Results that are not reported yet.
        settings: What to expect.
        now: Current time in seconds since 1970.
    """

    backup: Any
    rds: Any
    data: Any
    dynamodb: Any
    cloudwatch: Any
    results: ResultStore
    settings: ValidationSettings
    now: float

    def advance(self, job: RestoreJob) -> ValidationProgress:
        """Take the next step.

        Args:
            job: A restore test of the platform that has no result yet.

        Returns:
            The progress.

        Raises:
            ClientError: An AWS service rejects a request; the next invocation takes the step again.
            BotoCoreError: An AWS service does not answer; the next invocation takes the step again.
        """
        seconds_left = job.completed_at + self.settings.deadline_seconds - self.now
        if job.resource_type == "Aurora":
            return self._advance_cluster(job, seconds_left)
        if job.resource_type == "DynamoDB":
            return self._advance_table(job, seconds_left)
        message = f"{job.resource_type} cannot be validated: only Aurora and DynamoDB can"
        return self._report(job, ValidationResult(False, message))

    def close(self, job: RestoreJob) -> ValidationProgress:
        """Delete the instance of a copy that has a result already: AWS Backup cannot delete the cluster with it.

        Args:
            job: A restore test of the platform whose result people or AWS Backup have set meanwhile.

        Returns:
            The progress.

        Raises:
            ClientError: RDS rejects a request; the next invocation repeats it.
            BotoCoreError: RDS does not answer; the next invocation repeats the request.
        """
        note = f"{job.identifier}: the result is {job.validation_status}"
        if job.resource_type != "Aurora":
            return ValidationProgress(True, note)
        cluster = RestoredCluster(self.rds, self.data, job.resource_arn, self.settings.target)
        state = cluster.read_state()
        if state is None or state.instance_status in (None, "deleting"):
            return ValidationProgress(True, note)
        cluster.delete_instance()
        return ValidationProgress(True, f"{note}; {Step.DELETE_INSTANCE}")

    def _advance_table(self, job: RestoreJob, seconds_left: float) -> ValidationProgress:
        table = RestoredTable(self.dynamodb, job.resource, self.settings.attribute, self.settings.items.minimum)
        status = table.read_status()
        if status == "ACTIVE":
            return self._report(job, _judge(job, table.read_contents, self.settings.items, seconds_left))
        if status is None:
            return self._report(job, ValidationResult(False, "the restored table does not exist"))
        if seconds_left <= 0:
            return self._report(job, ValidationResult(False, f"not ready before the deadline: the table is {status}"))
        return ValidationProgress(False, f"{job.identifier}: {Step.WAIT}, since the table is {status}")

    def _advance_cluster(self, job: RestoreJob, seconds_left: float) -> ValidationProgress:
        cluster = RestoredCluster(self.rds, self.data, job.resource_arn, self.settings.target)
        result = self.results.find(job.identifier)
        state = cluster.read_state()
        following = next_step(state, result, seconds_left)
        if result is None and following.step in (Step.QUERY, Step.FAIL):
            if following.step is Step.QUERY:
                result = _judge(job, cluster.read_contents, self.settings.tables, seconds_left)
            else:
                result = ValidationResult(False, following.reason)
            self.results.save(job.identifier, result, self.now)
            following = next_step(state, result, seconds_left)
        if following.step is Step.REPORT and result is not None:
            return self._report(job, result, following.note)
        _take(following.step, cluster)
        return ValidationProgress(False, f"{job.identifier}: {following.step}, since {following.reason}")

    def _report(self, job: RestoreJob, result: ValidationResult, note: str = "") -> ValidationProgress:
        """Publish metrics, then the result: once AWS Backup has a result, a retry of the message does nothing."""
        dimensions = {"Resource": job.resource_type}
        metrics = [
            Metric("RestoreTestSeconds", job.completed_at - job.created_at, "Seconds", dimensions),
            Metric("RestoreTestSucceeded", float(result.successful), "Count", dimensions),
        ]
        if result.rpo_seconds is not None:
            metrics.append(Metric("RestoreTestRpoSeconds", result.rpo_seconds, "Seconds", dimensions))
        publish(self.cloudwatch, metrics, namespace=self.settings.namespace, suffix=self.settings.suffix)
        status = "SUCCESSFUL" if result.successful else "FAILED"
        ending = f"; {note}" if note else ""
        message = result.message[: MAX_MESSAGE_LENGTH - len(ending)] + ending
        self.backup.put_restore_validation_result(
            RestoreJobId=job.identifier,
            ValidationStatus=status,
            ValidationStatusMessage=message,
        )
        # With a note the instance still exists: the next delivery deletes it, or the message becomes a dead letter.
        return ValidationProgress(not note, f"{job.identifier}: {status}, {message}")


def _judge(
    job: RestoreJob, read: Callable[[], Contents], expected: Expectation, seconds_left: float
) -> ValidationResult:
    """Read a copy and compare it with what is expected; after the deadline, an error is the result."""
    try:
        return validate(job, read(), expected)
    except ClientError as error:
        code = error_code(error)
        if code not in STATEMENT_ERRORS and seconds_left > 0:
            raise
        return ValidationResult(False, f"the copy could not be read: {code}: {error_message(error)}")
    except BotoCoreError as error:
        if seconds_left > 0:
            raise
        return ValidationResult(False, f"the copy could not be read: {type(error).__name__}: {error}")


def _take(step: Step, cluster: RestoredCluster) -> None:
    actions = {
        Step.SET_CAPACITY: cluster.set_capacity,
        Step.CREATE_INSTANCE: cluster.create_instance,
        Step.ENABLE_DATA_API: cluster.enable_data_api,
        Step.DELETE_INSTANCE: cluster.delete_instance,
    }
    if step in actions:
        actions[step]()
