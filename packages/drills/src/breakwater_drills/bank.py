"""A client of the reference service: it transfers money with a key for each transfer, and remembers every answer."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Final

from breakwater_drills.clock import Clock
from breakwater_drills.errors import DrillError, RequestError
from breakwater_drills.http import Answer, Asks, Requests
from breakwater_drills.target import Target

TRANSFER: Final = "transfer"
BALANCE: Final = "balance"
PATH: Final = "/transactions"
_ACCOUNTS: Final = 50  # that the service begins with, numbered from 1
_CREATED: Final = 201
# The last acknowledged transfers are asked for once more at the end: so many, since each costs a request.
_REPEATED: Final = 20
_ASK_AGAIN_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Transfer:
    """What the service says of one transfer.

    Attributes:
        id: that the service gave it.
        source: number of the account that pays.
        destination: number of the account that is paid.
        amount: in minor units.
    """

    id: str
    source: int
    destination: int
    amount: int

    @property
    def body(self) -> dict[str, int]:
        """The request for it."""
        return {"from": self.source, "to": self.destination, "amount": self.amount}


@dataclass(frozen=True)
class Acknowledged:
    """An acknowledged transfer.

    Attributes:
        transfer: as it was acknowledged.
        at: when, in seconds since 1970.
    """

    transfer: Transfer
    at: float


class Bank:
    """Transfers money, one request for each number, and asks again for what was not answered.

    Args:
        target: the deployed service.
        run: id of the drill's run.
        clock: of the drill.

    Attributes:
        requests: asks the service.
        acknowledged: for each number, the first acknowledgment.
        unknown: numbers of the requests whose answer never came, or said nothing certain.
        refused: for each number that was refused for certain, the status.
        unequal: sentences about answers that differ from what was sent, or from an earlier answer.
    """

    def __init__(self, target: Target, run: str, clock: Clock) -> None:
        self.requests: Asks = Requests(target.service)
        self._run, self._clock = run, clock
        self.acknowledged: dict[int, Acknowledged] = {}
        self.unknown: set[int] = set()
        self.refused: dict[int, int] = {}
        self.unequal: list[str] = []
        self._lock = threading.Lock()
        self._ended = False

    # --- what a client does

    def transfer(self, number: int) -> None:
        """Transfer money.

        Raises:
            RequestError: there was no answer, or one that is no acknowledgment.
        """
        try:
            self._transfer(number)
        except RequestError:
            with self._lock:
                if number not in self.refused:
                    self.unknown.add(number)
            raise

    def balance(self, number: int) -> None:
        """Read the balance of an account.

        Raises:
            RequestError: there was no answer, or one without a balance.
        """
        answer = self.requests.get(f"/accounts/{number % _ACCOUNTS + 1}")
        if answer.status != 200:
            raise RequestError(str(answer.status))
        if not isinstance(answer.fields.get("balance"), int):
            raise RequestError("no balance")

    def answers(self) -> bool:
        """Return whether the service answers its address below 400."""
        try:
            return self.requests.get("").status < 400
        except RequestError:
            return False

    def recognized(self) -> bool:
        """Return whether the service is the reference service, by the interface that it describes."""
        try:
            answer = self.requests.get("/openapi.json")
        except RequestError:
            return False
        paths = answer.fields.get("paths") if answer.status == 200 else None
        return isinstance(paths, dict) and PATH in paths

    # --- what is not known yet

    def watch(self) -> None:
        """Ask again for unknown transfers, beside everything else, until `settle`."""

        def work() -> None:
            while not self._ended:
                self._clock.sleep(_ASK_AGAIN_SECONDS)
                self._ask_again()

        self._clock.start(work)

    def settle(self, timeout_seconds: float) -> None:
        """Ask for all unknown transfers until they are known, then for the last acknowledged ones once more.

        Args:
            timeout_seconds: how long to go on.
        """
        self._ended = True
        deadline = self._clock.now() + timeout_seconds
        while self.unknown and self._clock.now() < deadline:
            if not self._ask_again():
                self._clock.sleep(_ASK_AGAIN_SECONDS)
        for number in sorted(self.acknowledged)[-_REPEATED:]:
            self._ask(number)

    def key(self, number: int) -> str:
        """Return the key of a transfer, by which the service knows it again."""
        return f"{self.prefix}{number}"

    @property
    def prefix(self) -> str:
        """What the keys of this run begin with."""
        return f"drill-{self._run}-"

    def planned(self, number: int) -> Transfer:
        """Return what is transferred under a number; each run asks for the same again."""
        chosen = random.Random(self.key(number))  # noqa: S311 (nobody must not guess it)
        source, destination = chosen.sample(range(1, _ACCOUNTS + 1), 2)
        return Transfer("", source, destination, chosen.randint(1, 9))

    def _ask_again(self) -> bool:
        """Ask for each transfer that is unknown, up to the first that the service does not answer.

        Returns:
            Whether it answered all.
        """
        return all(self._ask(number) for number in sorted(self.unknown))

    def _ask(self, number: int) -> bool:
        """Ask once more for a transfer; return whether there was a certain answer."""
        try:
            self._transfer(number)
        except RequestError:
            return number in self.refused
        return True

    def _transfer(self, number: int) -> None:
        planned = self.planned(number)
        answer = self.requests.post(PATH, planned.body, {"Idempotency-Key": self.key(number)})
        if answer.status == _CREATED:
            self._acknowledge(number, planned, answer)
            return
        if answer.status < 500:
            self._refuse(number, answer.status)
        raise RequestError(str(answer.status))

    def _refuse(self, number: int, status: int) -> None:
        with self._lock:
            self.unknown.discard(number)
            first = self.acknowledged.get(number)
            if not first:
                self.refused[number] = status
        if first:
            self.unequal.append(
                f"{self.key(number)} was refused with {status}, and first answered with {first.transfer}"
            )

    def _acknowledge(self, number: int, planned: Transfer, answer: Answer) -> None:
        told = answer.fields
        transfer = Transfer(str(told.get("id", "")), *(_integer(told.get(name)) for name in planned.body))
        with self._lock:
            self.unknown.discard(number)
            first = self.acknowledged.setdefault(number, Acknowledged(transfer, self._clock.now()))
        if transfer.body != planned.body:
            self.unequal.append(f"{self.key(number)} was answered with {transfer.body}, not {planned.body}")
        if transfer != first.transfer:
            self.unequal.append(f"{self.key(number)} was answered with {transfer}, and first with {first.transfer}")


def _integer(value: object) -> int:
    return value if isinstance(value, int) else -1


def find(target: Target, run: str, clock: Clock) -> Bank | None:
    """Return a client of the reference service; None when the service is another one.

    Args:
        target: the deployed service.
        run: id of the drill's run.
        clock: of the drill.

    Raises:
        DrillError: it must be the reference service, and does not answer as that does.
    """
    bank = Bank(target, run, clock)
    if bank.recognized():
        return bank
    if target.service.transfers:
        raise DrillError(
            f"{target.service.url}/openapi.json does not describe {PATH}: the service does not answer as the reference "
            "service does; check its tasks and the load balancer's targets. Nothing was broken"
        )
    return None
