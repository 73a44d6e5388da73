"""Times in settings: windows as minutes of the week, and schedules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY


@dataclass(frozen=True)
class Window:
    """Recurring stretches of time.

    Args:
        starts: first minutes, counted from Monday 00:00 UTC.
        length: minutes of each stretch.
    """

    starts: tuple[int, ...]
    length: int

    @property
    def minutes(self) -> frozenset[int]:
        """All minutes of the week that the window covers."""
        return frozenset((start + offset) % WEEK for start in self.starts for offset in range(self.length))


def daily_minutes(text: str) -> Window:
    """Read ``hh:mm-hh:mm``, a window of every day, over midnight if its end is before its start."""
    start, end = (_clock(part) for part in text.split("-"))
    return Window(tuple(day * DAY + start for day in range(7)), (end - start) % DAY)


def weekly_minutes(text: str) -> Window:
    """Read ``ddd:hh:mm-ddd:hh:mm``, a window of once a week, over Sunday midnight if need be."""
    start, end = (DAYS.index(part[:3]) * DAY + _clock(part[4:]) for part in text.split("-"))
    return Window((start,), (end - start) % WEEK)


def overlaps(one: Window, other: Window) -> bool:
    """Tell whether the two windows share a minute."""
    return not one.minutes.isdisjoint(other.minutes)


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def _number(text: str, low: int, high: int, names: tuple[str, ...]) -> int | None:
    """Return the value of a number or a name within the range; None for anything else."""
    if text.upper() in names:
        return low + names.index(text.upper())
    return int(text) if re.fullmatch("[0-9]{1,4}", text) and low <= int(text) <= high else None


def _item(text: str, low: int, high: int, names: tuple[str, ...] = (), special: str = "") -> bool:
    """Tell whether a field takes an item: `*`, a value, a range, a step of one of these, or something of its own."""
    if special and re.fullmatch(special, text):
        return True
    base, slash, step = text.partition("/")
    if slash and not (re.fullmatch("[0-9]{1,4}", step) and int(step) > 0):
        return False
    if base == "*":
        return True
    first, dash, last = base.partition("-")
    begin, end = _number(first, low, high, names), _number(last, low, high, names) if dash else high
    return begin is not None and end is not None and begin <= end


# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
_FIELDS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("minutes (0 to 59)", partial(_item, low=0, high=59)),
    ("hours (0 to 23)", partial(_item, low=0, high=23)),
    (
        "a day of the month (1 to 31, L, 15W, ?)",
        partial(_item, low=1, high=31, special=r"\?|LW?|([1-9]|[12]\d|3[01])W"),
    ),
    ("a month (1 to 12, JAN to DEC)", partial(_item, low=1, high=12, names=MONTHS)),
    (
        "a day of the week (1 to 7, SUN to SAT, 6L, 6#3, ?)",
        partial(_item, low=1, high=7, names=WEEKDAYS, special=r"\?|([1-7])?L|[1-7]#[1-5]"),
    ),
    ("a year (1970 to 2199)", partial(_item, low=1970, high=2199)),
)


def cron_problem(text: str) -> str | None:
    """Return what a cron expression should be where AWS refuses it; None where it is fine.

    Args:
        text: e.g. `cron(0 12 ? * SUN *)`.
    """
    fields = text.removeprefix("cron(").removesuffix(")").split()
    if len(fields) != len(_FIELDS):
        return "six fields: minutes, hours, day of the month, month, day of the week, year"
    for field, (noun, accepts) in zip(fields, _FIELDS, strict=True):
        if not all(map(accepts, field.split(","))):
            return f"{noun} in place of {field}"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "? for the day of the month or for the day of the week, and a value for the other"
    return None
