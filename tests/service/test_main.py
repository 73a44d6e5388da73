"""The process: its environment, its start, its end, and what it writes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn

from breakwater_service import __main__ as program
from breakwater_service.outbox import Outbox
from breakwater_service.settings import Settings, SettingsError
from breakwater_service.telemetry import JsonFormatter, Metrics
from tests.service.harness import (
    BUCKET,
    DATABASE,
    USER,
    Answer,
    Postgres,
    Running,
    answers,
    call,
    eventually,
    process,
    running,
    settings_for,
    transfer,
)

pytestmark = pytest.mark.xdist_group("service")
NUMBERS = {"PORT": 65535, "DATABASE_PORT": 65535, "RETRY_SECONDS": 60}


def _environment(settings: Settings) -> dict[str, str]:
    return {name.upper(): str(value) for name, value in asdict(settings).items()}


def test_the_environment_is_read(postgres: Postgres) -> None:
    settings = settings_for(postgres)
    assert Settings.read(_environment(settings)) == settings


def test_two_variables_may_be_missing(postgres: Postgres) -> None:
    values = _environment(settings_for(postgres))
    for name in ("HOST", "DATABASE_SECRET_ARN"):
        del values[name]
    assert Settings.read(values) == settings_for(postgres, port=int(values["PORT"]), host="0.0.0.0")  # noqa: S104


@pytest.mark.parametrize("absent", ["", None])
def test_every_missing_variable_is_named(absent: str | None) -> None:
    names = [name.upper() for name in Settings.__dataclass_fields__]
    values = {} if absent is None else dict.fromkeys(names, absent)
    with pytest.raises(SettingsError) as caught:
        Settings.read(values)
    needed = [name for name in names if name not in {"HOST", "DATABASE_SECRET_ARN"}]
    expected = "; ".join(f"{name} is missing" for name in needed)
    assert str(caught.value) == f"{expected}: correct the environment of the container"


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_ranges(postgres: Postgres, name: str) -> None:
    values = _environment(settings_for(postgres))
    for good in ("1", str(NUMBERS[name])):
        assert getattr(Settings.read(values | {name: good}), name.lower()) == int(good)
    for bad in ("0", str(NUMBERS[name] + 1), "-1", "1.5", "x", "1" * 5000, "٣"):
        words = f"^{name} is '{bad}', and must be a whole number from 1 to {NUMBERS[name]}: correct"
        with pytest.raises(SettingsError, match=words):
            Settings.read(values | {name: bad})


@pytest.fixture
def _logging() -> Iterator[None]:
    """Keep the loggers as they were."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    yield
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])


@pytest.fixture
def _signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_logging")
def test_a_bad_environment_is_one_line_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program.__file__), run_name="__main__")
    assert ended.value.code == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"].startswith("PORT is missing; ")
    assert json.loads(line)["level"] == "ERROR"


