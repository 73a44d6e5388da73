"""Requests begin on time whatever the earlier ones do, and are counted from when they were due."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from breakwater_drills.clock import Clock
from breakwater_drills.measure import Sample, recovery
from breakwater_drills.probes import MethodProbe
from breakwater_drills.sampler import LIMIT_SECONDS, Sampler
from drills_testing.clock import SimulatedClock


def sampled(request: Callable[[SimulatedClock, int], None], seconds: float = 1.0) -> list[Sample]:
    """Return the samples of one probe, and let every request of it end."""
    clock = SimulatedClock()
    with Sampler([MethodProbe("p", lambda number: request(clock, number))], clock) as sampler:
        clock.sleep(seconds)
    found = sampler.samples()
    clock.sleep(100.0)
    assert sampler.samples() == found
    return found


def test_ten_requests_a_second_are_numbered_and_timed_from_when_they_were_due() -> None:
    found = sampled(lambda clock, number: clock.sleep(0.01 * number))
    assert [sample.number for sample in found] == list(range(10))
    assert [round(sample.begun - found[0].begun, 3) for sample in found] == [n / 10 for n in range(10)]
    assert [round(sample.seconds, 3) for sample in found] == [n / 100 for n in range(10)]
    assert all(sample.ok for sample in found)


def test_the_limit_is_three_seconds_as_documented() -> None:
    assert LIMIT_SECONDS == 3.0
    found = sampled(lambda clock, number: clock.sleep(2.99 if number % 2 else 3.01))
    assert [sample.error for sample in found] == ["no answer within 3 s", ""] * 5
    assert all(sample.seconds == 3.0 for sample in found if not sample.ok)
    assert sampled(lambda clock, _: clock.sleep(3.0))[0].ok


def test_requests_that_hang_do_not_delay_the_others() -> None:
    begun: list[float] = []

    def hang_then_answer(clock: SimulatedClock, number: int) -> None:
        begun.append(clock.now())
        clock.sleep(60.0 if number < 80 else 0.01)

    found = sampled(hang_then_answer, seconds=10.0)
    assert max(at - sample.begun for at, sample in zip(begun, found, strict=True)) < 0.001
    assert recovery("p", found, found[0].begun).rto_seconds == pytest.approx(8.01)


def test_a_request_that_begins_late_is_measured_from_when_it_was_due() -> None:
    """A machine that is busy must not make the platform look faster than its client sees it (coordinated omission)."""

    class Busy(SimulatedClock):
        def start(self, work: Callable[[], None]) -> None:
            def late() -> None:
                self.sleep(0.5)
                work()

            super().start(late)

    clock = Busy()
    began = clock.now()
    with Sampler([MethodProbe("p", lambda _: clock.sleep(0.2))], clock) as sampler:
        clock.sleep(2.0)
    found = sampler.samples()
    assert [round(sample.begun - began, 3) for sample in found[:3]] == [0.0, 0.1, 0.2]
    assert [round(sample.seconds, 3) for sample in found[:3]] == [1.2, 1.1, 1.0]  # the scheduler began late itself
    assert {round(sample.seconds, 3) for sample in found[5:]} == {0.7}
    assert round(sampler.late_seconds, 3) == 1.0  # the first one: that of the scheduler, and its own
    clock.sleep(100.0)


def test_a_request_is_not_waited_for_longer_than_the_limit() -> None:
    clock = SimulatedClock()
    began = clock.now()
    with Sampler([MethodProbe("p", lambda _: clock.sleep(50.0))], clock) as sampler:
        clock.sleep(1.0)
        assert sampler.samples() == []
        sampler.settle()
        assert len([sample for sample in sampler.samples() if sample.begun < began + 1.0]) == 10
    assert clock.now() - began < 1.0 + 2 * LIMIT_SECONDS + 0.2
    clock.sleep(100.0)


def test_a_request_that_is_just_within_the_limit_is_still_waited_for() -> None:
    clock = SimulatedClock()
    with Sampler([MethodProbe("p", lambda number: clock.sleep(0.0 if number else 50.0))], clock) as sampler:
        clock.sleep(LIMIT_SECONDS)
        assert 0 not in {sample.number for sample in sampler.samples()}
        sampler.settle()
        assert 0 in {sample.number for sample in sampler.samples()}
    clock.sleep(100.0)


def test_a_healthy_platform_does_not_make_the_watch_longer() -> None:
    clock = SimulatedClock()
    began = clock.now()
    with Sampler([MethodProbe("p", lambda _: None)], clock) as sampler:
        clock.sleep(1.0)
        sampler.settle()
    assert clock.now() - began < 1.05
    clock.sleep(1.0)


def test_each_failure_has_its_reason() -> None:
    errors: list[Exception] = [
        ClientError({"Error": {"Code": "Throttled", "Message": "later"}}, "PutItem"),
        EndpointConnectionError(endpoint_url="nowhere"),
        ConnectionResetError(),
    ]

    def fail(_clock: SimulatedClock, number: int) -> None:
        raise errors[number % 3]

    told = ["PutItem: Throttled", "EndpointConnectionError", "ConnectionResetError"]
    assert [sample.error for sample in sampled(fail)] == (told * 4)[:10]


def test_an_error_that_no_probe_is_meant_to_raise_is_told_at_the_end_unless_something_else_ended_the_drill() -> None:
    clock = SimulatedClock()

    def wrong(number: int) -> None:
        raise TypeError(f"request {number}")

    sampler = Sampler([MethodProbe("p", wrong)], clock)
    with pytest.raises(TypeError, match=r"^request 0$"), sampler:
        clock.sleep(0.2)
    assert {sample.error for sample in sampler.samples()} == {"TypeError"}
    with pytest.raises(KeyboardInterrupt), Sampler([MethodProbe("p", wrong)], clock):
        interrupt(clock)
    clock.sleep(1.0)


def interrupt(clock: SimulatedClock) -> None:
    clock.sleep(0.2)
    raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_has_a_clock_that_goes_on() -> None:
    """`make mutants` judges each mutant in a fork: a clock that hangs there would count every mutant as noticed."""
    sampled(lambda clock, _: clock.sleep(0.01))  # leaves idle threads, which the fork does not have
    child = multiprocessing.get_context("fork").Process(target=sampled, args=(lambda clock, _: clock.sleep(0.01),))
    child.start()
    child.join(20)
    child.kill()  # nothing to do where it has ended
    child.join()
    assert child.exitcode == 0


def test_in_real_time_it_does_the_same() -> None:
    clock, never = Clock(), threading.Event()
    daemons: list[bool] = []

    def slow(_number: int) -> None:
        daemons.append(threading.current_thread().daemon)
        never.wait(0.5)

    with Sampler([MethodProbe("slow", slow), MethodProbe("fast", lambda _: None)], clock) as sampler:
        clock.sleep(0.35)
        clock.sleep(-1.0)
    found = sampler.samples()
    waited, fast = ([sample for sample in found if sample.probe == name] for name in ("slow", "fast"))
    assert len(waited) == len(fast) >= 3
    assert all(sample.seconds >= 0.5 for sample in waited)
    assert waited[1].begun - waited[0].begun == pytest.approx(0.1)
    assert clock.now() == pytest.approx(time.time(), abs=5)
    assert set(daemons) == {True}  # a request that hangs does not keep the process alive
