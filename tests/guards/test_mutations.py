"""Every rule of the guards fires on a mutation of our own app, and none on the app itself."""

from __future__ import annotations

import pytest

from breakwater_guards import Profile, check, cli
from breakwater_guards.engine import all_rules
from breakwater_guards.model.assembly import Assembly
from stacks.profiles import PROFILES
from tests import assembly as assemblies
from tests.guards.mutations import MutableApp, Mutation, all_mutations

RULES = all_rules()


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


def test_the_command_finds_our_own_app_clean(prod: assemblies.Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(prod.folder)]) == cli.CLEAN
    shown = capsys.readouterr()
    assert "0 errors, 0 warnings, 0 acknowledged" in shown.out
    assert shown.err == ""
