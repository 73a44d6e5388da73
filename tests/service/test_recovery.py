"""What happens to transfers when the database, its password or the process goes away."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError
from psycopg_pool import PoolTimeout

from breakwater_service.database import Database, is_lost, passes
from breakwater_service.telemetry import Metrics
from tests.service.harness import (
    DATABASE,
    ORDER,
    TABLE,
    TTL,
    USER,
    Answer,
    Postgres,
    Running,
    answers,
    call,
    eventually,
    kept_item,
    process,
    running,
    settings_for,
    transfer,
)

pytestmark = pytest.mark.xdist_group("service")


def _with_state(state: str) -> psycopg.Error:
    return psycopg.errors.lookup(state)()


# What a transaction meets, whether it may succeed later, and whether the whole pool leads to a server that is gone.
STATES = [
    ("40001", True, False),  # serialization failure
    ("40P01", True, False),  # deadlock
    ("57014", True, False),  # our statement_timeout
    ("25006", True, True),  # a writer that became a reader
    ("25P03", True, True),  # our idle_in_transaction_session_timeout
    ("53300", True, True),  # too many connections
    ("57P01", True, True),  # a server that is shut down
    ("57P02", True, True),  # … that crashed
    ("57P03", True, True),  # … that starts
    ("08000", True, True),
    ("08006", True, True),
    ("23505", False, False),  # a unique key
    ("23514", False, False),  # a check
    ("42501", False, False),  # a permission
    ("28P01", False, False),  # a password
]


@pytest.mark.parametrize(("state", "retried", "lost"), STATES, ids=[row[0] for row in STATES])
def test_what_is_tried_again_by_sqlstate(state: str, retried: bool, lost: bool) -> None:
    assert (passes(_with_state(state)), is_lost(_with_state(state))) == (retried, lost)


def test_what_is_tried_again_without_a_sqlstate() -> None:
    assert (passes(psycopg.OperationalError()), is_lost(psycopg.OperationalError())) == (True, True)
    assert (passes(psycopg.InterfaceError()), is_lost(psycopg.InterfaceError())) == (True, True)
    assert (passes(PoolTimeout()), is_lost(PoolTimeout())) == (True, False)
    assert (passes(psycopg.ProgrammingError()), is_lost(psycopg.ProgrammingError())) == (False, False)


# Each phase of the transaction, by the table whose statement fails there; a deferred trigger fails at COMMIT.
PHASES = {
    "insert": "CREATE TRIGGER fail BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION fail()",
    "update": "CREATE TRIGGER fail BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION fail()",
    "outbox": "CREATE TRIGGER fail BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION fail()",
    "commit": "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON outbox DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION fail()",
}


@contextmanager
def _failing(postgres: Postgres, phase: str, action: str, times: int) -> Iterator[None]:
    """Make a phase of the next transactions fail; a sequence counts them, since no rollback takes it back."""
    postgres.ask(
        f"""CREATE SEQUENCE failures; GRANT USAGE ON failures TO {USER};
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('failures') <= {times} THEN {action}; END IF; RETURN NEW; END $$;
        {PHASES[phase]};"""
    )
    try:
        yield
    finally:
        postgres.ask("DROP FUNCTION fail() CASCADE; DROP SEQUENCE failures")


@pytest.fixture
def counted(service: Running, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the service counts from now on."""
    names: list[str] = []
    monkeypatch.setattr(service.service.metrics, "count", lambda name, _=1: names.append(name))
    return names


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("state", ["40001", "40P01", "25006", "57P01", "57P03", "08006"])
def test_a_passing_failure_is_outlived_in_each_phase(
    service: Running, postgres: Postgres, counted: list[str], state: str, phase: str
) -> None:
    with _failing(postgres, phase, f"RAISE EXCEPTION USING ERRCODE = '{state}'", times=2):
        answer = transfer(service.port, f"{state}-{phase}")
    assert answer.status == 201
    assert "idempotent-replayed" not in answer.headers
    assert counted.count("Retries") == 2
    assert postgres.ask("SELECT count(*) FROM transfers") == "1"


@pytest.mark.parametrize("phase", PHASES)
def test_a_lost_connection_is_outlived_in_each_phase(service: Running, postgres: Postgres, phase: str) -> None:
    with _failing(postgres, phase, "PERFORM pg_terminate_backend(pg_backend_pid())", times=1):
        assert transfer(service.port, f"lost-{phase}").status == 201
    assert postgres.ask("SELECT count(*) FROM transfers") == "1"


