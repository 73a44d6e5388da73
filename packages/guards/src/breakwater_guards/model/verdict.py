"""The three answers that a template allows: yes, no, and that only the deployment decides."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Verdict(IntEnum):
    """Ordered: of several ways the best counts (`any_of`), of several conditions the worst (`all_of`)."""

    NO = 0
    MAYBE = 1
    YES = 2


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the best of some verdicts; ``NO`` when there are none."""
    return max(verdicts, default=Verdict.NO)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; ``YES`` when there are none."""
    return min(verdicts, default=Verdict.YES)
