"""Patterns that may name the same thing: no is only said when it is certain."""

from __future__ import annotations

import re
from itertools import product

import pytest

from breakwater_guards.aws.globs import arns_may_be_equal, may_be_equal

TEXTS = ["".join(letters) for size in range(5) for letters in product("ab", repeat=size)]
PATTERNS = ["".join(letters) for size in range(4) for letters in product("ab*", repeat=size)]


def _texts(pattern: str) -> set[str]:
    regex = re.compile(".*".join(map(re.escape, pattern.split("*"))))
    return {text for text in TEXTS if regex.fullmatch(text)}


def test_two_patterns_meet_exactly_when_a_text_matches_both() -> None:
    # Two patterns of up to three characters that meet at all meet in a text of up to four.
    for one, other in product(PATTERNS, repeat=2):
        assert may_be_equal(one, other) == bool(_texts(one) & _texts(other)), (one, other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*", "arn:*:rds:us-east-1:*:cluster:payments", True),
        ("arn:aws:rds:*", "arn:*:rds:us-east-1:*:cluster:payments", True),
        ("arn:aws:rds:*:*:cluster:pay*", "arn:*:rds:us-east-1:*:cluster:payments", True),
        ("arn:aws:rds:*:*:cluster:orders", "arn:*:rds:us-east-1:*:cluster:*", True),
        ("arn:aws:rds:*:*:cluster:orders", "arn:*:rds:us-east-1:*:cluster:payments", False),
        ("arn:aws:dynamodb:*:*:table/*", "arn:*:rds:us-east-1:*:cluster:payments", False),
        ("arn:aws:rds:eu-west-1:*:cluster:*", "arn:*:rds:us-east-1:*:cluster:payments", False),
        ("arn:aws:dynamodb:*:*:table/customers-*", "arn:*:dynamodb:*:*:table/orders", False),
    ],
)
def test_arns_are_compared_field_by_field(one: str, other: str, *, expected: bool) -> None:
    assert arns_may_be_equal(one, other) is expected
    assert arns_may_be_equal(other, one) is expected


def test_texts_longer_than_any_arn_are_not_judged() -> None:
    assert may_be_equal("a" * 5000, "b" * 5000)
