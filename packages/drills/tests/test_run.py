"""A run from its first heartbeat to its result, against a store that a test breaks."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Sequence
from http.client import IncompleteRead

import pytest

from breakwater_drills import signals
from breakwater_drills.errors import DrillError, RequestError
from breakwater_drills.measure import Sample
from breakwater_drills.probes import MethodProbe
from breakwater_drills.result import Result
from breakwater_drills.runner import require_healthy, run
from breakwater_drills.sampler import Probe, Sampler
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import TIMING, FakeDrill, Store, Told, target


def test_an_outage_is_detected_timed_and_over(outage: Result) -> None:
    (found,) = outage.recoveries
    assert found.errors > 0
    assert found.detection_seconds is not None
    assert 0 <= found.detection_seconds <= 0.1
    assert outage.rto_seconds == pytest.approx(0.3, abs=0.1)  # six polls of 0.05 s
    assert [event.what for event in outage.events] == ["fault: fake", "healed"]


def test_what_was_acknowledged_is_counted_and_compared(outage: Result) -> None:
    (kept,) = outage.losses
    assert kept.acknowledged == sum(sample.ok for sample in outage.samples) > 0
    assert (outage.lost, outage.rpo_seconds) == (0, 0.0)


def test_a_lost_write_is_told(told: Told) -> None:
    class Forgetful(FakeDrill):
        def inject(self) -> None:
            self.store.rows.discard(max(self.store.rows))

    found = run(Forgetful(Store(), target(), clock=SimulatedClock()), TIMING, told)
    assert found.lost == 1
    assert found.rpo_seconds == pytest.approx(0.1)
    all_of_them = "1 acknowledged writes are lost, and fake must lose none"
    assert found.misses(300, 300) == [all_of_them]
    assert found.rpo_seconds is not None
    assert found.misses(300, found.rpo_seconds) == [all_of_them], "an objective that is just met is met"
    assert found.misses(300, 0.001) == ["RPO 0.10 s, the objective is 0.001 s", all_of_them]
    tolerant = dataclasses.replace(found, loss_allowed=True)
    assert tolerant.misses(300, 300) == []
    assert dataclasses.replace(tolerant, losses=[dataclasses.replace(found.losses[0], at_least=True)]).misses(
        300, 300
    ) == ["RPO at least 0.10 s: no acknowledged write from before the lost ones was kept"]


def test_what_does_not_heal_in_time_misses_whatever_was_promised(told: Told) -> None:
    store = Store()
    store.heals_after = 1000
    found = run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING, told)
    assert found.rto_seconds is None
    assert not found.restored
    assert told.lines[-3] == "not in time"
    assert found.misses(10_000, 10_000) == ["not everything recovered while the drill watched"]
    assert store.removed == ["the thing"]


def test_steps_and_events_are_told_as_they_happen(told: Told) -> None:
    store = Store()
    store.heals_after = 6
    run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING, told)
    before = ["Prepare heartbeats", f"Watch for {TIMING.before:g} s", "Fault: fake"]
    waited = ["Wait until AWS reports the recovery", "healed", "0.3 s after the fault"]
    after = [f"Watch for {TIMING.after:g} s", "Count what was kept and clean up"]
    assert told.lines == [*before, *waited, *after]


def test_a_slow_recovery_misses(outage: Result) -> None:
    assert outage.misses(300, 300) == []
    assert outage.rto_seconds is not None
    assert outage.misses(outage.rto_seconds, 300) == []
    assert outage.misses(0.1, 300) == [f"RTO {outage.rto_seconds:.2f} s, the objective is 0.1 s"]


def test_what_is_broken_already_is_not_broken_on_purpose(told: Told) -> None:
    store = Store()
    store.broken = True
    with pytest.raises(DrillError, match=r"(\d+) of \1 requests failed before the fault.*ConnectionError"):
        run(FakeDrill(store, target(), clock=SimulatedClock()), TIMING, told)
    assert store.removed == ["the thing"]
    assert not store.rows


class TwoProbes(FakeDrill):
    """Has a second probe, of which a test says what it does."""

    def request(self, _number: int) -> None:
        """Do what the test says."""
        raise NotImplementedError

    def probes(self) -> Sequence[Probe]:
        return [*super().probes(), MethodProbe("other", self.request)]

    def inject(self) -> None:
        raise AssertionError("the fault was injected")


def test_a_service_that_answers_nobody_is_noticed_however_short_the_watch_is(told: Told) -> None:
    class Dead(TwoProbes):
        def request(self, _number: int) -> None:
            self.clock.sleep(30.0)

    with pytest.raises(DrillError, match=r"10 of \d+ requests failed .* first a other: no answer within 3 s"):
        run(Dead(Store(), target(), clock=SimulatedClock()), TIMING, told)


def test_what_breaks_while_the_fault_is_prepared_is_not_broken_on_purpose(told: Told) -> None:
    class Breaks(TwoProbes):
        begun = False

        def request(self, _number: int) -> None:
            if self.begun:
                raise ConnectionError

        def before_fault(self, _samples: Sequence[Sample], /) -> None:
            self.begun = True
            self.clock.sleep(2.0)

    with pytest.raises(DrillError, match=r"10 of 20 requests failed before the fault, the first a other"):
        run(Breaks(Store(), target(), clock=SimulatedClock()), TIMING, told)


def test_the_first_request_that_failed_is_told() -> None:
    failed = [Sample("write", 0, 1.0, 0.1, "503"), Sample("read", 0, 2.0, 0.1, "TimeoutError")]
    with pytest.raises(DrillError) as refusal:
        require_healthy(["write", "read"], failed)
    begun = "2 of 2 requests failed before the fault, the first a write: 503"
    assert str(refusal.value) == f"{begun}: the fault was not injected"


def test_how_late_the_client_was_and_what_may_fail_is_part_of_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sampler, "late_seconds", property(lambda _: 2.5, lambda *_: None), raising=False)
    monkeypatch.setattr(FakeDrill, "failures_allowed", lambda _, samples: len(samples))
    found = run(FakeDrill(Store(), target(), clock=SimulatedClock()), TIMING)
    assert (found.late_seconds, found.failures_allowed) == (2.5, len(found.samples))


def test_a_probe_that_made_no_request_is_a_reason_not_to_begin() -> None:
    with pytest.raises(DrillError, match="no read was answered before the fault: the fault was not injected"):
        require_healthy(["write", "read"], [Sample("write", 0, 1.0, 0.1)])
    require_healthy(["write"], [Sample("write", 0, 1.0, 0.1)])


@pytest.mark.parametrize(
    ("failure", "error"), [(IncompleteRead(b"short", 95), "IncompleteRead"), (RequestError("503"), "503")]
)
def test_a_probe_whose_answer_breaks_off_fails_and_the_drill_goes_on(
    told: Told, failure: Exception, error: str
) -> None:
    class BreaksOff(TwoProbes):
        def request(self, _number: int) -> None:
            if self.store.broken:
                raise failure

        def inject(self) -> None:
            self.store.broken, self.store.heals_after = True, 3

    found = run(BreaksOff(Store(), target(), clock=SimulatedClock()), TIMING, told)
    assert {sample.error for sample in found.samples if sample.probe == "other"} == {"", error}


def test_an_error_that_no_probe_is_meant_to_raise_is_not_swallowed(told: Told) -> None:
    class Wrong(Store):
        def write(self, number: int) -> None:
            raise TypeError(str(number))

    with pytest.raises(DrillError, match=r"10 of 10 requests failed .* TypeError"):
        run(FakeDrill(Wrong(), target(), clock=SimulatedClock()), TIMING, told)


def test_without_a_listener_the_progress_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "breakwater_drills"):
        run(FakeDrill(Store(), target(), clock=SimulatedClock()), TIMING)
    assert caplog.messages[0] == "Prepare heartbeats"
    assert "fault: fake" not in caplog.messages
    assert "healed" in caplog.messages
    assert len([line for line in caplog.messages if line == "Fault: fake"]) == 1


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.raised():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_drill_with_the_code_of_a_shell(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as ended, signals.raised():
        signal.raise_signal(number)
    assert ended.value.code == code
    assert signal.getsignal(number) == before
