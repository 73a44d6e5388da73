"""Goes one step further with one restore job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from common.metrics import Metric, publish
from restore_validation.aurora import Aurora, Check
from restore_validation.logic import Expected, Job, Next, Step, Verdict, judge, next_step
from restore_validation.results import Verdicts
from restore_validation.table import RestoredTable

# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_PutRestoreValidationResult.html gives no limit; the
# console shows about this much.
LONGEST_MESSAGE = 1000
# The database's own complaint about a statement, e.g. that there is no such table: asking again changes nothing.
# https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html
ABOUT_THE_STATEMENT = frozenset({"BadRequestException", "DatabaseErrorException"})


@dataclass(frozen=True)
class Progress:
    """How far a job has come.

    Args:
        finished: whether nothing is left to do.
        note: what was done, for the log.
    """

    finished: bool
    note: str


@dataclass(frozen=True)
class Settings:
    """What to expect of a restored copy.

    Args:
        check: where to look in a database.
        attribute: where to look in an item; empty: nowhere.
        tables: what a database must hold.
        items: what a table must hold.
        deadline_seconds: how long after its restore a copy must have been judged.
        namespace: of the metrics.
        suffix: of the deployment.
    """

    check: Check
    attribute: str
    tables: Expected
    items: Expected
    deadline_seconds: int
    namespace: str
    suffix: str


@dataclass(frozen=True)
class Validation:
    """One invocation's view of the world; the members are replaced in tests.

    Args:
        backup: client.
        rds: client.
        data: client of the RDS Data API.
        dynamodb: client.
        cloudwatch: client.
        verdicts: verdicts that wait to be reported.
        settings: what to expect.
        now: seconds since 1970.
    """

    backup: Any
    rds: Any
    data: Any
    dynamodb: Any
    cloudwatch: Any
    verdicts: Verdicts
    settings: Settings
    now: float

    def advance(self, job: Job) -> Progress:
        """Go one step further.

        Args:
            job: a restore test of ours.

        Returns:
            Whether that was the last step.

        Raises:
            ClientError: an AWS service refuses; the step is taken again.
        """
        seconds_left = job.completed_at + self.settings.deadline_seconds - self.now
        if job.resource_type == "Aurora":
            return self._aurora(job, seconds_left)
        if job.resource_type == "DynamoDB":
            return self._table(job, seconds_left)
        return self._report(job, Verdict(False, f"no check is written for {job.resource_type}"))

    def _table(self, job: Job, seconds_left: float) -> Progress:
        table = RestoredTable(self.dynamodb, job.name, self.settings.attribute)
        status = table.status()
        if status == "ACTIVE":
            return self._report(job, judge(job, table.read(), self.settings.items))
        if status is None:
            return self._report(job, Verdict(False, "the restored table is gone"))
        if seconds_left <= 0:
            return self._report(job, Verdict(False, f"not opened in time: the table is {status}"))
        return Progress(False, f"{job.identifier} waits: the table is {status}")

    def _aurora(self, job: Job, seconds_left: float) -> Progress:
        aurora = Aurora(self.rds, self.data, job.resource_arn, self.settings.check)
        verdict = self.verdicts.find(job.identifier)
        cluster = aurora.read()
        following = next_step(cluster, verdict, seconds_left)
        if verdict is None and following.step in (Step.QUERY, Step.FAIL):
            verdict = self._judge(aurora, job, following, seconds_left)
            self.verdicts.keep(job.identifier, verdict, self.now)
            following = next_step(cluster, verdict, seconds_left)
        if following.step is Step.REPORT and verdict is not None:
            return self._report(job, verdict)
        self._act(aurora, following.step)
        return Progress(False, f"{job.identifier}: {following.step}, since {following.reason}")

    def _judge(self, aurora: Aurora, job: Job, following: Next, seconds_left: float) -> Verdict:
        if following.step is Step.FAIL:
            return Verdict(False, following.reason)
        try:
            return judge(job, aurora.query(), self.settings.tables)
        except ClientError as error:
            code, told = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            if code not in ABOUT_THE_STATEMENT and seconds_left > 0:
                raise
            return Verdict(False, f"the database could not be read: {code}: {told}")

    def _act(self, aurora: Aurora, step: Step) -> None:
        actions = {
            Step.LET_SCALE: aurora.let_scale,
            Step.CREATE_INSTANCE: aurora.create_instance,
            Step.OPEN: aurora.open,
            Step.DELETE_INSTANCE: aurora.delete_instance,
        }
        if step in actions:
            actions[step]()

    def _report(self, job: Job, verdict: Verdict) -> Progress:
        """Tell CloudWatch first: once AWS Backup has the result, no further message is served."""
        dimensions = {"Resource": job.resource_type}
        metrics = [
            Metric("RestoreTestSeconds", job.completed_at - job.created_at, "Seconds", dimensions),
            Metric("RestoreTestSucceeded", float(verdict.successful), "Count", dimensions),
        ]
        if verdict.rpo_seconds is not None:
            metrics.append(Metric("RestoreTestRpoSeconds", verdict.rpo_seconds, "Seconds", dimensions))
        publish(self.cloudwatch, metrics, namespace=self.settings.namespace, suffix=self.settings.suffix)
        status = "SUCCESSFUL" if verdict.successful else "FAILED"
        self.backup.put_restore_validation_result(
            RestoreJobId=job.identifier,
            ValidationStatus=status,
            ValidationStatusMessage=verdict.message[:LONGEST_MESSAGE],
        )
        return Progress(True, f"{job.identifier}: {status}, {verdict.message}")
