"""Every rule: compliant and non-compliant fixtures in several spellings, and a mutation of our own app.

Fixtures live in ``fixtures/<rule id>/``: a file or folder that begins with ``bad`` must give the rule's finding, one
that begins with ``good`` must not. The rest of a name says the spelling, e.g. ``bad-ref.yaml`` or the folder
``bad-nested``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from guards import Profile, check
from guards.engine import all_rules
from guards.template import Assembly
from tests import assembly as assemblies
from tests.guards.mutations import MutableApp, Mutation, all_mutations
from tests.profiles import PROFILES

FIXTURES = Path(__file__).parent / "fixtures"
RULES = all_rules()
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
            assert finding.resource or not finding.path
    else:
        assert path.name.startswith("good"), "fixtures are called bad… or good…"
        assert not report.findings, report.findings


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_fixtures_on_both_sides(rule: str) -> None:
    names = [path.name for path in (FIXTURES / rule).iterdir()]
    assert sum(name.startswith("bad") for name in names) >= 2, "at least two spellings of the defect"
    assert sum(name.startswith("good") for name in names) >= 1


def test_every_fixture_folder_is_a_rule() -> None:
    assert {path.name for path in FIXTURES.iterdir()} <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_mutation(rule: str) -> None:
    assert any(mutation.rule == rule for mutation in all_mutations())


@pytest.mark.parametrize("mutation", all_mutations(), ids=lambda item: f"{item.rule}-{item.name}")
def test_mutation_of_our_app_turns_exactly_its_rule_red(mutation: Mutation) -> None:
    app = MutableApp.copy_of(assemblies.assembly(mutation.profile))
    mutation.seed(app)
    settings = assemblies.assembly(mutation.profile).settings
    model = Assembly(app.documents, {"root.template.json": (settings.region, settings.account)})
    report = check(model, profile=Profile(mutation.judged_as))
    assert {finding.rule for finding in report.findings} == {mutation.rule}


@pytest.mark.parametrize("profile", PROFILES)
def test_no_finding_on_our_own_app(profile: str) -> None:
    report = check(assemblies.assembly(profile).folder)
    assert report.findings == ()
