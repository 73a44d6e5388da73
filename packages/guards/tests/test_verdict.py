"""Three-valued answers."""

from __future__ import annotations

from breakwater_guards.model.verdict import Verdict, all_of, any_of


def test_of_ways_the_best_counts_and_of_conditions_the_worst() -> None:
    assert any_of([Verdict.NO, Verdict.MAYBE]) is Verdict.MAYBE
    assert all_of([Verdict.YES, Verdict.MAYBE]) is Verdict.MAYBE
    assert any_of([]) is Verdict.NO
    assert all_of([]) is Verdict.YES
