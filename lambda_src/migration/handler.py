"""Handler of the migration function, which prepares the database for the version of the service that is deployed.

A deployment of the service starts it, as does a task that ended by itself, perhaps for want of its schema; a person
starts it with ``python -m ops migrate``. The event is not read: what there is to do, the database says. The response is
``{"before": …, "after": …}``, the version of the schema before and after; 0 if the tables are not the platform's.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from common.clients import client
from common.environment import ConfigurationError, read_text
from migration.database import Target, is_temporary, prepare
from migration.logic import read_migrations, read_rights

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)

# The RDS Data API ends a statement after 45 s, and a repeated statement would fail where the first one succeeded.
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api-timeouts.html
STATEMENT_SECONDS, STATEMENT_ATTEMPTS = 47, 1
# Between two attempts; and what an attempt may take, within the time of the function.
PAUSE_SECONDS, ATTEMPT_SECONDS = 3.0, 60.0
# Values of the variable MIGRATIONS.
SERVICE, USER = "service", "user"
_Result = TypeVar("_Result")


def handle(_event: object, context: Any) -> dict[str, int]:
    """Handle one invocation.

    Args:
        _event: The event; not read.
        context: Lambda's context object.

    Returns:
        The response, as the module describes it.

    Raises:
        ConfigurationError: An environment variable is missing or invalid.
        SqlFileError: A file of SQL cannot be applied.
        ClientError: The Data API rejects a request or a statement.
        BotoCoreError: The Data API does not answer.
    """
    target = Target(
        cluster_arn=read_text(os.environ, "CLUSTER_ARN"),
        secret_arn=read_text(os.environ, "SECRET_ARN"),
        database=read_text(os.environ, "DATABASE_NAME"),
    )
    user, mode = read_text(os.environ, "DATABASE_USER"), read_text(os.environ, "MIGRATIONS")
    if mode not in (SERVICE, USER):
        raise ConfigurationError(f"MIGRATIONS = {mode!r}: allowed is {SERVICE} or {USER}; deploy the stack again")
    migrations, rights = (read_migrations(), read_rights(user)) if mode == SERVICE else ((), ())
    data = client("rds-data", read_seconds=STATEMENT_SECONDS, attempts=STATEMENT_ATTEMPTS)
    versions = persist(
        lambda: prepare(data, target, user=user, migrations=migrations, rights=rights),
        seconds=context.get_remaining_time_in_millis() / 1000 - ATTEMPT_SECONDS,
    )
    logger.info("schema version %d, was %d", versions.after, versions.before)
    return asdict(versions)


def persist(attempt: Callable[[], _Result], *, seconds: float) -> _Result:
    """Attempt something until it succeeds, while its errors are temporary.

    Args:
        attempt: What to do.
        seconds: How long to begin further attempts.

    Returns:
        What the first attempt that succeeded returned.

    Raises:
        ClientError: The last attempt was rejected.
        BotoCoreError: The last attempt was not answered.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except (BotoCoreError, ClientError) as error:
            if not is_temporary(error) or time.monotonic() > deadline:
                raise
            logger.warning("not yet: %s", error)
            time.sleep(PAUSE_SECONDS)
