"""The migration against a real database: what it makes, twice at once, and that the tasks' user has what it needs.

It runs the code of the function, in a database of its own that is dropped afterwards. The embedded AWS alone: to act as
the tasks' user, the owner must be a superuser, as on Aurora it is not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError
from migration.database import Target, Versions, prepare
from migration.logic import Migration, read_migrations, read_rights

from stacks.names import OutputKey
from stacks.settings import Settings
from tests.integration.conftest import Client

ALL = read_migrations()
# What the service asks of the tables of each version, as the tasks' user. None may fail under a later version.
STATEMENTS = {
    1: (
        "SELECT max(version) FROM schema_version",
        (
            "INSERT INTO transfers (id, idempotency_key, source, destination, amount) SELECT id, id::text, 1, 2, 5 "
            "FROM gen_random_uuid() AS id ON CONFLICT (idempotency_key) DO NOTHING RETURNING id"
        ),
        "UPDATE accounts SET balance = balance - 5 WHERE id = 1",
        "UPDATE accounts SET balance = balance + 5 WHERE id = 2",
        "INSERT INTO outbox SELECT id FROM transfers WHERE id NOT IN (SELECT transfer_id FROM outbox)",
        "SELECT transfer_id FROM outbox LIMIT 1 FOR UPDATE SKIP LOCKED",
        "DELETE FROM outbox",
        "SELECT id, balance FROM accounts ORDER BY id",
    )
}
# What it must not be able to do, with the reason that PostgreSQL gives.
REFUSED = {
    "UPDATE accounts SET opening = 0": "permission denied",
    "DELETE FROM accounts": "permission denied",
    "INSERT INTO accounts VALUES (51, 1, 1)": "permission denied",
    "UPDATE transfers SET amount = 1": "permission denied",
    "DELETE FROM transfers": "permission denied",
    "INSERT INTO schema_version VALUES (99)": "permission denied",
    "CREATE TABLE mine (x int)": "permission denied",
    "DROP TABLE outbox": "must be owner",
    "UPDATE accounts SET balance = -1 WHERE id = 1": "accounts_balance_check",
}


class Scratch:
    """A database of its own in the deployed cluster.

    Args:
        data: client of the Data API.
        target: the database, as its owner.
        user: of the tasks.
    """

    def __init__(self, data: Any, target: Target, user: str) -> None:
        self.data, self.target, self.user = data, target, user

    def migrate(self, migrations: tuple[Migration, ...] = ALL) -> Versions:
        rights = read_rights(self.user)
        return prepare(self.data, self.target, user=self.user, migrations=migrations, rights=rights)

    def ask(self, sql: str, *, role: str = "") -> list[list[Any]]:
        """Run a statement, as the tasks' user or another role where one is named."""
        where = {"resourceArn": self.target.cluster_arn, "secretArn": self.target.secret_arn}
        begun = self.data.begin_transaction(**where, database=self.target.database)["transactionId"]
        statements = [*([f'SET LOCAL ROLE "{role}"'] if role else []), sql]
        with ExitStack() as failed:
            failed.callback(self.data.rollback_transaction, **where, transactionId=begun)
            answers = [self.data.execute_statement(**where, sql=each, transactionId=begun) for each in statements]
            failed.pop_all()
        self.data.commit_transaction(**where, transactionId=begun)
        return [[next(iter(field.values())) for field in row] for row in answers[-1].get("records", [])]


@pytest.fixture
def scratch(emulator: Client, outputs: Mapping[str, str], settings: Settings) -> Iterator[Scratch]:
    """Provide an empty database, and drop it."""
    data = emulator("rds-data")
    cluster, secret = outputs[OutputKey.CLUSTER_ARN], outputs[OutputKey.CLUSTER_SECRET_ARN]
    name = f"migration_{uuid.uuid4().hex[:8]}"
    owner = {"resourceArn": cluster, "secretArn": secret, "database": outputs[OutputKey.DATABASE_NAME]}
    data.execute_statement(**owner, sql=f"CREATE DATABASE {name}")
    try:
        yield Scratch(data, Target(cluster, secret, name), settings.database.application_username)
    finally:
        data.execute_statement(**owner, sql=f"DROP DATABASE {name} WITH (FORCE)")


def test_an_empty_database_is_prepared_once(scratch: Scratch) -> None:
    assert scratch.migrate() == Versions(0, len(ALL))
    assert scratch.migrate() == Versions(len(ALL), len(ALL))
    assert scratch.ask("SELECT count(*), sum(balance), sum(opening) FROM accounts") == [[50, "50000000", "50000000"]]


def test_two_runs_at_once_apply_each_version_once(scratch: Scratch) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = sorted((pool.submit(scratch.migrate) for _ in range(4)), key=lambda each: each.result().before)
    assert [each.result().before for each in found] == [0, *[len(ALL)] * 3]
    assert scratch.ask("SELECT version FROM schema_version ORDER BY 1") == [[each.version] for each in ALL]


def test_the_statements_of_every_version_run_under_every_later_one(scratch: Scratch) -> None:
    assert STATEMENTS.keys() == {each.version for each in ALL}
    for number in range(1, len(ALL) + 1):
        assert scratch.migrate(ALL[:number]) == Versions(number - 1, number)
        for version in range(1, number + 1):
            for statement in STATEMENTS[version]:
                scratch.ask(statement, role=scratch.user)
    assert scratch.ask("SELECT sum(balance) - sum(opening) FROM accounts") == [["0"]]


def test_the_user_of_the_tasks_can_do_no_more_than_it_needs(scratch: Scratch) -> None:
    scratch.migrate()
    for statement, reason in REFUSED.items():
        with pytest.raises(ClientError, match=reason):
            scratch.ask(statement, role=scratch.user)
    assert scratch.ask(f"SELECT pg_has_role('{scratch.user}', 'rds_iam', 'member')") == [[True]]


def test_a_file_that_fails_leaves_nothing_of_itself_behind(scratch: Scratch) -> None:
    scratch.migrate()
    broken = Migration(len(ALL) + 1, "broken.sql", ("CREATE TABLE half (x int)", "SELECT 1 / 0"))
    with pytest.raises(ClientError, match="division by zero"):
        scratch.migrate((*ALL, broken))
    assert scratch.ask("SELECT to_regclass('half')::text, max(version) FROM schema_version") == [[True, len(ALL)]]
    assert scratch.migrate() == Versions(len(ALL), len(ALL)), "the lock was given back"
