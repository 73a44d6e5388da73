"""Three-valued answers."""

from __future__ import annotations

from breakwater_guards.model.answer import Answer, all_of, any_of


def test_of_ways_the_best_counts_and_of_conditions_the_worst() -> None:
    assert any_of([Answer.NO, Answer.MAYBE]) is Answer.MAYBE
    assert all_of([Answer.YES, Answer.MAYBE]) is Answer.MAYBE
    assert any_of([]) is Answer.NO
    assert all_of([]) is Answer.YES
