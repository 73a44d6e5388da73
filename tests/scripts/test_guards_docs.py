"""docs/guards.md says what the guards are: fresh, complete, and compared with other tools on every broken fixture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules
from scripts import guards_docs
from scripts.compare_guards_cases import all_cases
from scripts.compare_guards_judges import JUDGES

COMMITTED = guards_docs.PAGE.read_text(encoding="utf-8")
COMPARISON = guards_docs.kept_comparison(COMMITTED)
SNIPPET = re.compile(r"^(Broken|Sound):\n\n```(json|yaml)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def test_the_committed_page_is_fresh() -> None:
    assert guards_docs.page(COMPARISON) == COMMITTED, "run `make guards-docs` and commit docs/guards.md"


def test_every_rule_was_compared_with_every_fixture_that_it_has_today() -> None:
    assert list(guards_docs.compared_rules(COMPARISON)) == list(all_rules()), "run `make compare` and commit the page"
    broken = [case.rule for case in all_cases(guards_docs.FIXTURES, list(all_rules())) if case.broken]
    sizes = {rule: int(size) for rule, size in re.findall(r"^\| \[(DR-[\w-]+)\]\S+ \| \d+/(\d+)", COMPARISON, re.M)}
    assert sizes == {rule: broken.count(rule) for rule in all_rules()}, "run `make compare` and commit the page"


def test_the_table_has_a_column_for_every_judge_and_the_guards_catch_everything() -> None:
    header, total = (
        next(line for line in COMPARISON.splitlines() if word in line) for word in ("| Rule |", "Broken f")
    )
    assert header == guards_docs.row("Rule", *JUDGES)
    caught, fixtures = re.findall(r"(\d+) of (\d+)", total)[0]
    assert caught == fixtures


@pytest.mark.parametrize("rule", all_rules())
def test_the_snippets_of_a_rule_are_judged_as_the_page_says(rule: str, tmp_path: Path) -> None:
    section = COMMITTED.partition(f"\n## {rule}\n")[2].partition("\n## ")[0]
    found = {label: (suffix, text) for label, suffix, text in SNIPPET.findall(section)}
    profile = Profile.SINGLE_REGION if Profile.SINGLE_REGION in all_rules()[rule].profiles else Profile.MULTI_REGION
    for label, (suffix, text) in found.items():
        file = tmp_path / f"{label}.{suffix}"
        file.write_text(text, encoding="utf-8")
        report = check(file, rules=[rule], profile=profile)
        assert bool(report.findings) is (label == "Broken"), label
    assert found or "```" in section, "a rule shows a broken and a sound template"


def test_markup_in_a_rule_is_shown_and_not_obeyed() -> None:
    assert guards_docs.prose("a <b> of `*.c` and * or [d]") == r"a \<b> of `*.c` and \* or \[d\]"
    assert guards_docs.row("a|b", "c") == r"| a\|b | c |"


def test_a_page_that_was_never_compared_says_so() -> None:
    assert guards_docs.kept_comparison("") == guards_docs.NOT_COMPARED
    assert guards_docs.kept_comparison(guards_docs.page("a table")) == "a table"
