"""What AWS refused: refused here too, at the same moment, with its code and words; see `refusals.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing import refusals

ROWS = refusals.rows()


@pytest.mark.emulator
@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_what_aws_refuses_is_refused(aws: Aws, stack_name: str, row: Mapping[str, Any]) -> None:
    try:
        outcome = refusals.attempt(aws, stack_name, row)
    finally:
        refusals.clear(aws, stack_name)
    if "gap" in row:
        assert not refusals.as_aws(row, outcome), "it is refused as AWS does now: remove `gap` from the row"
    else:
        assert refusals.as_aws(row, outcome), outcome


def test_every_row_says_where_it_comes_from_and_when_it_is_refused() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["source"].startswith("https://") or "@" in row["source"], row["id"]
        assert (row["when"], "code" in row) in {("asked", True), ("made", False)}, row["id"]
        assert len(row.get("gap", "a reason that is long enough")) > 20, row["id"]


def test_at_least_nine_of_ten_are_refused_and_the_rest_is_named() -> None:
    held, gaps = refusals.figure()
    assert len(ROWS) >= 60
    assert held + len(gaps) == len(ROWS)
    assert held / len(ROWS) >= 0.9
