"""The migration: what it makes, that it makes it once and as a whole, and what it does when AWS does not answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from migration import handler
from migration.database import CREATE_VERSIONS, LOCK, TEMPORARY, is_temporary
from migration.logic import read_migrations, read_rights

from common.environment import ConfigurationError
from stacks.compute.migration import TIMEOUT_SECONDS
from tests.fake_clients import ServiceError, fake_client
from tests.lambdas.migration_fakes import ARNS, FakeDataApi

VARIABLES = {
    "CLUSTER_ARN": ARNS["resourceArn"],
    "SECRET_ARN": ARNS["secretArn"],
    "DATABASE_NAME": "transactions",
    "DATABASE_USER": "breakwater_app",
    "MIGRATIONS": "service",
}
NEWEST = len(read_migrations())
FILES = [statement for each in read_migrations() for statement in each.statements]
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: TIMEOUT_SECONDS * 1000)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeDataApi:
    """Provide the Data API of an empty database, the variables, and a clock that only waiting moves."""
    made = FakeDataApi()
    now = [0.0]
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    def wait(seconds: float) -> None:
        now[0] += seconds

    def client(service: str, *, read_seconds: int, attempts: int) -> Any:
        # The Data API ends a statement after 45 s; a repeated statement would fail where the first one succeeded.
        assert (service, read_seconds > 45, attempts) == ("rds-data", True, 1)
        return fake_client(service, **made.operations())

    monkeypatch.setattr(handler, "client", client)
    monkeypatch.setattr(handler, "time", SimpleNamespace(sleep=wait, monotonic=lambda: now[0]))
    return made


def run() -> dict[str, int]:
    return handler.handle({"source": "aws.ecs"}, CONTEXT)


def test_an_empty_database_gets_user_and_tables_and_rights_in_one_transaction(
    api: FakeDataApi, caplog: pytest.LogCaptureFixture
) -> None:
    assert run() == {"before": 0, "after": NEWEST}
    database = api.database
    assert (database.roles, database.members) == ({"owner", "breakwater_app"}, {"breakwater_app"})
    assert database.versions == list(range(1, NEWEST + 1))
    assert database.applied == [*FILES, *read_rights("breakwater_app")]
    assert (api.calls[0], api.calls[-1], api.open) == ("BeginTransaction", "CommitTransaction", {})
    assert api.calls.count("BeginTransaction") == 1
    assert api.calls[1:9] == [
        "SELECT 1 FROM pg_advisory_xact_lock(:lock)",  # nothing is read before the lock is held
        "SELECT set_config('lock_timeout', :timeout, true)",
        "SELECT 1 FROM pg_roles WHERE rolname = :name",
        'CREATE ROLE "breakwater_app" LOGIN',
        'GRANT rds_iam TO "breakwater_app"',
        " ".join(CREATE_VERSIONS.split()),
        "SELECT coalesce(max(version), 0) FROM schema_version",
        " ".join(FILES[0].split()),
    ]
    assert LOCK > 0
    assert [record.getMessage() for record in caplog.records] == [f"schema version {NEWEST}, was 0"]


def test_a_second_run_changes_nothing_but_grants_again(api: FakeDataApi) -> None:
    run()
    before, tables = api.database.roles.copy(), len(FILES)
    assert run() == {"before": NEWEST, "after": NEWEST}
    assert api.database.roles == before
    assert api.database.versions == list(range(1, NEWEST + 1))
    assert api.database.applied[tables:] == [*read_rights("breakwater_app")] * 2


def test_a_newer_schema_stays_after_a_rollback(api: FakeDataApi) -> None:
    api.database.versions = [NEWEST + 1]
    assert run() == {"before": NEWEST + 1, "after": NEWEST + 1}
    assert api.database.versions == [NEWEST + 1]
    assert not set(FILES) & set(api.database.applied)


def test_another_user_gets_the_same_rights(api: FakeDataApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_USER", 'app"two')
    run()
    assert api.database.members == {'app""two'}
    assert all(statement.endswith('TO "app""two"') for statement in api.database.applied[len(FILES) :])


def test_for_another_image_the_user_alone_is_made(api: FakeDataApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATIONS", "user")
    assert run() == {"before": 0, "after": 0}
    assert api.database.members == {"breakwater_app"}
    assert (api.database.versions, api.database.applied) == ([], [])
    assert not [call for call in api.calls if "schema_version" in call]


@pytest.mark.parametrize("number", range(1, 8 + len(FILES)))
def test_a_run_that_fails_anywhere_leaves_nothing_behind_and_the_next_one_succeeds(
    api: FakeDataApi, number: int
) -> None:
    def fail(call: int, _operation: str) -> None:
        if call == number:
            raise ServiceError("DatabaseErrorException")

    api.trouble = fail
    with pytest.raises(ClientError, match="DatabaseErrorException"):
        run()
    assert (api.database.versions, api.database.applied, api.open) == ([], [], {})
    assert api.calls[-1] == ("BeginTransaction" if number == 1 else "RollbackTransaction")
    assert run() == {"before": 0, "after": NEWEST}


@pytest.mark.parametrize("code", sorted(TEMPORARY))
def test_a_cluster_that_is_not_ready_is_asked_again_until_it_is(api: FakeDataApi, code: str) -> None:
    def fail(call: int, _operation: str) -> None:
        if call < 20 and call % 2 == 1:
            raise ServiceError(code)

    api.trouble = fail
    assert run() == {"before": 0, "after": NEWEST}
    assert api.open == {}


def test_it_gives_up_while_an_attempt_still_fits_into_its_time(
    api: FakeDataApi, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_call: int, _operation: str) -> None:
        raise ServiceError("DatabaseResumingException")

    api.trouble = fail
    with pytest.raises(ClientError, match="DatabaseResumingException"):
        run()
    assert len(api.calls) * handler.PAUSE_SECONDS == pytest.approx(TIMEOUT_SECONDS - handler.ATTEMPT_SECONDS, abs=6)
    api.calls.clear()
    caplog.clear()
    milliseconds = (handler.ATTEMPT_SECONDS + 2 * handler.PAUSE_SECONDS) * 1000
    with pytest.raises(ClientError):
        handler.handle({}, SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds))
    assert len(api.calls) == 1 + 2 + 1, "the last one begins when the time is up"
    assert {record.getMessage().partition("(")[0] for record in caplog.records} == {"not yet: An error occurred "}


def test_after_a_commit_whose_answer_was_lost_the_work_is_found_done(api: FakeDataApi) -> None:
    run()
    length, api.database, api.calls = len(api.calls), FakeDataApi().database, []
    api.lost = {length: ReadTimeoutError(endpoint_url="https://rds-data")}
    assert run() == {"before": NEWEST, "after": NEWEST}
    assert api.database.versions == list(range(1, NEWEST + 1))


def test_after_a_statement_whose_answer_was_lost_all_of_it_is_done_again(api: FakeDataApi) -> None:
    api.lost = {9: ReadTimeoutError(endpoint_url="https://rds-data")}
    assert run() == {"before": 0, "after": NEWEST}
    assert api.database.applied[: len(FILES)] == FILES
    assert api.calls.count("RollbackTransaction") == 1


def test_an_error_of_the_rollback_does_not_hide_that_of_the_statement(api: FakeDataApi) -> None:
    def fail(call: int, operation: str) -> None:
        if operation == "RollbackTransaction":
            raise ServiceError("BadRequestException")
        if call == 4:
            raise ServiceError("AccessDeniedException")

    api.trouble = fail
    with pytest.raises(ClientError, match="AccessDeniedException"):
        run()


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (ReadTimeoutError(endpoint_url="https://a"), True),
        (EndpointConnectionError(endpoint_url="https://a"), True),
        (NoCredentialsError(), False),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "ExecuteStatement"), False),
        (ClientError({"Error": {"Code": "DatabaseErrorException", "Message": "syntax error"}}, "E"), False),
        # A table is in use: the Data API has one code for all errors of PostgreSQL.
        (
            ClientError(
                {
                    "Error": {
                        "Code": "DatabaseErrorException",
                        "Message": "ERROR: canceling statement due to lock timeout; SQLState: 55P03",
                    }
                },
                "ExecuteStatement",
            ),
            True,
        ),
    ],
)
def test_what_may_succeed_later(error: Exception, *, temporary: bool) -> None:
    assert is_temporary(error) is temporary


@pytest.mark.parametrize("name", VARIABLES)
def test_a_missing_variable_is_named(api: FakeDataApi, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        run()
    assert api.calls == []


def test_an_unknown_mode_is_refused(api: FakeDataApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATIONS", "all")
    with pytest.raises(ConfigurationError, match="MIGRATIONS = 'all': allowed is service or user"):
        run()
    assert api.calls == []
