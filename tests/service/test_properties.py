"""Any interleaving of transfers, repetitions and lost connections keeps four sentences about money.

1. The sum of all balances stays. 2. Each balance is explained by its transfers. 3. Each acknowledged transfer is there
once, with its body. 4. No key is there twice, and an answer that is repeated is the same.
"""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakwater_service import transfers
from breakwater_service.database import Connection
from tests.service.harness import ORDER, Answer, Postgres, Running, transfer

pytestmark = pytest.mark.xdist_group("service")
OPENING = 20
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'breakwater-service'"
Order: TypeAlias = dict[str, int]
Posted: TypeAlias = list[tuple[str, Order, Answer]]

_accounts = st.sampled_from([1, 2, 3, 51])  # few, so that transfers meet; the last does not exist
_order = st.fixed_dictionaries({"from": _accounts, "to": _accounts, "amount": st.integers(1, OPENING)})
# A transfer with one of few keys, so that they repeat; or None, which breaks every connection to the database.
_step = st.one_of(st.tuples(st.integers(0, 4), _order), st.tuples(st.integers(0, 4), _order), st.none())
# Steps of one list are carried out at the same time, the lists one after the other.
_history = st.lists(st.lists(_step, min_size=1, max_size=6), min_size=1, max_size=4)


def play(history: list[list[tuple[int, Order] | None]], port: int, postgres: Postgres) -> Posted:
    """Carry out a history, and return what was posted, with the answers."""
    postgres.empty(OPENING)
    run, posted = uuid.uuid4().hex[:8], []

    def carry_out(step: tuple[int, Order] | None) -> None:
        if step is None:
            postgres.ask(CUT)
        else:
            key = f"{run}-{step[0]}"
            posted.append((key, step[1], transfer(port, key, step[1])))

    with ThreadPoolExecutor(6) as pool:
        for steps in history:
            list(pool.map(carry_out, steps))
    return posted


def broken_sentences(postgres: Postgres, posted: Posted) -> list[str]:
    """Return which of the sentences do not hold."""
    found = postgres.broken_sentences()
    rows = postgres.ask("SELECT idempotency_key, id, source, destination, amount FROM transfers").splitlines()
    there: dict[str, Any] = {}
    for key, name, *numbers in (row.split("|") for row in rows):
        there[key] = {"id": name, **dict(zip(ORDER, map(int, numbers), strict=True))}
    answered = [(key, order, answer.body) for key, order, answer in posted if answer.status == 201]
    if any(there.get(key) != body or not order.items() <= body.items() for key, order, body in answered):
        found.append("acknowledged")
    answers = {(key, json.dumps(body)) for key, _, body in answered}
    if len(rows) != len(there) or len(answers) != len({key for key, _, _ in answered}):
        found.append("keys")
    return found


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=_history)
def test_any_history_keeps_the_sentences(
    history: list[list[tuple[int, Order] | None]], port: int, postgres: Postgres
) -> None:
    posted = play(history, port, postgres)
    assert broken_sentences(postgres, posted) == []
    # Lost connections are outlived, and nothing else is an error.
    assert {answer.status for _, _, answer in posted} <= {201, 400, 404, 409, 422}


_HISTORY: list[list[tuple[int, Order] | None]] = [[(0, ORDER), (1, ORDER)], [(0, ORDER)]]


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("DELETE FROM outbox; DELETE FROM transfers WHERE idempotency_key LIKE '%-0'", ["balances", "acknowledged"]),
        ("UPDATE accounts SET balance = balance + 1 WHERE id = 3", ["sum", "balances"]),
        ("UPDATE transfers SET amount = amount + 1", ["balances", "acknowledged"]),
        (
            "INSERT INTO transfers SELECT gen_random_uuid(), idempotency_key || '-2', 3, 4, 1 FROM transfers LIMIT 1",
            ["balances"],
        ),
        (
            """ALTER TABLE transfers DROP CONSTRAINT transfers_idempotency_key_key;
            INSERT INTO transfers SELECT gen_random_uuid(), idempotency_key, 3, 4, 1 FROM transfers LIMIT 1""",
            ["balances", "acknowledged", "keys"],
        ),
    ],
    ids=["lost", "changed", "other body", "double", "key twice"],
)
def test_the_sentences_notice_a_fault(service: Running, postgres: Postgres, fault: str, broken: list[str]) -> None:
    posted = play(_HISTORY, service.port, postgres)
    assert broken_sentences(postgres, posted) == []
    postgres.ask(fault)
    try:
        assert set(broken_sentences(postgres, posted)) >= set(broken)
    finally:
        postgres.empty()
        unique = "transfers_idempotency_key_key UNIQUE (idempotency_key)"
        postgres.ask(
            f"ALTER TABLE transfers DROP CONSTRAINT IF EXISTS transfers_idempotency_key_key, ADD CONSTRAINT {unique}"
        )


def test_the_sentences_notice_an_answer_before_the_commit(
    service: Running, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = transfers._commit

    async def answer_without(connection: Connection, **order: Any) -> transfers.Transfer:
        async with connection.transaction(force_rollback=True):
            return await commit(connection, **order)

    monkeypatch.setattr(transfers, "_commit", answer_without)
    posted = play(_HISTORY, service.port, postgres)
    monkeypatch.undo()
    assert "acknowledged" in broken_sentences(postgres, posted)
