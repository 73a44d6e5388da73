"""Handler of restore validation, which receives "Restore Job State Change" events of AWS Backup through SQS.

Preparing a restored cluster takes longer than one invocation may run. Each invocation therefore takes one step, and
returns the message to the queue until the result is reported. Steps are idempotent, so a message that SQS delivers
twice does no harm. People may invoke the function with such an event to take the next step and see the progress.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from common.clients import client
from common.environment import read_integer, read_text
from restore_validation.aurora import QueryTarget
from restore_validation.jobs import JobStage, read_job, stage_of
from restore_validation.logic import Expectation
from restore_validation.results import ResultStore
from restore_validation.validation import Validation, ValidationProgress, ValidationSettings

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# The RDS Data API ends a statement after 45 s, and a second one would not fit into the function's time.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-timeouts.html
STATEMENT_SECONDS, STATEMENT_ATTEMPTS = 47, 1


def read_settings() -> ValidationSettings:
    """Read the settings from environment variables.

    Returns:
        The settings.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
    """
    column, attribute = os.environ.get("CHECK_COLUMN", ""), os.environ.get("CHECK_ATTRIBUTE", "")
    max_age_seconds = read_integer(os.environ, "NEWEST_WITHIN_SECONDS")
    return ValidationSettings(
        target=QueryTarget(
            database=read_text(os.environ, "DATABASE_NAME"),
            table=os.environ.get("CHECK_TABLE", ""),
            column=column,
            key_arn=read_text(os.environ, "DATA_KEY_ARN"),
        ),
        attribute=attribute,
        tables=Expectation(read_integer(os.environ, "MINIMUM_TABLES"), max_age_seconds if column else None),
        items=Expectation(read_integer(os.environ, "MINIMUM_ITEMS"), max_age_seconds if attribute else None),
        deadline_seconds=read_integer(os.environ, "DEADLINE_SECONDS"),
        namespace=read_text(os.environ, "METRIC_NAMESPACE"),
        suffix=read_text(os.environ, "SUFFIX"),
    )


def advance(event: Mapping[str, Any]) -> ValidationProgress:
    """Take the next step of the validation that an event is about.

    Args:
        event: A "Restore Job State Change" event.

    Returns:
        The progress.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
        ClientError: An AWS service rejects a request.
        BotoCoreError: An AWS service does not answer.
    """
    identifier = str(event.get("detail", {}).get("restoreJobId", ""))
    if not identifier:
        return ValidationProgress(True, "ignored: the event has no restoreJobId")
    job = read_job(client("backup"), identifier)
    if job is None:
        return ValidationProgress(True, f"ignored: there is no restore job {identifier}")
    plan, scope = read_text(os.environ, "RESTORE_TESTING_PLAN"), read_text(os.environ, "RESTORE_TESTING_SCOPE")
    stage = stage_of(job, plan, scope)
    if stage is JobStage.IRRELEVANT:
        return ValidationProgress(True, f"ignored: {identifier} is not a restore test of {plan} with a restored copy")
    if stage is JobStage.RESTORING:
        return ValidationProgress(False, f"{identifier}: the restore is {job.status}")
    dynamodb = client("dynamodb")
    validation = Validation(
        backup=client("backup"),
        rds=client("rds"),
        data=client("rds-data", read_seconds=STATEMENT_SECONDS, attempts=STATEMENT_ATTEMPTS),
        dynamodb=dynamodb,
        cloudwatch=client("cloudwatch"),
        results=ResultStore(dynamodb, read_text(os.environ, "TABLE_NAME"), read_text(os.environ, "TTL_ATTRIBUTE")),
        settings=read_settings(),
        now=time.time(),
    )
    return validation.close(job) if stage is JobStage.HAS_RESULT else validation.advance(job)


def handle(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """Handle one invocation.

    Args:
        event: Event of SQS, or of EventBridge if a person invokes the function.
        _context: Lambda's context object; not used.

    Returns:
        For SQS, the messages to deliver again; otherwise, the progress of the validation.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
        ClientError: An AWS service rejects a request of an invocation by a person; for SQS, the message is retried.
    """
    if "Records" not in event:
        progress = advance(event)
        return {"finished": progress.finished, "note": progress.note}
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    unfinished = [record["messageId"] for record in event["Records"] if not _is_finished(record)]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in unfinished]}


def _is_finished(record: Mapping[str, Any]) -> bool:
    """Process one message; an error does not affect the other messages of its batch."""
    try:
        progress = advance(json.loads(record["body"]))
    except (BotoCoreError, ClientError, ValueError):
        logger.warning("message %s failed and will be delivered again", record["messageId"], exc_info=True)
        return False
    logger.info(progress.note, extra={"message_id": record["messageId"], "finished": progress.finished})
    return progress.finished
