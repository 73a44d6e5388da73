"""Restore validation: SQS hands it "Restore Job State Change" events of AWS Backup.

Opening a restored cluster takes longer than a function may run, so each invocation goes one step further and hands the
message back until the restore is judged; nothing sleeps, and a message that comes twice changes nothing. People may
invoke it with such an event itself and read how far it has come.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.clients import client
from common.environment import number, text
from restore_validation.aurora import Check
from restore_validation.logic import Expected, Job, is_ours
from restore_validation.results import Verdicts
from restore_validation.validation import Progress, Settings, Validation

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


def describe(backup: Any, identifier: str) -> Job | None:
    """Ask AWS Backup for a restore job.

    Args:
        backup: client.
        identifier: of the job.

    Returns:
        The job; ``None`` when there is none.

    Raises:
        ClientError: AWS Backup refuses to tell.
    """
    try:
        found = backup.describe_restore_job(RestoreJobId=identifier)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    created = found["CreationDate"].timestamp()
    return Job(
        identifier=identifier,
        plan_arn=found.get("CreatedBy", {}).get("RestoreTestingPlanArn", ""),
        resource_type=found.get("ResourceType", ""),
        resource_arn=found.get("CreatedResourceArn", ""),
        status=found["Status"],
        validation_status=found.get("ValidationStatus", ""),
        created_at=created,
        completed_at=_seconds(found.get("CompletionDate")) or created,
        recovery_point_at=_seconds(found.get("RecoveryPointCreationDate")),
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def settings() -> Settings:
    """Read the function's environment.

    Returns:
        What to expect of a restored copy, and by when.

    Raises:
        ConfigurationError: a variable is missing or not what it must be.
    """
    column, attribute = os.environ.get("CHECK_COLUMN", ""), os.environ.get("CHECK_ATTRIBUTE", "")
    within = number(os.environ, "NEWEST_WITHIN_SECONDS")
    return Settings(
        check=Check(
            database=text(os.environ, "DATABASE_NAME"),
            table=os.environ.get("CHECK_TABLE", ""),
            column=column,
            key_arn=text(os.environ, "DATA_KEY_ARN"),
        ),
        attribute=attribute,
        tables=Expected(number(os.environ, "MINIMUM_TABLES"), within if column else None),
        items=Expected(number(os.environ, "MINIMUM_ITEMS"), within if attribute else None),
        deadline_seconds=number(os.environ, "DEADLINE_SECONDS"),
        namespace=text(os.environ, "METRIC_NAMESPACE"),
        suffix=text(os.environ, "SUFFIX"),
    )


def serve(event: Mapping[str, Any]) -> Progress:
    """Go one step further with the job of one event.

    Args:
        event: "Restore Job State Change".

    Returns:
        Whether that was the last step, and what was done.

    Raises:
        ConfigurationError: the function is not deployed as it should be.
        ClientError: an AWS service refuses something that the function needs.
    """
    identifier = str(event.get("detail", {}).get("restoreJobId", ""))
    if not identifier:
        return Progress(True, "ignored: the event names no restore job")
    job = describe(client("backup"), identifier)
    if job is None:
        return Progress(True, f"ignored: there is no restore job {identifier}")
    plan, scope = text(os.environ, "RESTORE_TESTING_PLAN"), text(os.environ, "RESTORE_TESTING_SCOPE")
    if not is_ours(job, plan, scope):
        return Progress(True, f"ignored: {identifier} is no restore test of {plan} that waits for its result")
    dynamodb = client("dynamodb")
    validation = Validation(
        backup=client("backup"),
        rds=client("rds"),
        data=client("rds-data"),
        dynamodb=dynamodb,
        cloudwatch=client("cloudwatch"),
        verdicts=Verdicts(dynamodb, text(os.environ, "TABLE_NAME"), text(os.environ, "TTL_ATTRIBUTE")),
        settings=settings(),
        now=time.time(),
    )
    return validation.advance(job)


def handle(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Entry point of the function.

    Args:
        event: of SQS, or of EventBridge when somebody invokes the function by hand.
        _context: of Lambda.

    Returns:
        For SQS which messages are to come again; else how far the restore has come.

    Raises:
        ConfigurationError: the function is not deployed as it should be.
        ClientError: only when invoked by hand; a message of SQS comes again instead.
    """
    if "Records" not in event:
        progress = serve(event)
        return {"finished": progress.finished, "note": progress.note}
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    again = [record["messageId"] for record in event["Records"] if not _served(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in again]}


def _served(record: Mapping[str, Any]) -> bool:
    """Serve one message; what stops it does not stop the others of its batch."""
    try:
        progress = serve(json.loads(record["body"]))
    except (BotoCoreError, ClientError, ValueError):
        logger.warning("message %s comes again", record["messageId"], exc_info=True)
        return False
    logger.info(progress.note, extra={"message_id": record["messageId"], "finished": progress.finished})
    return progress.finished
