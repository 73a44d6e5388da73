"""The three answers that a template allows: yes, no, and that only the deployment decides."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Answer(IntEnum):
    """Ordered: of several ways the best counts (`any_of`), of several conditions the worst (`all_of`)."""

    NO = 0
    MAYBE = 1
    YES = 2


def any_of(answers: Iterable[Answer]) -> Answer:
    """Return the best of some answers; ``NO`` when there are none."""
    return max(answers, default=Answer.NO)


def all_of(answers: Iterable[Answer]) -> Answer:
    """Return the worst of some answers; ``YES`` when there are none."""
    return min(answers, default=Answer.YES)
