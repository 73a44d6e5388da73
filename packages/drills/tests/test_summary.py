"""What a person reads of one run, and of several."""

from __future__ import annotations

import dataclasses

from breakwater_drills import Result, summary
from breakwater_drills.measure import unknown
from breakwater_drills.summary import Summary
from drills_testing.fakes import target


def shown(found: Summary) -> str:
    """Return every cell of a table in which each row has as many as there are heads."""
    rows = [*found.rows, *found.ends]
    assert {len(row) for row in rows} == {len(found.heads)}
    return "\n".join(" | ".join(row) for row in rows)


def test_one_run_stands_beside_the_objectives(outage: Result) -> None:
    found = summary.of_run(outage, target())
    measured, objective = found.ends
    assert found.title == f"Drill {outage.drill}, {target().stack}"
    assert measured == ("measured", "", "", f"{outage.rto_seconds:.2f} s", str(outage.lost), outage.rpo)
    assert objective[3] == "300 s"
    names = [*(each.name for each in outage.recoveries), *(each.name for each in outage.losses)]
    assert [row[0] for row in found.rows] == names


def test_several_runs_end_with_their_sum(outage: Result) -> None:
    found = summary.of_runs([outage, outage], target())
    assert found.title == f"2 runs, {target().stack}"
    assert [row[0] for row in found.rows] == ["1", "2"]
    acknowledged = str(2 * outage.losses[0].acknowledged)
    assert found.ends == [("all", "", f"worst {outage.rto_seconds:.2f} s", acknowledged, "0", "", "worst 0.00 s")]


def test_the_sum_does_not_pass_over_the_run_that_never_came_back(outage: Result) -> None:
    lost = dataclasses.replace(outage.losses[0], lost=4, rpo_seconds=1.5, at_least=True)
    slow = dataclasses.replace(outage, recoveries=[dataclasses.replace(outage.recoveries[0], rto_seconds=9.0)])
    text = shown(summary.of_runs([outage, dataclasses.replace(outage, losses=[lost]), slow], target()))
    assert "worst 9.00 s" in text
    assert "worst at least 1.50 s" in text
    text = shown(summary.of_runs([outage, dataclasses.replace(outage, restored=False), slow], target()))
    assert "worst not recovered in 1 of 3" in text
    assert "unknown" not in text


def test_what_could_not_be_compared_is_unknown(outage: Result) -> None:
    found = dataclasses.replace(outage, losses=[*outage.losses, unknown("copy", outage.samples, "nowhere")])
    assert shown(summary.of_run(found, target())).count("unknown") == 4
    text = shown(summary.of_runs([found, found], target()))
    assert "worst unknown in 2 of 2" in text
    assert "0 known" in text
