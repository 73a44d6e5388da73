"""The guards on our own app: each rule fires on a mutation, none on the app itself; the hook for other repositories."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date

import pytest
import yaml

from breakwater_guards import Profile, check, cli
from breakwater_guards.engine import all_rules
from breakwater_guards.facts.clock import pinned
from breakwater_guards.model.assembly import Assembly
from tests import assembly as assemblies
from tests.assembly import ROOT
from tests.guards.mutations import MutableApp, Mutation, all_mutations

DAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def day() -> Iterator[date]:
    with pinned(DAY):
        yield DAY


RULES = all_rules()


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_mutation(rule: str) -> None:
    assert any(mutation.rule == rule for mutation in all_mutations())


@pytest.fixture
def seeded(mutation: Mutation) -> assemblies.Assembly:
    """Return the app that a mutation changes."""
    return assemblies.assembly(mutation.profile)


@pytest.mark.parametrize("mutation", all_mutations(), ids=lambda item: f"{item.rule}-{item.name}")
def test_mutation_of_our_app_turns_exactly_its_rule_red(mutation: Mutation, seeded: assemblies.Assembly) -> None:
    app = MutableApp.copy_of(seeded)
    mutation.seed(app)
    model = Assembly(app.documents, {"root.template.json": (seeded.settings.region, seeded.settings.account)})
    report = check(model, profile=Profile(mutation.judged_as))
    assert {finding.rule for finding in report.findings} == {mutation.rule}


def test_no_finding_on_our_own_app(deployment: assemblies.Assembly) -> None:
    report = check(deployment.folder)
    assert report.findings == ()


def test_the_command_finds_our_own_app_clean(prod: assemblies.Assembly, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(prod.folder)]) == cli.CLEAN
    shown = capsys.readouterr()
    assert "0 errors, 0 warnings, 2 acknowledged" in shown.out
    assert shown.err == ""


(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_the_entry_takes_what_pre_commit_appends() -> None:
    program, *words = HOOK["entry"].split()
    assert program == HOOK["id"] == "breakwater-guards"
    options = cli._parser().parse_args([*words, "a.yaml", "b.json"])
    assert options.paths == ["a.yaml", "b.json"]
    assert options.skip_other_files


def test_what_pre_commit_installs_is_the_guards_and_nothing_of_the_platform() -> None:
    (package,) = HOOK["additional_dependencies"]
    project = tomllib.loads((ROOT / package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert HOOK["id"] in project["scripts"]
    top = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "dependencies" not in top["project"]
    assert top["tool"]["setuptools"] == {"py-modules": []}
