"""What samples say: detection, recovery, latency and loss."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breakwater_drills.measure import Latency, Sample, latency, loss, recovery, unknown

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


def test_a_probe_that_nobody_asked_after_the_fault_has_not_recovered() -> None:
    assert recovery("write", [sample(99.0)], FAULT).rto_seconds is None
    assert recovery("write", [], FAULT).rto_seconds is None


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


def test_a_request_that_ends_with_the_fault_or_begins_with_the_recovery_belongs_to_what_follows() -> None:
    samples = [
        sample(99.75, seconds=0.25),
        sample(100.5, ok=False),
        sample(101.0, seconds=0.5),
        sample(101.5, seconds=0.75),
    ]
    found = recovery("write", samples, FAULT)
    assert (found.requests, found.rto_seconds) == (4, 1.5)
    assert found.latency == {
        "before": Latency(None, None),
        "during": Latency(0.25, 0.5),
        "after": Latency(0.75, 0.75),
    }


def test_percentiles_are_of_the_nearest_rank() -> None:
    found = latency([sample(0, seconds=float(n)) for n in range(200, 0, -1)])
    assert found == Latency(100.0, 198.0)
    assert latency([]) == Latency(None, None)


def test_nothing_is_lost_when_every_acknowledged_write_is_there() -> None:
    writes = [sample(99.0, number=1), sample(99.5, number=2, ok=False), sample(99.6, number=3, ok=False)]
    found = loss("rows", writes, {1, 3, 77})
    assert (found.acknowledged, found.lost, found.unacknowledged_found, found.rpo_seconds) == (1, 0, 1, 0.0)
    assert (found.at_least, found.unread) == (False, "")


def test_the_rpo_is_the_span_from_the_last_safe_acknowledgment_to_the_last_lost_one() -> None:
    writes = [sample(90.0 + n, number=n) for n in range(10)]
    found = loss("rows", writes, {0, 1, 2, 3, 5, 9})  # 5 and 9 survived behind a gap, which helps nobody
    assert found.lost == 4
    assert found.rpo_seconds == pytest.approx(98.01 - 93.01)
    assert not found.at_least


def test_writes_that_are_lost_after_the_fault_are_a_loss_of_time_too() -> None:
    writes = [sample(FAULT + n / 10, number=n) for n in range(100)]
    found = loss("rows", writes, set(range(50)))
    assert found.lost == 50
    assert found.rpo_seconds == pytest.approx(5.0)


def test_the_order_is_that_of_the_acknowledgments_and_not_of_the_requests() -> None:
    writes = [sample(90.0, seconds=2.0, number=0), sample(91.0, seconds=0.1, number=1), sample(93.0, number=2)]
    assert loss("rows", writes, {1, 2}).rpo_seconds == pytest.approx(0.9)
    assert loss("rows", writes, {0, 2}).at_least


def test_when_nothing_before_the_loss_is_kept_the_rpo_is_only_a_lower_bound() -> None:
    writes = [sample(90.0, number=1), sample(92.0, number=2), sample(93.0, number=3)]
    found = loss("rows", writes, {3})
    assert found.at_least
    assert found.rpo_seconds == pytest.approx(2.0)
    assert loss("rows", writes, {1}).at_least is False


def test_without_an_acknowledged_write_the_loss_is_unknown_and_not_nothing() -> None:
    found = loss("rows", [sample(90.0, ok=False)], set())
    assert (found.acknowledged, found.lost, found.unacknowledged_found, found.rpo_seconds) == (0, None, None, None)
    assert found.unread == "no write was acknowledged"


def test_an_unknown_loss_has_its_reason_and_still_counts_what_was_acknowledged() -> None:
    found = unknown("rows", [sample(90.0), sample(91.0), sample(92.0, ok=False)], "closed")
    assert (found.acknowledged, found.lost, found.rpo_seconds, found.unread) == (2, None, None, "closed")


writes_and_found = st.tuples(
    st.lists(st.tuples(st.floats(80, 120), st.booleans(), st.floats(0, 3)), max_size=30),
    st.sets(st.integers(0, 29)),
)


@settings(max_examples=500, derandomize=True, database=None)
@given(writes_and_found)
def test_every_lost_write_is_counted_once_and_the_rpo_spans_all_of_them(
    drawn: tuple[list[tuple[float, bool, float]], set[int]],
) -> None:
    writes, found = drawn
    samples = [sample(at, ok=ok, number=number, seconds=took) for number, (at, ok, took) in enumerate(writes)]
    told = loss("rows", samples, found)
    acknowledged = {each.number: each.ended for each in samples if each.ok}
    lost = {number: ended for number, ended in acknowledged.items() if number not in found}
    assert told.acknowledged == len(acknowledged)
    if not acknowledged:
        assert told.unread
        return
    assert told.lost == len(lost)
    assert told.rpo_seconds is not None
    assert told.rpo_seconds >= (max(lost.values()) - min(lost.values()) if lost else 0.0)
    safe = [ended for ended in acknowledged.values() if not lost or ended < min(lost.values())]
    assert told.at_least is (bool(lost) and not safe)
    assert (told.rpo_seconds == 0.0) is (not lost) or told.at_least


requests = st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.floats(0, 3)), max_size=40)


@settings(max_examples=500, derandomize=True, database=None)
@given(requests)
def test_nothing_failed_after_the_reported_recovery_and_something_did_before_it(
    drawn: list[tuple[int, bool, float]],
) -> None:
    samples = [sample(97 + at / 10, ok=ok, seconds=took) for at, ok, took in drawn]
    found = recovery("write", samples, FAULT)
    after = [each for each in samples if each.ended >= FAULT]
    failed = [each for each in after if not each.ok]
    assert (found.requests, found.errors) == (len(after), len(failed))
    if found.rto_seconds is None:
        assert not after or max(each.begun for each in failed) == max(each.begun for each in after)
        return
    back = FAULT + found.rto_seconds
    assert all(each.begun < back for each in failed)
    if failed:
        assert any(each.ok and each.ended == pytest.approx(back) for each in after)
        assert found.rto_seconds >= max(each.begun for each in failed) - FAULT
    else:
        assert found.rto_seconds == 0.0
