"""Drills are judged by a simulated platform whose truth is known: what they report must be that, and never better."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater_drills.failover import Failover
from breakwater_drills.result import Result
from breakwater_drills.runner import Timing, run
from breakwater_drills.sampler import INTERVAL_SECONDS
from drills_testing.simulation import STORES, Scenario, World, simulated

TIMING = Timing(before=2.0, after=2.0)
RTO, RPO = 3.0, 1.0


def drilled(world: World) -> Result:
    """Return what a failover drill finds."""
    found = run(Failover(simulated(world), "run1", world.clock), TIMING)
    world.clock.sleep(60.0)  # lets every request end, so that none keeps its thread
    return found


tenths = st.integers(0, 40).map(lambda n: n / 10)
scenarios = st.builds(
    Scenario,
    away_from=st.sampled_from([0.0, 0.13, 0.7]),
    away=st.one_of(st.just(0.0), st.floats(0.25, 4.0)),
    failure=st.sampled_from(["refuse", "hang", "slow"]),
    flap=st.one_of(st.none(), st.sampled_from([0.3, 1.1])),
    reported=st.floats(0.1, 3.0),
    lost=st.one_of(
        st.none(),
        st.tuples(st.floats(-1.5, -0.2), st.floats(0.12, 2.0)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    ),
    loser=st.sampled_from(STORES),
    kept_unacknowledged=st.booleans(),
    unread=st.sampled_from(["", "", "", *STORES]),
    latency=st.sampled_from([0.004, 0.03, 0.05]),
)


@settings(max_examples=250, deadline=None, derandomize=True, database=None)
@given(scenarios)
def test_a_drill_reports_the_truth(scenario: Scenario) -> None:
    world = World(scenario)
    found = drilled(world)
    lost = {store: world.lost(store) for store in STORES}
    watched = scenario.reported + TIMING.after
    if found.rto_seconds is not None or world.rto() < watched - 0.5:
        assert found.rto_seconds == pytest.approx(world.rto(), abs=0.2)
    for each in found.losses:
        if scenario.unread == each.name:
            assert (each.lost, each.rpo_seconds) == (None, None)
            continue
        assert each.lost == len(lost[each.name])
        assert each.rpo_seconds == pytest.approx(world.rpo() if lost[each.name] else 0.0, abs=INTERVAL_SECONDS + 0.05)
    if scenario.unread:
        assert found.rpo_seconds is None
    else:
        assert found.rpo_seconds == pytest.approx(world.rpo(), abs=INTERVAL_SECONDS + 0.05)
    missed = world.rto() > RTO or world.rpo() > RPO or any(lost.values()) or bool(scenario.unread)
    if missed or world.rto() < min(RTO, watched) - 0.5:
        assert bool(found.misses(RTO, RPO)) is missed