def test_other_failures_are_not_tried_again(service: Running, postgres: Postgres, counted: list[str]) -> None:
    with _failing(postgres, "insert", "RAISE EXCEPTION USING ERRCODE = '42501'", times=1):
        assert transfer(service.port, "fault-of-the-schema").status == 500
    assert "Retries" not in counted
    assert postgres.ask("SELECT count(*) FROM transfers") == "0"


def test_a_lost_answer_to_commit_is_found_by_its_key(
    service: Running, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the commit: the second try finds what the first one did, and moves nothing again."""
    commit, lost = psycopg.AsyncConnection.commit, list[bool]()

    async def lose(self: psycopg.AsyncConnection[Any]) -> None:
        await commit(self)
        if not lost and postgres.ask("SELECT count(*) FROM transfers") == "1":
            lost.append(True)
            await self.close()
            raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(psycopg.AsyncConnection, "commit", lose)
    answer = transfer(service.port, "lost-answer")
    assert (answer.status, lost) == (201, [True])
    assert "idempotent-replayed" not in answer.headers
    assert postgres.ask("SELECT count(*), sum(amount) FROM transfers") == "1|5"


@contextmanager
def _load(port: int) -> Iterator[dict[str, Answer]]:
    """Post transfers from four clients while the block runs."""
    found: dict[str, Answer] = {}
    name, over = uuid.uuid4().hex[:8], threading.Event()

    def post(client: int) -> None:
        number = 0
        while not over.is_set():
            key, number = f"{name}-{client}-{number}", number + 1
            found[key] = transfer(port, key, ORDER | {"amount": 1})

    threads = [threading.Thread(target=post, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _more(found: dict[str, Answer], number: int) -> None:
    """Wait for more answers."""
    there = len(found)
    eventually(lambda: len(found) > there + number)


def _all_are_there(found: dict[str, Answer], postgres: Postgres) -> None:
    assert {answer.status for answer in found.values()} == {201}, found
    rows = dict(line.split("|") for line in postgres.ask("SELECT idempotency_key, id FROM transfers").splitlines())
    assert rows == {key: answer.body["id"] for key, answer in found.items()}


def test_a_crashed_writer_costs_no_transfer(service: Running, postgres: Postgres) -> None:
    with _load(service.port) as found:
        _more(found, 20)
        postgres.kill()
        time.sleep(1)
        postgres.start()
        _more(found, 20)
    _all_are_there(found, postgres)


def test_names_that_still_lead_to_the_old_writer_cost_no_transfer(service: Running, postgres: Postgres) -> None:
    """For five seconds, old and new connections meet a server that became a reader."""
    with _load(service.port) as found:
        _more(found, 20)
        postgres.demote(read_only=True)
        time.sleep(0.5)
        there = len(found)
        time.sleep(4.5)
        assert len(found) <= there + 4
        postgres.demote(read_only=False)
        _more(found, 20)
    _all_are_there(found, postgres)


def test_after_the_deadline_the_outcome_is_said_to_be_unknown(postgres: Postgres) -> None:
    with running(settings_for(postgres, retry_seconds=2)) as service:
        known = transfer(service.port, "known").body
        eventually(lambda: kept_item("known"))
        postgres.demote(read_only=True)
        try:
            began = time.monotonic()
            answer = transfer(service.port, "unknown")
            assert 1 < time.monotonic() - began < 3
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert "send it again with the same Idempotency-Key" in answer.body["detail"]
            # What was answered before is answered again, from the table, although there is no writer.
            again = transfer(service.port, "known")
            assert (again.status, again.body, again.headers["idempotent-replayed"]) == (201, known, "true")
            assert transfer(service.port, "known", ORDER | {"amount": 6}).status == 422
            # A reader is enough to read.
            assert call(service.port, "GET", f"/transactions/{known['id']}").body == known
            missing = call(service.port, "GET", "/accounts/99")
            assert (missing.status, missing.body["detail"]) == (503, "the database does not answer")
        finally:
            postgres.demote(read_only=False)
        eventually(lambda: transfer(service.port, "unknown").status == 201)


def test_an_answer_that_expired_is_not_given_again(postgres: Postgres) -> None:
    """DynamoDB deletes expired items days later."""
    with running(settings_for(postgres, retry_seconds=2)) as service:
        transfer(service.port, "expired")
        eventually(lambda: kept_item("expired"))
        boto3.client("dynamodb").update_item(
            TableName=TABLE,
            Key={"pk": {"S": "idempotency#expired"}, "sk": {"S": "request"}},
            UpdateExpression=f"SET {TTL} = :now",
            ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
        )
        postgres.demote(read_only=True)
        try:
            assert transfer(service.port, "expired").status == 503
        finally:
            postgres.demote(read_only=False)


def test_the_writer_answers_for_readers_that_do_not(postgres: Postgres) -> None:
    with running(settings_for(postgres, database_reader_host="127.0.0.99")) as service:
        made = transfer(service.port, "no-reader").body
        assert call(service.port, "GET", f"/transactions/{made['id']}").body == made


def test_a_read_outlives_the_loss_of_every_connection(service: Running, postgres: Postgres) -> None:
    for _ in range(3):
        postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'breakwater%'")
        assert call(service.port, "GET", "/accounts/1").status == 200


def test_a_process_that_hangs_keeps_no_account_locked(service: Running, postgres: Postgres) -> None:
    """It is stopped while it waits for a lock, which it is then given: its transaction ends without it."""
    address = f"host=127.0.0.1 port={postgres.port} user={USER} dbname={DATABASE}"
    settings = settings_for(postgres)
    with process(settings) as other, psycopg.connect(address) as blocking:
        eventually(lambda: answers(settings.port))
        blocking.execute("UPDATE accounts SET balance = balance WHERE id = 2")
        asking = threading.Thread(target=transfer, args=(settings.port, "hangs"))
        asking.start()
        eventually(lambda: postgres.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1")
        other.send_signal(signal.SIGSTOP)
        blocking.rollback()
        began = time.monotonic()
        assert transfer(service.port, "behind-it").status == 201
        assert time.monotonic() - began < 1
        assert postgres.ask("SELECT count(*) FROM transfers") == "2"
        other.send_signal(signal.SIGCONT)
        asking.join()


def _rotate(postgres: Postgres, arn: str, password: str) -> None:
    postgres.ask(f"ALTER ROLE secret_user PASSWORD '{password}'")
    value = json.dumps({"username": "secret_user", "password": password})
    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)


@pytest.fixture
def secret(postgres: Postgres) -> Iterator[str]:
    """Return the ARN of a secret whose user logs in with a password."""
    postgres.ask(f"CREATE ROLE secret_user LOGIN IN ROLE {USER}")
    arn = boto3.client("secretsmanager").create_secret(Name="login")["ARN"]
    _rotate(postgres, arn, "first")
    yield arn
    boto3.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    postgres.ask("DROP ROLE secret_user")


def test_a_rotated_password_costs_no_transfer(postgres: Postgres, secret: str) -> None:
    with running(settings_for(postgres, database_secret_arn=secret)) as service:
        with _load(service.port) as found:
            for password in ("second", "third"):
                _more(found, 10)
                _rotate(postgres, secret, password)
                sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'secret_user'"
                postgres.ask(sessions)
            _more(found, 10)
        _all_are_there(found, postgres)


def test_a_secret_that_cannot_be_read_again_leaves_the_last_one(
    postgres: Postgres, secret: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(postgres, database_secret_arn=secret)
    with running(settings) as service:
        assert transfer(service.port, "before").status == 201
        monkeypatch.setattr(service.service.database, "_settings", replace(settings, database_secret_arn="none"))
        postgres.kill()
        time.sleep(2)  # until an attempt to connect has failed for good
        postgres.start()
        assert transfer(service.port, "after").status == 201
        assert "its last value is used" in caplog.text


def test_a_secret_that_was_never_read_is_an_error(postgres: Postgres) -> None:
    database = Database(settings_for(postgres, database_secret_arn="none"), Metrics("n", "s"))
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        asyncio.run(database._login("127.0.0.1"))


def test_a_token_is_signed_for_each_connection(postgres: Postgres) -> None:
    settings = settings_for(postgres)
    login = asyncio.run(Database(settings, Metrics("n", "s"))._login("writer.example"))
    assert login["user"] == USER
    assert login["password"].startswith(f"writer.example:{postgres.port}/?Action=connect&DBUser={USER}&X-Amz-")
