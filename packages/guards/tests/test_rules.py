"""Every rule: compliant and non-compliant fixtures in several spellings.

Fixtures live in ``fixtures/<rule id>/``: a file or folder that begins with ``bad`` must give the rule's finding, one
that begins with ``good`` must not. The rest of a name says the spelling, e.g. ``bad-ref.yaml`` or the folder
``bad-nested``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from breakwater_guards import Profile, check
from breakwater_guards.engine import all_rules

FIXTURES = Path(__file__).parent / "fixtures"
RULES = all_rules()
VERBS = {"does", "is", "may", "names", "needs"}
CASES = [(path.parent.name, path) for path in sorted(FIXTURES.glob("*/*"))]


def _profile(rule: str) -> Profile:
    return Profile.SINGLE_REGION if Profile.SINGLE_REGION in RULES[rule].profiles else Profile.MULTI_REGION


@pytest.mark.parametrize(("rule", "path"), CASES, ids=[f"{rule}-{path.name}" for rule, path in CASES])
def test_fixture(rule: str, path: Path) -> None:
    report = check(path, rules=[rule], profile=_profile(rule))
    if path.name.startswith("bad"):
        assert report.findings, "the defect is not found"
        for finding in report.findings:
            assert finding.rule == rule
            assert finding.message
            assert finding.message.split()[0] not in VERBS, "the message does not say what it speaks of"
            assert finding.resource or not finding.path
            _assert_no_inner_wildcard(finding.message, path)
    else:
        assert path.name.startswith("good"), "fixtures are called bad… or good…"
        assert not report.findings, report.findings


def _assert_no_inner_wildcard(message: str, path: Path) -> None:
    """Refuse a wildcard inside a value, with which rules compare what is not known, unless the template has it."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    written = "".join(file.read_text(encoding="utf-8", errors="ignore") for file in files)
    words = [word.strip("'\".,;:()") for word in message.split()]
    assert not [word for word in words if "*" in word[:-1] and word not in written], message
    assert not [letter for letter in message if "\ue000" <= letter <= "\uf8ff"], message


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_fixtures_on_both_sides(rule: str) -> None:
    names = [path.name for path in (FIXTURES / rule).iterdir()]
    assert sum(name.startswith("bad") for name in names) >= 2, "at least two spellings of the defect"
    assert sum(name.startswith("good") for name in names) >= 1


def test_every_fixture_folder_is_a_rule() -> None:
    assert {path.name for path in FIXTURES.iterdir()} <= set(RULES)
