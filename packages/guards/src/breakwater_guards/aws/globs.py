"""Compare texts of which parts are open: ARNs with wildcards, names that a deployment completes."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.values import Text

MAX_LENGTH = 1024
ARN_FIELDS = 6


def pattern_of(value: Any) -> str:
    """Return a resolved value as a pattern: itself, or with ``*`` for what is not known."""
    if isinstance(value, Text):
        return value.known
    return value if isinstance(value, str) else "*"


def may_be_equal(one: str, other: str) -> bool:
    """Tell whether some text matches both patterns.

    Args:
        one: a pattern; ``*`` stands for any text.
        other: another.

    Returns:
        False only when no text can match both; patterns longer than any ARN are not judged.
    """
    if len(one) > MAX_LENGTH or len(other) > MAX_LENGTH:
        return True
    fixed = min(one.partition("*")[0], other.partition("*")[0], key=len)
    if not (one.startswith(fixed) and other.startswith(fixed)):
        return False
    if "*" not in one or "*" not in other:
        pattern, text = (one, other) if "*" in one else (other, one)
        return matches_text(pattern, text)
    return _overlap(one, other)


def arns_may_be_equal(one: str, other: str) -> bool:
    """Compare two ARN patterns field by field: a wildcard stays within its field, but may end an ARN early.

    Args:
        one: a pattern, e.g. ``arn:aws:rds:*:*:cluster:*`` or ``*``.
        other: another.

    Returns:
        False only when no ARN can match both.
    """
    fields, others = one.split(":", ARN_FIELDS - 1), other.split(":", ARN_FIELDS - 1)
    if len(fields) != len(others):
        return may_be_equal(one, other)
    return all(map(may_be_equal, fields, others))


def matches_text(pattern: str, text: str) -> bool:
    """Tell whether a pattern matches a text; a wildcard in the text is matched by a wildcard only."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def _overlap(one: str, other: str) -> bool:
    """Follow both patterns at once: ``reached`` holds the positions in ``other`` after each character of ``one``.

    Both have a wildcard behind the same beginning, so one of the positions is always in reach.
    """
    reached = _after_stars(other, {0})
    for character in one:
        if character == "*":
            reached = set(range(min(reached), len(other) + 1))
            continue
        reached = _after_stars(
            other,
            {at if other[at] == "*" else at + 1 for at in reached if at < len(other) and other[at] in ("*", character)},
        )
    return len(other) in reached


def _after_stars(pattern: str, positions: set[int]) -> set[int]:
    """Add the positions behind wildcards, which may match nothing."""
    found = set(positions)
    for position in positions:
        at = position
        while at < len(pattern) and pattern[at] == "*":
            at += 1
            found.add(at)
    return found
