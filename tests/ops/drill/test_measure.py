"""What samples say: detection, recovery, latency and loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.drill.measure import Latency, Sample, latency, loss, recovery

FAULT = 100.0


def sample(begun: float, *, ok: bool = True, seconds: float = 0.01, number: int = 0) -> Sample:
    return Sample("write", number, begun, seconds, "" if ok else "broken")


def test_without_a_failure_nothing_was_detected_and_nothing_had_to_come_back() -> None:
    found = recovery("write", [sample(99.0), sample(100.1), sample(100.2)], FAULT)
    assert (found.errors, found.requests, found.detection_seconds, found.rto_seconds) == (0, 2, None, 0.0)


def test_it_is_back_with_the_first_success_after_the_last_failure() -> None:
    samples = [
        sample(99.9),
        sample(100.1),  # the fault has not reached it yet: no recovery
        sample(100.2, ok=False, seconds=0.5),
        sample(100.3, ok=False, seconds=0.1),
        sample(100.5),  # one success between failures is no recovery
        sample(101.0, ok=False),
        sample(102.0, seconds=0.25),
        sample(103.0),
    ]
    found = recovery("write", samples, FAULT)
    assert found.errors == 3
    assert found.detection_seconds == pytest.approx(0.4)
    assert found.rto_seconds == pytest.approx(2.25)


def test_what_never_succeeds_again_is_not_back() -> None:
    found = recovery("write", [sample(99.0), sample(100.1, ok=False)], FAULT)
    assert found.rto_seconds is None
    assert found.detection_seconds == pytest.approx(0.11)


def test_a_request_that_the_fault_cut_off_counts_though_it_began_before() -> None:
    found = recovery("write", [sample(99.9, ok=False, seconds=3.0), sample(101.0)], FAULT)
    assert (found.errors, found.requests) == (1, 2)
    assert found.rto_seconds == pytest.approx(1.01)


def test_a_failure_before_the_fault_is_none_of_it() -> None:
    assert recovery("write", [sample(98.0, ok=False), sample(101.0)], FAULT).errors == 0


def test_latency_is_told_by_phase_and_only_of_what_succeeded() -> None:
    samples = [
        sample(99.0, seconds=0.1),
        sample(100.5, ok=False, seconds=3.0),
        sample(104.0, seconds=0.2),
        sample(105.0, seconds=0.3),
    ]
    found = recovery("write", samples, FAULT).latency
    assert found["before"] == Latency(0.1, 0.1)
    assert found["during"] == Latency(0.2, 0.2)
    assert found["after"] == Latency(0.3, 0.3)


def test_percentiles_are_of_the_nearest_rank() -> None:
    found = latency([sample(0, seconds=float(n)) for n in range(100, 0, -1)])
    assert found == Latency(50.0, 99.0)
    assert latency([]) == Latency(None, None)


def test_nothing_is_lost_when_every_acknowledged_write_is_there() -> None:
    writes = [sample(99.0, number=1), sample(99.5, number=2, ok=False), sample(99.6, number=3, ok=False)]
    found = loss("rows", writes, {1, 3, 77}, FAULT)
    assert (found.acknowledged, found.lost, found.unacknowledged_found, found.rpo_seconds) == (1, 0, 1, 0.0)


def test_the_rpo_reaches_back_to_the_last_write_before_the_first_lost_one() -> None:
    writes = [sample(90.0 + n, number=n) for n in range(10)]
    found = loss("rows", writes, {0, 1, 2, 3, 5}, FAULT)  # 5 survived behind a gap, which helps nobody
    assert found.lost == 5
    assert found.rpo_seconds == pytest.approx(FAULT - 93.01)


def test_when_all_is_lost_the_rpo_reaches_back_to_the_first_write() -> None:
    assert loss("rows", [sample(90.0, number=1)], set(), FAULT).rpo_seconds == pytest.approx(9.99)


@given(
    st.lists(st.tuples(st.floats(80, 120), st.booleans()), max_size=30),
    st.sets(st.integers(0, 29)),
)
def test_loss_counts_each_write_once(writes: list[tuple[float, bool]], found: set[int]) -> None:
    samples = [sample(at, ok=ok, number=number) for number, (at, ok) in enumerate(writes)]
    told = loss("rows", samples, found, FAULT)
    acknowledged = {number for number, (_, ok) in enumerate(writes) if ok}
    assert told.acknowledged == len(acknowledged)
    assert told.lost == len(acknowledged - found)
    assert told.rpo_seconds >= 0
    assert (told.lost > 0) or told.rpo_seconds == 0
