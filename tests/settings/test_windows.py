"""Windows as minutes of the week, against a model that walks through the week minute by minute."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.settings.times import DAYS, Window, daily_minutes, overlaps, weekly_minutes

MINUTE_OF_DAY = st.integers(0, 24 * 60 - 1)
MINUTE_OF_WEEK = st.integers(0, 7 * 24 * 60 - 1)


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _daily(start: int, end: int) -> str:
    return f"{_clock(start)}-{_clock(end)}"


def _weekly(start: int, end: int) -> str:
    first, last = (f"{DAYS[minute // (24 * 60)]}:{_clock(minute)}" for minute in (start, end))
    return f"{first}-{last}"


def _walk(start: int, end: int, period: int) -> set[int]:
    """Minutes of a period from start until end, one step at a time."""
    seen, now = set(), start
    while now != end:
        seen.add(now)
        now = 0 if now == period - 1 else now + 1
    return seen


@settings(max_examples=40)
@given(start=MINUTE_OF_DAY, end=MINUTE_OF_DAY)
def test_a_daily_window_covers_the_same_minutes_of_every_day(start: int, end: int) -> None:
    window = daily_minutes(_daily(start, end))
    day = _walk(start, end, 24 * 60)
    assert window.length == len(day)
    assert window.minutes == {number * 24 * 60 + minute for number in range(7) for minute in day}


@settings(max_examples=40)
@given(start=MINUTE_OF_WEEK, end=MINUTE_OF_WEEK)
def test_a_weekly_window_covers_its_minutes_once(start: int, end: int) -> None:
    window = weekly_minutes(_weekly(start, end))
    assert window.minutes == _walk(start, end, 7 * 24 * 60)
    assert window.length == len(window.minutes)


@settings(max_examples=40)
@given(daily=st.tuples(MINUTE_OF_DAY, MINUTE_OF_DAY), weekly=st.tuples(MINUTE_OF_WEEK, MINUTE_OF_WEEK))
def test_windows_overlap_when_a_minute_lies_in_both(daily: tuple[int, int], weekly: tuple[int, int]) -> None:
    day, week = _walk(*daily, 24 * 60), _walk(*weekly, 7 * 24 * 60)
    expected = any(minute % (24 * 60) in day for minute in week)
    one, other = daily_minutes(_daily(*daily)), weekly_minutes(_weekly(*weekly))
    assert overlaps(one, other) is expected
    assert overlaps(other, one) is expected


@pytest.mark.parametrize(
    ("daily", "weekly", "expected"),
    [
        ("03:00-04:00", "sun:05:00-sun:06:00", False),
        ("03:00-04:00", "sun:04:00-sun:05:00", False),
        ("03:00-04:00", "sun:02:00-sun:03:00", False),
        ("03:00-04:00", "sun:03:59-sun:05:00", True),
        ("03:00-04:00", "sun:02:00-sun:03:01", True),
        ("03:00-04:00", "sun:23:00-mon:00:00", False),
        ("23:30-00:30", "sun:23:59-mon:00:29", True),
        ("23:30-00:30", "mon:00:30-mon:23:30", False),
        ("00:00-00:30", "sun:23:00-mon:00:01", True),
    ],
)
def test_edges(daily: str, weekly: str, *, expected: bool) -> None:
    assert overlaps(daily_minutes(daily), weekly_minutes(weekly)) is expected


def test_a_window_is_a_value() -> None:
    assert weekly_minutes("mon:00:00-mon:00:30") == Window((0,), 30)
    assert daily_minutes("00:01-00:31") == Window(tuple(1 + day * 24 * 60 for day in range(7)), 30)
    assert hash(daily_minutes("00:00-00:30")) == hash(daily_minutes("00:00-00:30"))