@pytest.mark.usefixtures("_logging", "_signals")
def test_sigterm_in_mid_request_lets_it_finish(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole program in this process: the request waits for a lock when the signal comes, and is answered."""
    settings = settings_for(postgres)
    for name, value in _environment(settings).items():
        monkeypatch.setenv(name, value)
    found: list[Answer] = []

    def client() -> None:
        eventually(lambda: answers(settings.port))
        with psycopg.connect(f"host=127.0.0.1 port={postgres.port} user={USER} dbname={DATABASE}") as blocking:
            blocking.execute("UPDATE accounts SET balance = balance WHERE id = 1")
            asking = threading.Thread(target=lambda: found.append(transfer(settings.port, "mid-request")))
            asking.start()
            locks = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: postgres.ask(locks) == "1")
            os.kill(os.getpid(), signal.SIGTERM)
            eventually(lambda: not answers(settings.port))
            blocking.rollback()
        asking.join()

    thread = threading.Thread(target=client)
    thread.start()
    assert program.main() == 0
    thread.join()
    assert [answer.status for answer in found] == [201]
    # The receipt was written before the end, and what was counted, too.
    assert postgres.ask("SELECT count(*) FROM outbox") == "0"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(line.get("Transfers", 0) for line in lines) == 1
    assert sum(line.get("Receipts", 0) for line in lines) == 1
    assert "Shutting down" in [line.get("message") for line in lines]


@contextmanager
def _without_schema(postgres: Postgres, version: str) -> Iterator[None]:
    postgres.ask(f"UPDATE schema_version SET version = {version}")  # noqa: S608 - a number of this file
    try:
        yield
    finally:
        postgres.ask("UPDATE schema_version SET version = 1")


def test_without_its_schema_it_ends_with_exit_code_1(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(program, "_SCHEMA_SECONDS", 1.5)
    it = Running(settings_for(postgres))
    with _without_schema(postgres, "0"):
        it.thread.start()
        it.thread.join(30)
    assert it.code == 1
    assert "waiting for version 1 of the schema: version 0" in caplog.text
    assert "version 1 of the schema was not found in 2 s" in caplog.text
    assert not it.server.started


def test_it_waits_for_its_schema_and_for_the_database(postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    postgres.ask("DELETE FROM schema_version")
    postgres.kill()
    it = Running(settings_for(postgres))
    it.thread.start()
    eventually(lambda: "waiting for version 1 of the schema: couldn't get a connection" in caplog.text)
    postgres.start()
    eventually(lambda: "waiting for version 1 of the schema: version None" in caplog.text)
    assert not it.server.started
    postgres.ask("INSERT INTO schema_version (version) VALUES (1)")
    eventually(lambda: it.server.started)
    it.server.should_exit = True
    it.thread.join(30)
    assert it.code == 0


def test_a_newer_schema_will_do(postgres: Postgres) -> None:
    with _without_schema(postgres, "2"), running(settings_for(postgres)) as it:
        assert transfer(it.port, "newer").status == 201


def test_sigterm_while_it_waits_for_its_schema_ends_it_at_once(postgres: Postgres, tmp_path: Path) -> None:
    settings, log = settings_for(postgres), tmp_path / "log"
    with _without_schema(postgres, "0"), process(settings, log) as it:
        eventually(lambda: "waiting for version 1" in log.read_text())
        it.send_signal(signal.SIGTERM)
        assert it.wait(10) == 0
    assert "Traceback" not in log.read_text()


def test_nobody_waits_for_a_schema_after_sigterm(postgres: Postgres) -> None:
    it = Running(settings_for(postgres))
    it.server.should_exit = True
    it.thread.start()
    it.thread.join(30)
    assert (it.code, it.server.started) == (0, False)


def test_a_port_that_is_taken_ends_it(postgres: Postgres) -> None:
    settings = settings_for(postgres)
    with process(settings):
        eventually(lambda: answers(settings.port))
        with process(settings) as second:
            assert second.wait(20) == 3


def test_a_part_that_fails_ends_the_process(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a task would serve on without writing receipts, and nobody would notice."""

    async def fail(_: Outbox) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Outbox, "move", fail)
    service = Running(settings_for(postgres))
    with pytest.raises(ExceptionGroup):
        asyncio.run(program.run(service.service, service.server))


def test_connections_outlast_the_load_balancers(postgres: Postgres) -> None:
    settings = settings_for(postgres)
    config: uvicorn.Config = Running(settings).server.config
    assert config.timeout_keep_alive > 60
    assert settings.retry_seconds < (config.timeout_graceful_shutdown or 0) < 30


def test_receipts_wait_while_the_bucket_does_not_answer(postgres: Postgres, caplog: pytest.LogCaptureFixture) -> None:
    with running(settings_for(postgres, bucket_name="missing")) as it:
        assert transfer(it.port, "waits").status == 201
        eventually(lambda: "receipts wait: " in caplog.text)
        assert call(it.port, "GET", "/health").status == 200
        assert postgres.ask("SELECT count(*) FROM outbox") == "1"
    with running(settings_for(postgres, bucket_name=BUCKET)):
        eventually(lambda: postgres.ask("SELECT count(*) FROM outbox") == "0")


