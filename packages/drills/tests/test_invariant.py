"""The invariant that the transfers must leave: whatever breaks it turns it red."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater_drills import invariant
from breakwater_drills.bank import Bank, Transfer
from breakwater_drills.errors import RequestError
from breakwater_drills.http import Answer
from breakwater_drills.invariant import EXPLAINED, MONEY, ONCE, THERE, Ledger
from drills_testing.clock import SimulatedClock
from drills_testing.service import FAULTS, Change, FakeService, bank_of, broken, changed


def test_money_is_conserved_by_a_service_that_works(service: FakeService, bank: Bank) -> None:
    bank.settle(1.0)
    assert broken(service, bank) == {}
    assert Ledger(service.query, bank).found == set(range(10))
    assert service.asked == 20  # each is asked for again, and answered as before


@pytest.mark.parametrize(
    ("change", "sentences", "why"),
    [
        (changed("DELETE FROM transfers WHERE <first>"), {EXPLAINED, THERE}, "1 transfers are not: drill-run1-0 is"),
        (changed("INSERT INTO transfers SELECT * FROM transfers WHERE <first>"), {EXPLAINED, ONCE}, "1 keys are not: "),
        (changed("UPDATE accounts SET balance = balance + 5 WHERE id = 7"), {MONEY, EXPLAINED}, "a difference of +5"),
        (changed("UPDATE accounts SET opening = opening - 5 WHERE id = 7"), {MONEY, EXPLAINED}, "1 balances are not: "),
        (changed("UPDATE transfers SET id = 'other' WHERE <first>"), {THERE}, "drill-run1-0 is Transfer(id='other'"),
        (changed("UPDATE transfers SET amount = 77 WHERE <first>"), {EXPLAINED, THERE}, "amount=77"),
    ],
)  # fmt: skip
def test_a_change_behind_the_service_turns_it_red(
    service: FakeService, bank: Bank, change: Change, sentences: set[str], why: str
) -> None:
    change(service)
    found = broken(service, bank)
    assert set(found) == sentences
    assert why in "; ".join(found.values())


def test_without_accounts_there_is_no_money_to_conserve(service: FakeService, bank: Bank) -> None:
    changed("DELETE FROM accounts")(service)
    assert broken(service, bank) == {MONEY: "there is no account"}


def test_many_violations_are_counted_and_three_are_named(service: FakeService, bank: Bank) -> None:
    changed("DELETE FROM transfers")(service)
    names = "; ".join(f"drill-run1-{number} is missing" for number in range(3))
    assert broken(service, bank)[THERE] == f"10 transfers are not: {names}; and 7 more"
    told = invariant.broken(Ledger(service.query, bank).checks("the copy"))
    assert told[1] == f"the copy: not true that {THERE}: 10 transfers are not: {names}; and 7 more"


def test_three_violations_are_all_named(service: FakeService, bank: Bank) -> None:
    changed("DELETE FROM transfers WHERE idempotency_key < 'drill-run1-3'")(service)
    names = "; ".join(f"drill-run1-{number} is missing" for number in range(3))
    assert broken(service, bank)[THERE] == f"3 transfers are not: {names}"


def test_what_was_acknowledged_in_the_window_of_loss_need_not_be_there(service: FakeService, bank: Bank) -> None:
    changed("DELETE FROM transfers WHERE idempotency_key IN ('drill-run1-8', 'drill-run1-9')")(service)
    at = bank.acknowledged[8].at
    assert THERE in broken(service, bank)
    assert THERE in broken(service, bank, (at + 0.001, math.inf))
    assert THERE in broken(service, bank, (0.0, at - 0.001))
    assert THERE not in broken(service, bank, (at, math.inf))
    assert THERE not in broken(service, bank, (at, bank.acknowledged[9].at))
    changed("UPDATE transfers SET amount = 99 WHERE idempotency_key = 'drill-run1-0'")(service)
    assert THERE in broken(service, bank, (0.0, math.inf)), "what is there must be what was acknowledged"


def test_more_transfers_than_one_answer_holds_are_all_read(
    service: FakeService, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def query(sql: str, **parameters: str) -> Any:
        asked.append(parameters["after"])
        return service.query(sql, **parameters)

    for size, after in (
        (3, ["", *(f"drill-run1-{number}" for number in (2, 5, 8))]),
        (5, ["", "drill-run1-4", "drill-run1-9"]),
        (11, [""]),
    ):
        monkeypatch.setattr(invariant, "_ROWS_A_PAGE", size)
        monkeypatch.setattr(invariant, "_OF_RUN", invariant._OF_RUN.rpartition(" ")[0] + f" {size}")
        asked.clear()
        assert Ledger(query, bank).found == set(range(10))
        assert asked == after


def test_transfers_of_others_are_not_compared(service: FakeService, bank: Bank) -> None:
    bank_of(service, SimulatedClock(), "run2").transfer(3)
    assert Ledger(service.query, bank).found == set(range(10))


@pytest.mark.parametrize(
    ("fault", "sentences"),
    [
        ("no unique key", {THERE, ONCE}),
        ("answer before the commit", {THERE, ONCE}),
        ("half a transfer", {MONEY, EXPLAINED}),
        ("another id when asked again", {ONCE}),
    ],
)
def test_each_fault_of_a_service_turns_it_red(service: FakeService, fault: str, sentences: set[str]) -> None:
    service.fault = fault
    bank = bank_of(service, SimulatedClock())
    for number in range(5):
        bank.transfer(number)
    bank.settle(1.0)
    assert set(broken(service, bank)) == sentences


def test_a_refusal_of_what_was_acknowledged_turns_it_red(service: FakeService, bank: Bank) -> None:
    service.refuses = 422
    bank.settle(1.0)
    assert bank.refused == {}
    assert "drill-run1-0 was refused with 422, and first answered with Transfer(" in broken(service, bank)[ONCE]


def test_an_answer_of_another_transfer_turns_it_red(service: FakeService, bank: Bank) -> None:
    real = service.post
    service.post = lambda *args: real(*args)._replace(fields={"id": "x", "from": 1, "to": "2"})  # type: ignore[method-assign]
    bank.transfer(20)
    told = broken(service, bank)
    assert "drill-run1-20 was answered with {'from': 1, 'to': -1, 'amount': -1}, not" in told[ONCE]
    assert THERE in told
    service.post = lambda *_: Answer(201, {})  # type: ignore[method-assign]
    bank.transfer(21)
    assert bank.acknowledged[21].transfer == Transfer("", -1, -1, -1)


# What happens to each transfer: whether its answer is lost, or it is refused; and whether the service is at fault then.
events = st.lists(st.tuples(st.sampled_from(["", "lost", "503"]), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(events, st.sampled_from(["", *FAULTS]))
def test_it_is_red_when_the_service_was_at_fault_and_only_then(happened: list[tuple[str, bool]], fault: str) -> None:
    service = FakeService()
    bank = bank_of(service, SimulatedClock())
    for number, (what, wrong) in enumerate(happened):
        service.fault = fault if wrong else ""
        service.answer_lost, service.refuses = what == "lost", 503 * (what == "503")
        try:
            bank.transfer(number)
        except RequestError:
            assert what
    service.answer_lost, service.refuses = False, 0
    bank.settle(5.0)
    assert bool(broken(service, bank)) == service.wrong
    assert service.wrong or not (bank.unknown or bank.refused)


def test_what_cannot_be_read_is_not_known_to_hold() -> None:
    assert [check.broken for check in invariant.unread("the copy", "because")] == ["unknown: because"] * 4
