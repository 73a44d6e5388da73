"""The reference service with its database, in memory, and with faults that a test chooses."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from breakwater_drills.bank import Bank
from breakwater_drills.clock import Clock
from breakwater_drills.errors import RequestError
from breakwater_drills.http import Answer
from breakwater_drills.invariant import SENTENCES, Ledger
from drills_testing.fakes import target

_SCHEMA = """
CREATE TABLE accounts (id bigint PRIMARY KEY, opening bigint NOT NULL, balance bigint NOT NULL);
CREATE TABLE transfers (id text, idempotency_key text NOT NULL, source bigint NOT NULL, destination bigint NOT NULL,
  amount bigint NOT NULL);
"""
OPENING = 1_000_000
FAULTS = ("no unique key", "answer before the commit", "half a transfer", "another id when asked again")


class FakeService:
    """Answers as the service does, with its database in `database`, which tests may change.

    Attributes:
        database: SQLite, with the tables of the service; it speaks the SQL of the invariant.
        fault: what the service does wrong, one of `FAULTS`; empty for nothing.
        answer_lost: whether a request is carried out, and its answer lost.
        refuses: status of each transfer; 0 for none.
        asked: number of transfers asked for.
        wrong: whether the fault has done something that a client or the database can show.
    """

    def __init__(self) -> None:
        self.database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self.database.close)  # Python 3.13 warns of one that is left open
        self.database.executescript(_SCHEMA)
        self.database.executemany(
            "INSERT INTO accounts VALUES (?, ?, ?)", [(n, OPENING, OPENING) for n in range(1, 51)]
        )
        self.fault = ""
        self.answer_lost, self.refuses, self.asked, self.wrong = False, 0, 0, False

    # --- HTTP

    def get(self, path: str) -> Answer:
        """Answer a read."""
        if path == "/openapi.json":
            return Answer(200, {"paths": {"/transactions": {}}})
        account = int(path.removeprefix("/accounts/"))
        ((balance,),) = self.database.execute("SELECT balance FROM accounts WHERE id = ?", [account])
        return Answer(200, {"id": account, "balance": balance})

    def post(self, _path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """Carry a transfer out, once for each key unless the fault says otherwise."""
        self.asked += 1
        if self.refuses:
            return Answer(self.refuses, {})
        key = headers["Idempotency-Key"]
        found = self.database.execute("SELECT id FROM transfers WHERE idempotency_key = ?", [key]).fetchone()
        again = self.fault in ("no unique key", "another id when asked again")
        given = found[0] if found and not again else f"id-{self.asked}"
        if not found or self.fault == "no unique key":
            self.wrong |= bool(found)
            self._commit(given, key, body)
        if self.answer_lost:
            raise RequestError("ReadTimeoutError")
        self.wrong |= self.fault == "answer before the commit" or bool(found and again)
        return Answer(201, {"id": given, **body})

    def _commit(self, given: str, key: str, body: Mapping[str, Any]) -> None:
        if self.fault == "answer before the commit":
            return
        self.database.execute(
            "INSERT INTO transfers VALUES (?, ?, ?, ?, ?)", [given, key, body["from"], body["to"], body["amount"]]
        )
        self._change("-", body["amount"], body["from"])
        if self.fault == "half a transfer":
            self.wrong = True
        else:
            self._change("+", body["amount"], body["to"])

    def _change(self, sign: str, amount: int, account: int) -> None:
        self.database.execute(f"UPDATE accounts SET balance = balance {sign} ? WHERE id = ?", [amount, account])  # noqa: S608

    # --- RDS Data API

    def query(self, sql: str, cluster: str | None = None, **parameters: str) -> list[list[dict[str, Any]]]:
        """Return the records that a statement finds."""
        assert cluster in (None, "arn:the-copy")
        return [[_field(value) for value in row] for row in self.database.execute(sql, parameters)]


def _field(value: object) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    return {"longValue": value} if isinstance(value, int) else {"stringValue": value}


def bank_of(service: FakeService, clock: Clock, run: str = "run1") -> Bank:
    """Return a client of the service."""
    bank = Bank(target(), run, clock)
    bank.requests = service
    return bank


_FIRST = "id = (SELECT id FROM transfers WHERE idempotency_key = 'drill-run1-0')"
Change = Callable[[FakeService], object]


def changed(sql: str) -> Change:
    """Return what changes the database behind the service's back; `<first>` stands for the first transfer."""
    return lambda service: service.database.execute(sql.replace("<first>", _FIRST))


def broken(service: FakeService, bank: Bank, lost: tuple[float, float] | None = None) -> dict[str, str]:
    """Return which sentences do not hold, and why."""
    checks = Ledger(service.query, bank).checks("the database", lost=lost)
    assert [check.sentence for check in checks] == list(SENTENCES)
    return {check.sentence: check.broken for check in checks if check.broken}
