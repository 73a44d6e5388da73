"""The decision to fail over, without AWS."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from common.aurora import Cluster, Instance
from failover.logic import (
    Accepted,
    Claim,
    FailoverLimits,
    RefusalCode,
    Refused,
    cool_down_remaining,
    decide,
    has_taken_over,
)

NOW = 1_800_000_000.0
LIMITS = FailoverLimits(cluster="cluster", lag_ms=1000, cool_down_seconds=600)
WRITER = Instance("one", "a", "available", is_writer=True)
READER = Instance("two", "b", "available", is_writer=False, lag_ms=20)
CLUSTER = Cluster("cluster", "available", (WRITER, READER))


def _decide(cluster: Cluster = CLUSTER, claim: Claim | None = None, requested: str = "cluster") -> Accepted | Refused:
    return decide(requested, cluster, claim, LIMITS, NOW)


def _code(decision: Accepted | Refused) -> RefusalCode:
    assert isinstance(decision, Refused)
    assert decision.reason
    return decision.code


def test_a_healthy_reader_takes_over() -> None:
    assert _decide() == Accepted(READER)


@pytest.mark.parametrize("requested", ["other", "", "CLUSTER"])
def test_only_the_cluster_of_the_deployment_may_fail_over(requested: str) -> None:
    assert _code(_decide(requested=requested)) is RefusalCode.WRONG_CLUSTER
    assert _code(_decide(replace(CLUSTER, identifier="other"))) is RefusalCode.WRONG_CLUSTER


@pytest.mark.parametrize("status", ["failing-over", "maintenance", "upgrading", "modifying", "stopped"])
def test_not_during_another_operation(status: str) -> None:
    decision = _decide(replace(CLUSTER, status=status))
    assert _code(decision) is RefusalCode.IN_PROGRESS
    assert isinstance(decision, Refused)
    assert status in decision.reason


@pytest.mark.parametrize(("age", "refused"), [(0, True), (599, True), (599.9, True), (600, False), (6000, False)])
def test_not_within_the_cool_down(*, age: float, refused: bool) -> None:
    decision = _decide(claim=Claim("earlier", NOW - age))
    assert isinstance(decision, Refused) is refused
    if isinstance(decision, Refused):
        assert decision.code is RefusalCode.COOL_DOWN
        assert f"wait {600 - age:.0f} s" in decision.reason


def test_without_a_claim_nothing_is_waited_for() -> None:
    assert cool_down_remaining(None, LIMITS, NOW) == 0


def test_a_claim_in_the_future_comes_from_another_clock_and_counts() -> None:
    assert _code(_decide(claim=Claim("earlier", NOW + 5))) is RefusalCode.COOL_DOWN


@pytest.mark.parametrize("status", ["creating", "rebooting", "failed", "unknown"])
def test_not_without_a_healthy_reader(status: str) -> None:
    assert (
        _code(_decide(replace(CLUSTER, instances=(WRITER, replace(READER, status=status)))))
        is RefusalCode.NO_HEALTHY_READER
    )
    assert _code(_decide(replace(CLUSTER, instances=(WRITER,)))) is RefusalCode.NO_HEALTHY_READER


@pytest.mark.parametrize(("lag", "refused"), [(1000, False), (1000.1, True), (None, False)])
def test_not_to_a_reader_that_lags(*, lag: float | None, refused: bool) -> None:
    decision = _decide(replace(CLUSTER, instances=(WRITER, replace(READER, lag_ms=lag))))
    assert isinstance(decision, Refused) is refused
    if isinstance(decision, Refused):
        assert decision.code is RefusalCode.REPLICA_LAG
        assert "two 1000 ms" in decision.reason


def test_a_refusal_says_why_and_what_to_do() -> None:
    lagging = replace(
        CLUSTER, instances=(WRITER, replace(READER, lag_ms=1500), replace(READER, identifier="x", lag_ms=2000))
    )
    refusals = [
        (_decide(requested="other"), "wrong-cluster", "other is not this deployment's cluster: request cluster"),
        (
            _decide(replace(CLUSTER, status="upgrading")),
            "in-progress",
            "the cluster is upgrading: wait until it is available",
        ),
        (
            _decide(claim=Claim("earlier", NOW - 100)),
            "cool-down",
            "the last failover started less than 600 s ago: wait 500 s",
        ),
        (
            _decide(replace(CLUSTER, instances=(WRITER,))),
            "no-healthy-reader",
            "no reader is available to take over",
        ),
        (_decide(lagging), "replica-lag", "every reader lags by more than 1000 ms: two 1500 ms, x 2000 ms"),
    ]
    for decision, code, reason in refusals:
        assert isinstance(decision, Refused)
        assert (str(decision.code), decision.reason) == (code, reason)


def test_the_health_of_the_writer_does_not_matter() -> None:
    assert _decide(replace(CLUSTER, instances=(replace(WRITER, status="failed"), READER))) == Accepted(READER)
    assert _decide(replace(CLUSTER, instances=(READER,))) == Accepted(READER)


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([Instance("same-zone", "a", "available", is_writer=False, tier=0, lag_ms=1)], "two"),
        ([Instance("lower-tier", "c", "available", is_writer=False, tier=0, lag_ms=900)], "lower-tier"),
        ([Instance("less-lag", "c", "available", is_writer=False, lag_ms=1)], "less-lag"),
        ([Instance("unknown-lag", "c", "available", is_writer=False, lag_ms=None)], "two"),
        ([Instance("a-more-lag", "c", "available", is_writer=False, lag_ms=21)], "two"),
        ([Instance("first-by-name", "c", "available", is_writer=False, lag_ms=20)], "first-by-name"),
        ([Instance("too-much-lag", "c", "available", is_writer=False, tier=0, lag_ms=5000)], "two"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_zone_first_then_the_tier_then_the_lag(others: list[Instance], chosen: str) -> None:
    decision = _decide(replace(CLUSTER, instances=(WRITER, READER, *others)))
    assert isinstance(decision, Accepted)
    assert decision.target.identifier == chosen


def test_taken_over_means_only_writer_and_available() -> None:
    after = Cluster("cluster", "available", (replace(WRITER, is_writer=False), replace(READER, is_writer=True)))
    assert has_taken_over(after, "two")
    assert not has_taken_over(after, "one")
    assert not has_taken_over(replace(after, status="failing-over"), "two")
    assert not has_taken_over(CLUSTER, "two")
    both = replace(after, instances=(WRITER, replace(READER, is_writer=True)))
    assert not has_taken_over(both, "two")
    rebooting = replace(after, instances=(after.instances[0], replace(after.instances[1], status="rebooting")))
    assert not has_taken_over(rebooting, "two")


INSTANCES = st.builds(
    Instance,
    identifier=st.sampled_from("abcdef"),
    zone=st.sampled_from("xyz"),
    status=st.sampled_from(["available", "rebooting", "failed"]),
    is_writer=st.booleans(),
    tier=st.integers(0, 15),
    lag_ms=st.none() | st.floats(0, 5000),
)


@given(
    st.builds(
        Cluster, st.just("cluster"), st.sampled_from(["available", "maintenance"]), st.tuples(INSTANCES, INSTANCES)
    )
)
def test_the_chosen_reader_can_take_over(cluster: Cluster) -> None:
    decision = _decide(cluster)
    if isinstance(decision, Accepted):
        assert cluster.status == "available"
        assert decision.target in cluster.instances
        assert decision.target.status == "available"
        assert not decision.target.is_writer
        assert decision.target.lag_ms is None or decision.target.lag_ms <= LIMITS.lag_ms


class Failovers(RuleBasedStateMachine):
    """Requests, failures and time in any order; a claim may be outdated when its reader acts on its decision."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.claim: Claim | None = None
        self.decisions: list[tuple[Accepted | Refused, float]] = []
        self.instances = {"one": WRITER, "two": READER}
        self.failovers: list[float] = []

    def _cluster(self) -> Cluster:
        return Cluster("cluster", "available", tuple(self.instances.values()))

    @rule()
    def request(self) -> None:
        """Let an invocation read the cluster and the claim, and decide."""
        decision = decide("cluster", self._cluster(), self.claim, LIMITS, self.now)
        self.decisions.append((decision, self.now))

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def act(self, data: st.DataObject) -> None:
        """Let an earlier decision claim the failover, if the condition on the item holds, and fail over."""
        decision, then = self.decisions.pop(data.draw(st.integers(0, len(self.decisions) - 1)))
        if isinstance(decision, Refused):
            return
        if self.claim is not None and self.claim.started_at > then - LIMITS.cool_down_seconds:
            return
        self.claim = Claim("request", then)
        self.failovers.append(then)
        for name, instance in self.instances.items():
            self.instances[name] = replace(instance, is_writer=name == decision.target.identifier)

    @rule(seconds=st.floats(0, 700))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(name=st.sampled_from(["one", "two"]), status=st.sampled_from(["available", "failed"]))
    def change(self, name: str, status: str) -> None:
        """Let an instance fail or recover."""
        self.instances[name] = replace(self.instances[name], status=status)

    @invariant()
    def never_two_within_the_cool_down(self) -> None:
        """Check that failovers are apart by the cool-down, whatever the order."""
        ordered = sorted(self.failovers)
        gaps = [later - earlier for earlier, later in pairwise(ordered)]
        assert all(gap >= LIMITS.cool_down_seconds for gap in gaps)


TestFailovers = Failovers.TestCase
# A longer sequence repeats what a few claims, failures and waits have shown.
TestFailovers.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
