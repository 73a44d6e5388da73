"""What a person reads of one run, and of several."""

from __future__ import annotations

import dataclasses

import pytest

from breakwater_drills import Result, summary
from breakwater_drills.distribution import Spread
from breakwater_drills.measure import Loss, Recovery
from breakwater_drills.result import lasted
from breakwater_drills.summary import Summary
from drills_testing.fakes import target


@pytest.fixture
def known(outage: Result) -> Result:
    """Return a run of which each cell of a table has another value."""
    recoveries = [
        Recovery("transfer", 800, 3, 0.256, 4.5, {}),
        Recovery("balance", 90, 0, None, 0.0, {}),
        Recovery("version given up", 0, 0, None, 12.0, {}, judged=False),
    ]
    losses = [Loss("rows", 700, 2, 5, 1.5, at_least=True), Loss("items", 60, 0, 0, 0.0)]
    return dataclasses.replace(outage, recoveries=recoveries, losses=losses)


@pytest.fixture
def unread(known: Result) -> Result:
    """Return a run of which a store could not be read, and that did not recover."""
    losses = [Loss("rows", 20, 1, 4, 0.5), Loss("items", 8, None, None, None, unread="denied")]
    return dataclasses.replace(known, recoveries=[Recovery("transfer", 50, 7, 0.0, None, {})], losses=losses)


def test_a_short_time_is_told_in_milliseconds() -> None:
    assert [lasted(each) for each in (None, 0.9, 1.0)] == ["unknown", "900 ms", "1.00 s"]


def test_one_run_stands_beside_the_objectives(known: Result) -> None:
    assert summary.of_run(known, target(rto=60, rpo=0.5)) == Summary(
        "Drill fake, Breakwater-x1",
        ("", "Errors", "Detected", "Recovered", "Lost writes", "RPO"),
        [
            ("transfer", "3 of 800", "0.26 s", "4.50 s", "", ""),
            ("balance", "0 of 90", "", "0.00 s", "", ""),
            ("version given up", "", "", "(12.00 s)", "", ""),
            ("rows", "", "", "", "2 of 700", "at least 1.50 s"),
            ("items", "", "", "", "0 of 60", "0.00 s"),
        ],
        [("measured", "", "", "4.50 s", "2", "at least 1.50 s"), ("objective", "", "", "60 s", "", "0.5 s")],
    )


def test_what_could_not_be_read_is_unknown_beside_the_objectives(unread: Result) -> None:
    found = summary.of_run(unread, target())
    assert found.rows == [
        ("transfer", "7 of 50", "0.00 s", "not recovered", "", ""),
        ("rows", "", "", "", "1 of 20", "0.50 s"),
        ("items", "", "", "", "unknown of 8", "unknown"),
    ]
    assert found.ends[0] == ("measured", "", "", "not recovered", "unknown", "unknown")


def test_several_runs_end_with_their_sum(known: Result, unread: Result) -> None:
    assert summary.of_runs([known, unread, known], target()) == Summary(
        "3 runs, Breakwater-x1",
        ("Run", "Errors", "RTO", "Acknowledged", "Lost", "Also found", "RPO"),
        [
            ("1", "3", "4.50 s", "760", "2", "5", "at least 1.50 s"),
            ("2", "7", "not recovered", "28", "unknown", "unknown", "unknown"),
            ("3", "3", "4.50 s", "760", "2", "5", "at least 1.50 s"),
        ],
        [
            ("all", "13", "", "1548", "5 known", "", ""),
            ("worst", "", "not recovered in 1 of 3", "", "", "", "unknown in 1 of 3"),
        ],
    )
    assert summary.of_runs([known, known], target()).ends == [
        ("all", "6", "", "1520", "4", "", ""),
        ("worst", "", "4.50 s", "", "", "", "at least 1.50 s"),
    ]


def test_the_worst_run_is_that_of_all(known: Result) -> None:
    slow = dataclasses.replace(known, recoveries=[Recovery("transfer", 1, 1, 0.1, 9.0, {})])
    lossy = dataclasses.replace(known, losses=[Loss("rows", 9, 4, 0, 3.0)])
    _, end = summary.of_runs([known, slow, lossy], target()).ends
    assert (end[2], end[6]) == ("9.00 s", "at least 3.00 s"), "one of them may have lost more than it shows"
    _, end = summary.of_runs([lossy, lossy], target()).ends
    assert end[6] == "3.00 s"


def test_the_spread_of_the_figures_is_in_the_words_of_their_units() -> None:
    spreads = {
        "failed requests": Spread("", 1, 2, 30),
        "request p50": Spread("s", 0.01, 0.25, 1.5),
        "RPO": Spread("s", None, None, None),
        "lost writes": Spread("", None, None, None),
    }
    assert summary.of_distribution(spreads) == Summary(
        "Distribution",
        ("", "p50", "p99", "Max"),
        [
            ("failed requests", "1", "2", "30"),
            ("request p50", "10 ms", "250 ms", "1.50 s"),
            ("RPO", "unknown", "unknown", "unknown"),
            ("lost writes", "unknown", "unknown", "unknown"),
        ],
        [],
    )
