"""The database of the deployment, changed through the RDS Data API in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from common.responses import error_code, error_message
from migration.logic import Migration, pending, quoted

# Of this function alone, in the database; any number would do.
LOCK = 4_920_017
# A statement that waits for a lock longer than this makes those wait that come after it, which is the whole service.
LOCK_TIMEOUT = "5s"
# Errors after which the same transaction may succeed: the cluster is starting, resuming or failing over, its secret is
# not ready yet, or another run held the lock for as long as the Data API lets a statement wait.
# https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_ExecuteStatement.html#API_ExecuteStatement_Errors
TEMPORARY = frozenset(
    {
        "DatabaseNotFoundException",
        "DatabaseResumingException",
        "DatabaseUnavailableException",
        "HttpEndpointNotEnabledException",
        "InternalServerErrorException",
        "InvalidResourceStateException",
        "SecretsErrorException",
        "ServiceUnavailableError",
        "StatementTimeoutException",
        "ThrottlingException",
        "TransactionNotFoundException",
    }
)
WAITED_TOO_LONG = "lock timeout"
CREATE_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_version (
    version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
Run = Callable[..., list[list[Any]]]


@dataclass(frozen=True)
class Target:
    """Which database, and as whom.

    Attributes:
        cluster_arn: ARN of the cluster.
        secret_arn: ARN of the owner's secret.
        database: Name of the database.
    """

    cluster_arn: str
    secret_arn: str
    database: str


@dataclass(frozen=True)
class Versions:
    """The version of the schema before and after a run; 0 if there is none."""

    before: int
    after: int


def is_temporary(error: Exception) -> bool:
    """Tell whether the same transaction may succeed later."""
    if isinstance(error, ClientError):
        return error_code(error) in TEMPORARY or WAITED_TOO_LONG in error_message(error)
    return isinstance(error, HTTPClientError | NoConnectionError)


def prepare(
    data: Any, target: Target, *, user: str, migrations: Sequence[Migration], rights: Sequence[str]
) -> Versions:
    """Give the tasks their user, and apply what the schema lacks: all of it, or nothing.

    A second run at the same time waits for the first one, and then finds nothing to do. After a run whose answer was
    lost, the next one finds what that one did.

    Args:
        data: RDS Data API client; it must not repeat requests, since a statement may have been executed.
        target: Which database, and as whom.
        user: Database user that logs in with IAM authentication.
        migrations: All migrations; empty for the user alone.
        rights: Statements that give the user its rights to the tables.

    Returns:
        The versions before and after.

    Raises:
        ClientError: The Data API rejects a request or a statement.
        BotoCoreError: The Data API does not answer.
    """
    with _transaction(data, target) as run:
        # In FROM, since the Data API has no field for the type that this function returns.
        run("SELECT 1 FROM pg_advisory_xact_lock(:lock)", lock=LOCK)
        run("SELECT set_config('lock_timeout', :timeout, true)", timeout=LOCK_TIMEOUT)
        _give_login(run, user)
        if not migrations:
            return Versions(0, 0)
        run(CREATE_VERSIONS)
        ((before,),) = run("SELECT coalesce(max(version), 0) FROM schema_version")
        after = before
        for migration in pending(migrations, before):
            for statement in migration.statements:
                run(statement)
            run("INSERT INTO schema_version (version) VALUES (:version)", version=migration.version)
            after = migration.version
        for statement in rights:
            run(statement)
        return Versions(before, after)


def _give_login(run: Run, user: str) -> None:
    """Create the user unless it is there, and let it log in with IAM authentication."""
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
    if not run("SELECT 1 FROM pg_roles WHERE rolname = :name", name=user):
        run(f"CREATE ROLE {quoted(user)} LOGIN")
    run(f"GRANT rds_iam TO {quoted(user)}")


@contextmanager
def _transaction(data: Any, target: Target) -> Iterator[Run]:
    """Give a function that runs one statement of a transaction, and commit it at the end."""
    where = {"resourceArn": target.cluster_arn, "secretArn": target.secret_arn}
    transaction = data.begin_transaction(**where, database=target.database)["transactionId"]

    def run(sql: str, **values: str | int) -> list[list[Any]]:
        parameters = [
            {"name": name, "value": {"stringValue" if isinstance(value, str) else "longValue": value}}
            for name, value in values.items()
        ]
        response = data.execute_statement(**where, sql=sql, parameters=parameters, transactionId=transaction)
        return [[next(iter(field.values())) for field in row] for row in response.get("records", [])]

    try:
        yield run
    except BaseException:
        # Otherwise the lock is held until the Data API gives the transaction up, three minutes after its last call:
        # https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_BeginTransaction.html
        with suppress(ClientError, BotoCoreError):
            data.rollback_transaction(**where, transactionId=transaction)
        raise
    data.commit_transaction(**where, transactionId=transaction)
