"""The client of the reference service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from breakwater_drills.bank import Bank, Transfer, find
from breakwater_drills.errors import DrillError, RequestError
from breakwater_drills.http import Answer, Requests
from breakwater_drills.invariant import THERE
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import target
from drills_testing.service import FakeService, bank_of, broken


def test_a_transfer_without_an_answer_is_asked_for_again_with_the_same_key(service: FakeService, bank: Bank) -> None:
    service.answer_lost = True
    with pytest.raises(RequestError, match="ReadTimeoutError"):
        bank.transfer(10)
    assert bank.unknown == {10}
    asked = service.asked
    bank.settle(0.0)
    assert service.asked == asked + 10, "only what was acknowledged is asked for once more"
    bank.settle(2.0)
    assert bank.unknown == {10}, "it may be there or not"
    assert broken(service, bank) == {}
    service.answer_lost = False
    bank.settle(2.0)
    assert (bank.unknown, 10 in bank.acknowledged) == (set(), True)
    assert broken(service, bank) == {}


def test_unknown_transfers_are_asked_for_beside_everything_else(service: FakeService) -> None:
    clock = SimulatedClock()
    bank = bank_of(service, clock)
    bank.watch()
    service.refuses = 503
    for number in range(3):
        with pytest.raises(RequestError, match="503"):
            bank.transfer(number)
    clock.sleep(2.0)
    assert (bank.unknown, service.asked) == ({0, 1, 2}, 3 + 3), "one that gets no answer is enough to wait"
    service.refuses = 0
    clock.sleep(1.0)
    assert set(bank.acknowledged) == {0, 1, 2}
    service.refuses = 503
    with pytest.raises(RequestError, match="503"):
        bank.transfer(3)
    bank.settle(1.0)
    asked = service.asked
    clock.sleep(5.0)
    assert service.asked == asked


def test_a_refused_transfer_is_known_not_to_be_there(service: FakeService) -> None:
    service.refuses, bank = 409, bank_of(service, SimulatedClock())
    with pytest.raises(RequestError, match="409"):
        bank.transfer(10)
    assert (bank.refused, bank.unknown) == ({10: 409}, set())
    service.refuses = 500
    with pytest.raises(RequestError, match="500"):
        bank.transfer(11)
    assert bank.unknown == {11}
    service.refuses = 422
    bank.settle(1.0)
    assert bank.refused[11] == 422
    assert broken(service, bank) == {}
    service.refuses = 0
    service.post("", bank.planned(10).body, {"Idempotency-Key": bank.key(10)})
    assert broken(service, bank)[THERE] == "1 transfers are not: drill-run1-10 is there, and was refused with 409"


def test_a_transfer_is_the_same_whenever_it_is_asked_for(bank: Bank) -> None:
    assert bank.planned(7) == bank.planned(7)
    assert bank.planned(7).body != bank.planned(8).body
    planned = [bank.planned(number) for number in range(500)]
    assert not [each for each in planned if each.source == each.destination]
    assert {each.id for each in planned} == {""}
    for name, most in (("source", 50), ("destination", 50), ("amount", 9)):
        assert {getattr(each, name) for each in planned} == set(range(1, most + 1))


@pytest.mark.parametrize(("answer", "error"), [(Answer(503, {}), "503"), (Answer(200, {"balance": "9"}), "no balance")])
def test_a_balance_is_a_number(
    service: FakeService, bank: Bank, monkeypatch: pytest.MonkeyPatch, answer: Answer, error: str
) -> None:
    bank.balance(49)
    monkeypatch.setattr(service, "get", lambda _: answer)
    with pytest.raises(RequestError, match=f"^{error}$"):
        bank.balance(0)


def failing(_self: object, _path: str) -> Answer:
    raise RequestError("NewConnectionError")


@pytest.mark.parametrize(
    ("get", "recognized"),
    [
        (lambda *_: Answer(200, {"paths": {"/transactions": {}}}), True),
        (lambda *_: Answer(200, {"paths": {"/other": {}}}), False),
        (lambda *_: Answer(404, {"paths": {"/transactions": {}}}), False),
        (lambda *_: Answer(200, {}), False),
        (failing, False),
    ],
)
def test_the_service_is_recognized_by_the_interface_that_it_describes(
    monkeypatch: pytest.MonkeyPatch, get: Callable[..., Answer], recognized: bool
) -> None:
    asked: list[str] = []

    def answer(requests: object, path: str) -> Answer:
        asked.append(path)
        return get(requests, path)

    monkeypatch.setattr(Requests, "get", answer)
    on = target()
    assert (find(on, "r", SimulatedClock()) is not None) is recognized
    object.__setattr__(on.service, "transfers", True)
    assert asked == ["/openapi.json"]
    if recognized:
        assert find(on, "r", SimulatedClock())
    else:
        with pytest.raises(DrillError, match=r"/openapi\.json does not describe /transactions: .* Nothing was broken$"):
            find(on, "r", SimulatedClock())


@pytest.mark.parametrize(("status", "answers"), [(200, True), (399, True), (400, False), (0, False)])
def test_a_service_answers_when_its_address_does(bank: Bank, status: int, answers: bool) -> None:
    class Client(FakeService):
        def get(self, path: str) -> Answer:
            assert path == ""
            return Answer(status, {}) if status else failing(self, path)

    bank.requests = Client()
    assert bank.answers() is answers


def test_a_transfer_is_worded_as_the_service_words_it() -> None:
    assert Transfer("x", 1, 2, 5).body == {"from": 1, "to": 2, "amount": 5}
