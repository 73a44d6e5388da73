"""Interleavings of failovers: lost answers, invocations that end at any step, and requesters at the same time.

Each invocation runs in a thread that stops before every request to AWS. Hypothesis decides which one goes on, and what
becomes of its request; the real code decides, claims, asks and records.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum, auto
from itertools import chain, pairwise
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.aurora import Cluster, Instance
from failover.execution import Failover, FailoverRequest
from tests.lambdas.account import CLUSTER, LIMITS, FakeClock, MemoryTable, claims_of_the_cluster

FIRST, SECOND = f"{CLUSTER}-1", f"{CLUSTER}-2"
INVOCATION_SECONDS = 90.0
# Requests, one of them by two invocations at the same time.
SLOTS = ("A", "A", "B", "C")


class _Fate(Enum):
    """What becomes of a request to AWS."""

    SERVED = auto()
    ANSWER_LOST = auto()
    NOT_SERVED = auto()
    DEAD_BEFORE = auto()
    DEAD_AFTER = auto()


# Seconds that all wait, by the fate that the move names.
WAITS = dict(zip(_Fate, (1.0, 30.0, 90.0, 300.0, 700.0), strict=True))


class _Dead(BaseException):
    """Lambda has ended the invocation."""


class _Accepted(NamedTuple):
    """A failover that RDS has accepted: when, for which request, to which instance, and the start of the claim."""

    at: float
    request: str
    target: str
    claimed_at: float


class _World:
    """An account with a cluster whose failover shows after a delay, and has a new writer after a duration (seconds)."""

    def __init__(self, delay: float, duration: float) -> None:
        self.clock, self.table = FakeClock(), MemoryTable()
        self.delay, self.duration = delay, duration
        self.accepted: list[_Accepted] = []
        self.invocations: list[_Invocation] = []

    def describe(self) -> Cluster:
        writer, status = FIRST, "available"
        for each in self.accepted:
            if self.clock.now >= each.at + self.duration:
                writer = each.target
            elif self.clock.now >= each.at + self.delay:
                status = "failing-over"
        instances = [Instance(name, name[-1], "available", is_writer=name == writer) for name in (FIRST, SECOND)]
        return Cluster(CLUSTER, status, tuple(instances))

    def fail_over(self, request: str, target: str) -> None:
        running = any(self.clock.now < each.at + self.duration for each in self.accepted)
        if running or any(each.is_writer and each.identifier == target for each in self.describe().instances):
            error: Any = {"Error": {"Code": "InvalidDBClusterStateFault", "Message": "not now"}}
            raise ClientError(error, "FailoverDBCluster")
        claim = claims_of_the_cluster(self.table).latest()
        assert claim is not None
        self.accepted.append(_Accepted(self.clock.now, request, target, claim.started_at))

    def start(self, request: str) -> _Invocation:
        """Start an invocation, which stops before its first request to AWS."""
        self.invocations.append(started := _Invocation(self, request))
        return started


class _Invocation:
    """One invocation of the function for a request, in a thread of its own."""

    def __init__(self, world: _World, request: str) -> None:
        self.request, self._world = request, world
        self.ends_at = world.clock.now + INVOCATION_SECONDS
        self.response: dict[str, Any] | None = None
        self.error: BaseException | None = None
        self.done, self.served, self.undisturbed, self.metrics = False, False, True, list[str]()
        self._fate, self._turn, self._back = _Fate.SERVED, threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._run, daemon=True).start()
        self._back.acquire()

    def go_on(self, fate: _Fate) -> None:
        """Let the invocation make its next request, and run until the one after it."""
        self._fate = fate
        self._turn.release()
        self._back.acquire()

    def _run(self) -> None:
        claims, clock = claims_of_the_cluster(_Table(self._world.table, self)), self._world.clock
        failover = _Failover(self, self, self, claims, LIMITS, 60, "Breakwater", "test", clock, self._sleep)
        try:
            self.response = failover.run(FailoverRequest(CLUSTER, "a drill", self.request), INVOCATION_SECONDS)
        except BaseException as error:  # noqa: BLE001 (the test judges it)
            self.error = error
        self.served, self.done = any(each.request == self.request for each in self._world.accepted), True
        self._back.release()

    def call(self, serve: Callable[[], Any], *, repeated: bool = True) -> Any:
        """Make a request to AWS; the SDK repeats one whose answer is lost."""
        self._back.release()
        self._turn.acquire()
        fate = self._fate if self._world.clock.now <= self.ends_at else _Fate.DEAD_BEFORE
        self.undisturbed &= fate is _Fate.SERVED
        if fate is _Fate.DEAD_BEFORE:
            raise _Dead
        if fate is _Fate.NOT_SERVED:
            raise ReadTimeoutError(endpoint_url="https://aws")
        answer = None
        try:
            answer = serve()
        except ClientError:
            if fate is _Fate.SERVED:
                raise
        if fate is _Fate.DEAD_AFTER:
            raise _Dead
        if fate is _Fate.ANSWER_LOST and not repeated:
            raise ReadTimeoutError(endpoint_url="https://aws")
        return serve() if fate is _Fate.ANSWER_LOST else answer

    def describe(self) -> Any:
        return self.call(self._world.describe)

    def failover_db_cluster(self, DBClusterIdentifier: str, TargetDBInstanceIdentifier: str) -> None:  # noqa: N803
        assert DBClusterIdentifier == CLUSTER
        self.call(lambda: self._world.fail_over(self.request, TargetDBInstanceIdentifier), repeated=False)

    def put_metric_data(self, *, MetricData: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
        self.call(lambda: self.metrics.extend(each["MetricName"] for each in MetricData))

    def _sleep(self, seconds: float) -> None:
        until = self._world.clock.now + seconds
        self.call(lambda: setattr(self._world.clock, "now", max(self._world.clock.now, until)))


class _Failover(Failover):
    """The failover; one request stands for the three that describe the cluster."""

    def _read_cluster(self) -> Cluster:
        described: Cluster = self.rds.describe()
        return described


class _Table:
    """DynamoDB, as one invocation reaches it."""

    def __init__(self, table: MemoryTable, invocation: _Invocation) -> None:
        self._table, self._invocation = table, invocation

    def __getattr__(self, operation: str) -> Any:
        serve = getattr(self._table, operation)
        return lambda **request: self._invocation.call(lambda: serve(**request))


def _play(world: _World, moves: list[tuple[int, _Fate]]) -> None:
    """Let invocations start and go on in the order of the moves, then let all of them end."""
    live: dict[int, _Invocation] = {}
    for slot, fate in moves:
        if slot == len(SLOTS):
            world.clock.now += WAITS[fate]
        elif slot not in live or live[slot].done:
            live[slot] = world.start(SLOTS[slot])
        else:
            live[slot].go_on(fate)
    for invocation in world.invocations:
        while not invocation.done:
            invocation.go_on(_Fate.SERVED)


def _judge(world: _World) -> None:
    """Require at most one failover in a cool-down, at most one for a request, and that every outcome is told."""
    for earlier, later in pairwise(world.accepted):
        # The cool-down begins with the claim; until it ends, the invocation may ask RDS.
        assert later.claimed_at - earlier.at >= LIMITS.cool_down_seconds - INVOCATION_SECONDS
    for each in world.accepted:
        assert 0 <= each.at - each.claimed_at <= INVOCATION_SECONDS
    requests = [each.request for each in world.accepted]
    assert len(requests) == len(set(requests))
    for invocation in world.invocations:
        if not isinstance(invocation.error, _Dead):
            _judge_answer(world, invocation)


def _judge_answer(world: _World, invocation: _Invocation) -> None:
    told, own = invocation.response, [each for each in world.accepted if each.request == invocation.request]
    if told is None:
        assert isinstance(invocation.error, (ClientError, BotoCoreError))
        assert not invocation.undisturbed
    elif told["outcome"] == "refused":
        assert not invocation.served or told["code"] == "superseded"
    else:
        assert told["new_writer"] == own[0].target
        assert 0 <= own[0].at - told["started_at"] <= INVOCATION_SECONDS
        succeeded = told["outcome"] == "succeeded"
        assert not succeeded or told["finished_at"] >= own[0].at + world.duration
        assert {*invocation.metrics} <= {metric := "FailoverSeconds" if succeeded else "FailoverNotDone"}
        assert metric in chain(*(each.metrics for each in world.invocations if each.request == invocation.request))


MOVES = st.lists(st.tuples(st.integers(0, len(SLOTS)), st.sampled_from([*[_Fate.SERVED] * 8, *_Fate])), max_size=70)


# A claims and dies; 90 s later it has read its claim anew, B takes over the claim, and only then A renews it.
_S, _READ = _Fate.SERVED, [(0, _Fate.SERVED)] * 4
LATE = [*_READ, (0, _Fate.DEAD_AFTER), (4, _Fate.NOT_SERVED), (4, _S), *_READ, *[(2, _S)] * 6, *[(0, _S)] * 9]


@example(LATE, 0.0, 20.0)
@settings(max_examples=1200, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
@given(MOVES, st.sampled_from([0.0, 3.0]), st.sampled_from([20.0, 100.0]))
def test_no_interleaving_fails_over_twice_or_locks_out(
    moves: list[tuple[int, _Fate]], delay: float, duration: float
) -> None:
    world = _World(delay, duration)
    _play(world, moves)
    _judge(world)
    # Whatever became of the invocations: once none can run any more, a claim without a failover excludes nobody.
    world.clock.now += max(INVOCATION_SECONDS, duration)
    if any(world.clock.now < each.claimed_at + LIMITS.cool_down_seconds for each in world.accepted):
        world.clock.now += LIMITS.cool_down_seconds
    last = world.start("last")
    while not last.done:
        last.go_on(_Fate.SERVED)
    _judge(world)
    assert (last.response or {})["outcome"] == ("succeeded" if duration < 60 else "timed-out")
    assert world.accepted[-1].request == "last"
