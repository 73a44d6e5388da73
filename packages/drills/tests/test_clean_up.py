"""Whatever ends a drill, what it created is removed, and what could not be removed is told."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from breakwater_drills.copies import Remove
from breakwater_drills.errors import DrillError
from breakwater_drills.probes import MethodProbe
from breakwater_drills.runner import run
from breakwater_drills.sampler import Probe
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import TIMING, FakeDrill, Store, Told, target


@pytest.mark.parametrize("broken_off", [KeyboardInterrupt(), SystemExit(143), DrillError("no"), ZeroDivisionError()])
def test_a_drill_that_is_cut_off_cleans_up_and_says_what_state_remains(told: Told, broken_off: BaseException) -> None:
    class CutOff(FakeDrill):
        def inject(self) -> None:
            raise broken_off

    store = Store()
    with pytest.raises(type(broken_off)):
        run(CutOff(store, target(), clock=SimulatedClock()), TIMING, told)
    assert store.removed == ["the thing"]
    assert "state: the store is empty" in told.text


@pytest.mark.parametrize("again", [KeyboardInterrupt(), SystemExit(143)])
def test_a_second_interruption_ends_the_clean_up_and_lists_what_is_left(told: Told, again: BaseException) -> None:
    class Impatient(FakeDrill):
        def inject(self) -> None:
            raise KeyboardInterrupt

        def created(self) -> Iterator[tuple[str, Remove]]:
            yield from super().created()
            yield "second", self._interrupted
            yield "third", self._remove

        def _interrupted(self) -> str:
            raise again

    store = Store()
    with pytest.raises(KeyboardInterrupt):
        run(Impatient(store, target(), clock=SimulatedClock()), TIMING, told)
    assert store.removed == ["the thing"]
    assert "the drill was interrupted: removing what it created; Ctrl-C again leaves the rest" in told.lines
    assert "remains: second: interrupted" in told.text
    assert "remains: third: interrupted" in told.text
    assert "state: the store is empty" in told.text


def test_an_interruption_of_the_last_clean_up_begins_it_again(told: Told) -> None:
    class Once(FakeDrill):
        times = 0

        def _remove(self) -> str:
            self.times += 1
            if self.times == 1:
                raise SystemExit(143)
            return super()._remove()

    store = Store()
    with pytest.raises(SystemExit):
        run(Once(store, target(), clock=SimulatedClock()), TIMING, told)
    assert store.removed == ["the thing"]


def test_a_terminal_that_is_gone_does_not_keep_the_clean_up_from_happening() -> None:
    class GoneTerminal(Told):
        def note(self, text: str) -> None:
            if "Fault" in text or "interrupted" in text or "remove" in text:
                raise OSError(errno.EIO, "Input/output error")
            super().note(text)

    class Slow(FakeDrill):
        def _remove(self) -> str:
            self.polls += 1
            return "being created" if self.polls == 1 else super()._remove()

    store = Store()
    with pytest.raises(OSError, match="Input/output error"):
        run(Slow(store, target(), clock=SimulatedClock()), TIMING, GoneTerminal())
    assert store.removed == ["the thing"]


def test_what_cannot_be_removed_yet_is_tried_again_beside_the_others_until_a_deadline(told: Told) -> None:
    class Stuck(FakeDrill):
        clean_up_seconds = 10.0

        def created(self) -> Iterator[tuple[str, Remove]]:
            yield "stuck", lambda: "it is being created"
            yield "late", self._late
            yield from super().created()

        def _late(self) -> str:
            self.polls += 1
            return "" if self.polls > 4 else "not yet"

    store = Store()
    found = run(Stuck(store, target(), clock=SimulatedClock()), TIMING, told)
    assert found.not_removed == ["stuck: it is being created"]
    assert store.removed == ["the thing"]
    assert "AWS does not remove yet: stuck, late" in told.text


def test_what_aws_refuses_is_one_line(told: Told) -> None:
    class Refused(FakeDrill):
        def inject(self) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "FailoverDBCluster")

    with pytest.raises(DrillError, match=r"^the drill was interrupted: .*AccessDenied.*not you$"):
        run(Refused(Store(), target(), clock=SimulatedClock()), TIMING, told)


def test_what_cannot_be_removed_is_told(told: Told) -> None:
    class Sticky(FakeDrill):
        def created(self) -> Iterator[tuple[str, Remove]]:
            yield "broken", self._break
            yield from super().created()
            yield "refused", self._refuse

        def _break(self) -> str:
            raise ValueError

        def _refuse(self) -> str:
            raise ClientError({"Error": {"Code": "Throttled", "Message": "later"}}, "DeleteTable")

    store = Store()
    found = run(Sticky(store, target(), clock=SimulatedClock()), TIMING, told)
    assert found.not_removed[0] == "broken: ValueError"
    assert found.not_removed[1].startswith("refused: ")
    assert found.not_removed[1].endswith("later")
    assert store.removed == ["the thing"]


def test_an_error_of_this_program_during_the_outage_ends_the_drill_after_the_clean_up(told: Told) -> None:
    class Wrong(FakeDrill):
        def probes(self) -> Sequence[Probe]:
            return [MethodProbe("write", self._request)]

        def _request(self, _number: int) -> None:
            if self.fault:
                raise TypeError

    store = Store()
    with pytest.raises(TypeError):
        run(Wrong(store, target(), clock=SimulatedClock()), TIMING, told)
    assert store.removed == ["the thing"]


def test_a_drill_that_is_cut_off_says_what_remains_even_when_nothing_answers(told: Told) -> None:
    class Deaf(FakeDrill):
        def inject(self) -> None:
            raise KeyboardInterrupt

        def _remove(self) -> str:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        def state(self) -> str:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

    with pytest.raises(KeyboardInterrupt):
        run(Deaf(Store(), target(), clock=SimulatedClock()), TIMING, told)
    assert "remains: the thing: " in told.text
    assert "state: unknown (" in told.text
