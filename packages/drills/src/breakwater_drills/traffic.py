"""The clients of the service during a drill: what they ask, what they saw, and what their transfers must have left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from breakwater_drills import invariant, probes
from breakwater_drills.bank import BALANCE, TRANSFER, Bank, find
from breakwater_drills.clock import Clock
from breakwater_drills.errors import one_line
from breakwater_drills.measure import Client, Sample, client
from breakwater_drills.sampler import INTERVAL_SECONDS, Probe
from breakwater_drills.target import Target

PER_SECOND: Final = 1 / INTERVAL_SECONDS
# After a recovery the service knows each transfer within the time for which it tries itself (10 s), and some more.
_SETTLE_SECONDS: Final = 30.0
_SERVED: Final = (
    "this machine: processes of the service behind the load balancer of the embedded AWS; no Fargate, no network"
)
_UNSERVED: Final = "not measured: nothing answers at the address of the service, since no task of it runs here"
_NO_TRANSFERS: Final = "not measured: the service is not the reference service"


class Traffic:
    """The clients of one drill.

    Args:
        target: the deployed service.
        run: id of the drill's run.
        clock: of the drill.
        query: asks the database of the service.
        per_second: how many transfers are asked for.

    Attributes:
        bank: client of the reference service; None when the service is another one, and before `find`.
        probes: what the clients ask.
    """

    def __init__(self, target: Target, run: str, clock: Clock, query: invariant.Query, per_second: float) -> None:
        self._target, self._run, self._clock, self._query, self._per_second = target, run, clock, query, per_second
        self.bank: Bank | None = None
        self.probes: list[Probe] = []

    @property
    def heartbeat_interval(self) -> float:
        """How long after the one before a heartbeat of a store is due, in seconds.

        Transfers say more of the stores than heartbeats do, so there are fewer of these beside them.
        """
        return 2 * INTERVAL_SECONDS if self.bank else INTERVAL_SECONDS

    def find(self, announce: Callable[[str], None]) -> None:
        """Find out what the service is, and what it can be asked.

        Args:
            announce: called with what cannot be measured.

        Raises:
            DrillError: it must be the reference service, and is not.
        """
        self.bank = find(self._target, self._run, self._clock)
        if self.bank:
            self.bank.watch()
            self.probes = [*probes.bank(self.bank, self._per_second)]
        elif self._target.emulated and not Bank(self._target, self._run, self._clock).answers():
            self.probes = []
        else:
            self.probes = [probes.service(self._target)]
        for name, where in self.parts().items():
            if where in (_UNSERVED, _NO_TRANSFERS):
                announce(f"{name}: {where}")

    def parts(self) -> dict[str, str]:
        """Return what is not measured of the service, and where it runs if that is not AWS."""
        where = {"service": _SERVED if self.probes else _UNSERVED} if self._target.emulated else {}
        return {**where, **({} if self.bank else {"transfers": _NO_TRANSFERS})}

    def asked(self, samples: Sequence[Sample]) -> list[Sample]:
        """Return the requests of the service, the transfers first."""
        return [each for name in (TRANSFER, BALANCE, probes.SERVICE) for each in samples if each.probe == name]

    def clients(self, samples: Sequence[Sample], fault: float) -> list[Client]:
        """Return what the clients saw from the fault on, that of transfers first."""
        return [client(list(each), fault) for _, each in groupby(self.asked(samples), attrgetter("probe"))]

    @cached_property
    def ledger(self) -> invariant.Ledger:
        """The transfers in the database, when each unanswered one has been asked for again."""
        bank = self.bank or Bank(self._target, self._run, self._clock)
        bank.settle(_SETTLE_SECONDS)
        return invariant.Ledger(self._query, bank)

    def checks(self, lost: tuple[float, float] | None) -> list[invariant.Check]:
        """Return whether the bank invariant holds at the end; nothing without transfers.

        Args:
            lost: between which times an acknowledgment may be lost, in seconds since 1970; None for never.
        """
        if not self.bank:
            return []
        try:
            return self.ledger.checks("the database", lost=lost)
        except (ClientError, BotoCoreError) as error:
            return invariant.unread("the database", one_line(error))
