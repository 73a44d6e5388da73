"""docs/pitfalls.md: every row is answered, with a source, and linked to the rules and checks that find it."""

from __future__ import annotations

import re

from breakwater_guards.engine import all_rules
from ops.preflight.check import all_checks
from scripts.settings_table import environment_file
from stacks.settings.loader import ENVIRONMENTS
from tests.assembly import ROOT

TEXT = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
PITFALL = re.compile(r"^\| (?P<id>[PM]\d+) \| (?P<cells>.*) \|$", re.MULTILINE)


def test_all_pitfalls_are_answered_with_a_source() -> None:
    rows = {found["id"]: found["cells"].split(" | ") for found in PITFALL.finditer(TEXT)}
    assert set(rows) == {f"P{number}" for number in range(1, 49)} | {f"M{number}" for number in range(1, 22)}
    for name, (_, truth, answer) in rows.items():
        assert re.match(r"(Prevented|Not applicable|Planned|By design|By setting|Reduced)\b", answer), name
        if answer.startswith("Prevented"):
            assert re.search(r"`|P1\b|P39\b", answer), f"{name} names no file, test or other pitfall as proof"
        if name.startswith("M"):
            assert "https://" in truth, name


def test_every_guard_is_linked_by_its_own_id() -> None:
    links = re.findall(r"\[(DR-[A-Z0-9]+-\d{2})\]\(guards\.md#([a-z0-9-]+)\)", TEXT)
    assert len(links) > 30
    assert set(re.findall(r"DR-[A-Z0-9]+-\d{2}", TEXT)) == {rule for rule, _ in links}
    for rule, anchor in links:
        assert rule in all_rules()
        assert anchor == rule.lower()


def test_every_check_of_the_account_is_linked_by_its_own_id() -> None:
    links = re.findall(r"\[(PF-[A-Z0-9]+-\d{2})\]\(preflight\.md#([a-z0-9-]+)\)", TEXT)
    assert len(links) > 5
    assert set(re.findall(r"PF-[A-Z0-9]+-\d{2}", TEXT)) == {check for check, _ in links}
    for check, anchor in links:
        assert check in all_checks()
        assert anchor == check.lower()


def test_what_a_template_can_show_has_a_guard() -> None:
    """What stays without one is about tools, tests, prices or the account, as its row says."""
    unseen = {"P7", "P8", "P10", "P13", "P15", "P16", "P17", "P18", "P19", "P20", "P22", "P23", "P26", "P34", "P35"}
    unseen |= {"P36", "P37", "P41", "P44", "P48", "M4", "M6", "M7", "M11", "M13", "M14", "M15", "M19", "M20"}
    rows = {found["id"]: found["cells"] for found in PITFALL.finditer(TEXT)}
    assert {name for name, cells in rows.items() if "Guard: [DR-" not in cells} == unseen


def test_aws_claims_carry_a_source() -> None:
    """A claim about AWS without a link is one that nobody can check; process claims say so themselves."""
    process = {"P7", "P13", "P14", "P16", "P17", "P22", "P23", "P42", "P48"}
    for found in PITFALL.finditer(TEXT):
        if found["id"] not in process:
            assert "https://" in found["cells"], found["id"]


def test_continuous_backup_keeps_what_aurora_keeps() -> None:
    """As docs/pitfalls.md says of drift (M15)."""
    for environment in ENVIRONMENTS.glob("*.toml"):
        values = environment_file(environment.stem)
        assert values["backup.continuous_retention_days"] == values["database.backup_retention_days"]
