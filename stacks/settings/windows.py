"""Backup and maintenance windows as minutes of the week, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass

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
