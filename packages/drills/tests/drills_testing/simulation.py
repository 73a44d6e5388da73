"""A simulated platform whose truth is known: how long it is away, which writes it loses, and which lies it tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ReadTimeoutError

from breakwater_drills.sampler import LIMIT_SECONDS
from breakwater_drills.target import Target
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import SERVICES, refused, target
from drills_testing.service import FakeService

STORES = ("Aurora", "DynamoDB")
STARTED = 0.02  # seconds that a call of the control plane takes


@dataclass(frozen=True)
class Scenario:
    """What happens; times are in seconds after the fault.

    Attributes:
        away_from: when the database goes away.
        away: how long it is away.
        failure: what a client sees of that: `refuse`, `hang`, or `slow`, an answer that comes when it has given up.
        flap: a time from the beginning of the outage; for 0.2 s from then on everything works.
        reported: when RDS says that the failover is over, true or not.
        lost: from when to when the writes were acknowledged that are lost; None for none.
        loser: the store that loses them.
        kept_unacknowledged: whether writes whose answers fail are kept nonetheless.
        unread: the store that cannot be read after the drill; empty for none.
        latency: of a request.
    """

    away_from: float = 0.0
    away: float = 0.0
    failure: str = "refuse"
    flap: float | None = None
    reported: float = 1.0
    lost: tuple[float, float] | None = None
    loser: str = "Aurora"
    kept_unacknowledged: bool = False
    unread: str = ""
    latency: float = 0.01


class World:
    """The platform: a client of any service, and the truth.

    Attributes:
        fault: when the failover was requested.
        committed: for each store, the number of each write that was ever made, when, and whether it was acknowledged.
        service: the reference service, for tests that measure it.
        stale_until: when a client last read what had been acknowledged and is lost.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.clock = scenario, SimulatedClock()
        self.fault: float | None = None
        self.committed: dict[str, dict[int, tuple[float, bool]]] = {store: {} for store in STORES}
        self.stale_until = 0.0
        self.exceptions = self
        self.service = FakeService()

    # --- the truth

    def lost(self, store: str) -> set[int]:
        """Return the numbers of the acknowledged writes that the store has lost by now."""
        window = self.scenario.lost
        if window is None or self.fault is None or store != self.scenario.loser or self.since() < max(window[1], 0.0):
            return set()
        writes = self.committed[store].items()
        return {number for number, (at, ok) in writes if ok and window[0] <= at - self.fault <= window[1]}

    def rto(self) -> float:
        """Return for how long a client was without what it needs."""
        end = self.scenario.away_from + self.scenario.away if self.scenario.away else 0.0
        return max(end, self.stale_until - (self.fault or 0.0) if self.stale_until else 0.0)

    def rpo(self) -> float:
        """Return how much time the lost writes span, from the first moment of which nothing is kept."""
        at = [self.committed[store][number][0] for store in STORES for number in self.lost(store)]
        return max(at) - (self.fault or 0.0) - self.scenario.lost[0] if at and self.scenario.lost else 0.0

    def since(self) -> float:
        """Return the seconds since the fault; negative before there is one."""
        return -1.0 if self.fault is None else self.clock.now() - self.fault

    # --- what a client gets

    def _answer(self, store: str, action: Callable[[bool], Any]) -> Any:
        """Do something as the scenario has it; `action` is told whether its answer arrives."""
        if store != "Aurora" or not self._away():
            self.clock.sleep(self.scenario.latency)
            return action(True)
        if self.scenario.kept_unacknowledged:
            action(False)
        if self.scenario.failure == "hang":
            self.clock.sleep(LIMIT_SECONDS)
            raise ReadTimeoutError(endpoint_url="simulated")
        if self.scenario.failure == "slow":
            self.clock.sleep(LIMIT_SECONDS + 1.0)
            return action(False)
        self.clock.sleep(self.scenario.latency)
        raise refused("DatabaseUnavailableException", "ExecuteStatement")

    def _away(self) -> bool:
        at, scenario = self.since() - self.scenario.away_from, self.scenario
        flaps = scenario.flap is not None and scenario.flap <= at < scenario.flap + 0.2
        return 0.0 <= at < scenario.away and not flaps and self.fault is not None

    def _write(self, store: str, number: int) -> Callable[[bool], Any]:
        def action(acknowledged: bool) -> dict[str, Any]:
            self.committed[store][number] = (self.clock.now(), acknowledged)
            return {}

        return action

    def _numbers(self, store: str, *, consistent: bool = True) -> set[int]:
        """Return what a reader finds; without consistency, nothing of the last second."""
        old = self.clock.now() - (0.0 if consistent else 1.0)
        there = {number for number, (at, _) in self.committed[store].items() if at <= old}
        lost = self.lost(store)
        acknowledged = {number for number, (_, ok) in self.committed[store].items() if ok}
        if lost and max(acknowledged) in lost:
            self.stale_until = self.clock.now()
        return there - lost

    def _read_back(self, store: str) -> None:
        if self.scenario.unread == store:
            raise refused("AccessDeniedException", "Read")

    # --- RDS Data API

    def execute_statement(self, sql: str, parameters: Any = None, **_: Any) -> dict[str, Any]:
        """Do what the statements of the drill ask for."""
        if "accounts" in sql or "transfers" in sql:
            texts = {each["name"]: each["value"]["stringValue"] for each in parameters or []}
            return {"records": self.service.query(sql, **texts)}
        value = int(parameters[0]["value"].get("longValue", -1)) if parameters else -1
        if sql.startswith("INSERT"):
            return dict(self._answer("Aurora", self._write("Aurora", value)))
        if sql.startswith("SELECT max"):
            answer = self._answer("Aurora", lambda _: max(self._numbers("Aurora"), default=None))
            return {"records": [[{"isNull": True} if answer is None else {"longValue": answer}]]}
        if sql.startswith("SELECT number"):
            self._read_back("Aurora")
            rows = sorted(number for number in self._numbers("Aurora") if number > value)
            return {"records": [[{"longValue": number}] for number in rows[:10_000]]}
        return {"records": []}

    # --- DynamoDB

    def put_item(self, **request: Any) -> Any:
        """Keep an item, unless it expires at once."""
        item = request["Item"]
        (expires,) = (value["N"] for name, value in item.items() if name not in ("pk", "sk"))
        kept, number = int(expires) > time.time() + 3600, int(item["sk"]["S"])
        return self._answer("DynamoDB", self._write("DynamoDB", number) if kept else lambda _: {})

    def get_item(self, **request: Any) -> Any:
        """Return an item."""
        number = int(request["Key"]["sk"]["S"])

        def action(_: bool) -> dict[str, Any]:
            if number in self.lost("DynamoDB"):
                self.stale_until = self.clock.now()
            return {"Item": request["Key"]} if number in self._items(request) else {}

        return self._answer("DynamoDB", action)

    def query(self, **request: Any) -> dict[str, Any]:
        """Return all items."""
        self._read_back("DynamoDB")
        return {"Items": [{"pk": {"S": "drill"}, "sk": {"S": f"{each:010d}"}} for each in self._items(request)]}

    def _items(self, request: dict[str, Any]) -> set[int]:
        return self._numbers("DynamoDB", consistent=request.get("ConsistentRead", False))

    def batch_write_item(self, **_: Any) -> dict[str, Any]:
        """Remove items."""
        return {"UnprocessedItems": {}}

    # --- RDS

    def failover_db_cluster(self, **_: Any) -> None:
        """Begin the fault."""
        self.clock.sleep(STARTED)
        self.fault = self.clock.now()

    def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
        """Return what RDS says, which may be a lie."""
        self.clock.sleep(STARTED)
        over = self.since() >= self.scenario.reported
        members = [{"DBInstanceIdentifier": name, "IsClusterWriter": (name == "b") is over} for name in ("a", "b")]
        status = "available" if over or self.fault is None else "failing-over"
        return {"DBClusters": [{"DBClusterIdentifier": "c", "Status": status, "DBClusterMembers": members}]}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """Return the service of ECS."""
        return SERVICES

    def get_paginator(self, operation: str) -> Any:
        """Return the one page that there is."""
        world = self

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                if operation == "query":
                    return iter([world.query(**request)])
                nothing = ("DBClusters", "DBClusterSnapshots", "TableNames", "taskDefinitionArns")
                return iter([{"DBInstances": [{"DBInstanceStatus": "available"}], **{name: [] for name in nothing}}])

        return Paginator()


def simulated(world: World) -> Target:
    """Return the simulated platform as a deployed service, emulated so that there is no load balancer to ask."""
    return replace(target(), new_client=lambda _service, **_: world, emulated=True)