def test_a_receipt_that_is_being_written_at_the_end_is_written_once(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, released, put = threading.Event(), threading.Event(), Outbox._put
    puts: list[int] = []

    def slowly(outbox: Outbox, rows: list[dict[str, Any]]) -> None:
        puts.append(len(rows))
        begun.set()
        released.wait(20)
        put(outbox, rows)

    monkeypatch.setattr(Outbox, "_put", slowly)
    with running(settings_for(postgres)) as it:
        assert transfer(it.port, "in-mid-receipt").status == 201
        assert begun.wait(20)
        it.server.should_exit = True
        eventually(lambda: not answers(it.port))
        time.sleep(0.5)  # the server has ended by then, and what it does not wait for is interrupted
        released.set()
    assert (puts, postgres.ask("SELECT count(*) FROM outbox")) == ([1], "0")


def test_many_receipts_are_written_in_batches(service: Running, postgres: Postgres) -> None:
    row = "gen_random_uuid(), 'batch-' || n, 1, 2, 1 FROM generate_series(1, 120) n RETURNING id"
    insert = f"INSERT INTO transfers (id, idempotency_key, source, destination, amount) SELECT {row}"
    postgres.ask(f"WITH made AS ({insert}) INSERT INTO outbox SELECT id FROM made")  # noqa: S608
    postgres.ask("UPDATE accounts SET balance = balance - 120 WHERE id = 1")
    postgres.ask("UPDATE accounts SET balance = balance + 120 WHERE id = 2")
    service.service.outbox.wake()
    eventually(lambda: postgres.ask("SELECT count(*) FROM outbox") == "0")


def test_a_receipt_is_sent_without_asking_whether_to_go_on(service: Running, postgres: Postgres) -> None:
    """Asking costs a round trip and half of what the request costs."""
    sent: list[Any] = []
    events = service.service.outbox._s3.meta.events
    events.register_last("before-send.s3.PutObject", lambda request, **_: sent.append(request))
    transfer(service.port, "sent-at-once")
    eventually(lambda: sent and postgres.ask("SELECT count(*) FROM outbox") == "0")
    assert "Expect" not in sent[0].headers


def test_a_log_line_is_json_with_what_was_added() -> None:
    def line(**extra: Any) -> Any:
        record = logging.makeLogRecord({"name": "n", "levelname": "ERROR", "msg": "a %s", "args": ("b",), **extra})
        return json.loads(JsonFormatter().format(record))

    plain = line()
    assert plain.pop("time")[-6:] == "+00:00"
    assert plain == {"level": "ERROR", "logger": "n", "message": "a b"}
    assert line(path="/x")["path"] == "/x"
    try:
        raise ValueError("why")
    except ValueError:
        assert "ValueError: why" in line(exc_info=sys.exc_info())["exception"]


def test_metrics_follow_the_embedded_metric_format() -> None:
    metrics = Metrics("Breakwater", "eu1")
    metrics.count("Transfers")
    metrics.count("Receipts", 3)
    for number in range(101):
        metrics.took(number + 0.123)
    counts, first, second = [json.loads(line) for line in metrics.lines()]
    (directive,) = counts["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"], counts["Suffix"]) == ("Breakwater", [["Suffix"]], "eu1")
    names = ["Transfers", "Replays", "Refusals", "Unavailable", "Retries", "Receipts"]
    assert directive["Metrics"] == [{"Name": name, "Unit": "Count"} for name in names]
    assert [counts[name] for name in names] == [1, 0, 0, 0, 0, 3]
    # A metric of a line has at most 100 values.
    assert (len(first["TransferLatency"]), second["TransferLatency"]) == (100, [100.1])
    assert first["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "TransferLatency", "Unit": "Milliseconds"}]
    assert [json.loads(line)["Transfers"] for line in metrics.lines()] == [0]
