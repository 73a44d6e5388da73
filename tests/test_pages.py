"""Pages that people act by: the runbook and the pitfalls."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from breakwater_guards.engine import all_rules
from health_monitor.logic import Component
from health_monitor.notification import RUNBOOK
from ops.preflight.check import all_checks
from scripts.settings_table import environment_file
from stacks.names import OutputKey
from stacks.settings.loader import ENVIRONMENTS
from tests import runbook
from tests.assembly import ROOT, Assembly

TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
# Options that every command of the CLI takes, and one that only `invoke` has.
GLOBAL = {"query", "output", "region", "cli-binary-format", "cli-read-timeout"}
# Commands of the CLI that are no operation of an API.
CUSTOM = {("logs", "tail"): {"since"}}


def _headings() -> list[str]:
    return re.findall(r"^#{2,3} (.+)$", TEXT, re.MULTILINE)


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def _alarm_subjects(deployment: Assembly) -> set[str]:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    tail = f"-{deployment.settings.suffix}-{deployment.settings.region}"
    names = [each["Properties"]["AlarmName"] for kind in kinds for _, each in deployment.all_of_type(kind)]
    return {name.removeprefix("dr-").removesuffix(tail) for name in names}


def test_every_alarm_has_its_section_and_says_so(deployment: Assembly) -> None:
    anchors = {_anchor(heading) for heading in _headings()}
    assert _alarm_subjects(deployment) <= anchors
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for path, alarm in deployment.all_of_type(kind):
            told = alarm["Properties"]["AlarmDescription"].rpartition("docs/runbook.md#")[2]
            assert alarm["Properties"]["AlarmName"].startswith(f"dr-{told}-"), path


def test_no_section_is_of_an_alarm_that_is_gone(dev: Assembly) -> None:
    sections = {heading for heading in _headings() if re.fullmatch(r"[a-z0-9-]+", heading)}
    assert sections == _alarm_subjects(dev)


@pytest.mark.parametrize("component", Component)
def test_every_notice_of_the_monitor_leads_to_a_section(component: Component) -> None:
    page, _, anchor = f"{RUNBOOK}{component}".partition("#")
    assert (ROOT / page).is_file()
    assert anchor in {_anchor(heading) for heading in _headings()}


def test_every_reason_that_is_quoted_is_one_of_the_monitors() -> None:
    section = TEXT[TEXT.index("### health-database") : TEXT.index("### health-backups")]
    quoted = re.findall(r"(?<!\*)\*([^*\n]+(?:\n[^*\n]+)?)\*(?!\*)", section)
    source = (ROOT / "lambda_src" / "health_monitor" / "logic.py").read_text(encoding="utf-8")
    assert len(quoted) > 10
    fragments = {fragment for reason in quoted for fragment in " ".join(reason.split()).split("…")}
    assert {fragment for fragment in fragments if fragment not in source} == set()


def test_every_link_within_the_page_leads_somewhere() -> None:
    anchors = {_anchor(heading) for heading in _headings()}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_output_that_a_command_asks_for_is_one() -> None:
    asked = set(re.findall(r"\$\(output (\w+)\)", TEXT))
    assert len(asked) > 10
    assert asked <= set(OutputKey)


def test_every_setting_that_is_named_is_one() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:backup|compute|database|network|operations|recovery|storage)\.\w+)", TEXT))
    assert len(named) > 10
    assert {name for name in named if f"`{name}`" not in settings} == set()


def _commands() -> list[str]:
    return [line for block in runbook.blocks(TEXT) for line in runbook.lines(block.text)]


def test_every_command_of_the_aws_cli_is_one_that_make_integration_runs() -> None:
    """One in a block of another kind, or in a sentence that goes on without backticks, would be run by nobody."""
    written = re.findall(r"\baws [a-z0-9-]+ [a-z]+-[a-z-]+|\baws (?:lambda invoke|logs tail) ", TEXT)
    assert len(written) == len(_commands()) > 50


def test_nothing_is_left_for_a_reader_to_put_in() -> None:
    """What stands for a value is in `runbook.REPLACED`; a name that is longer than two words is one of those."""
    page = runbook.script(runbook.blocks(TEXT), {})
    assert not re.findall(r"\bthe(?:-[a-z]+){2,}|…|<[a-z-]+>|2026-01-31", page)
    for placeholder in runbook.REPLACED:
        assert placeholder in TEXT, f"{placeholder} is not in the runbook any more"


@pytest.mark.parametrize(("command", "test"), runbook.ELSEWHERE.items())
def test_what_is_left_out_is_run_by_another_test(command: str, test: str) -> None:
    assert command.replace("python -m", ".venv/bin/python -m") in TEXT
    source = (ROOT / test).read_text(encoding="utf-8")
    assert ", ".join(f'"{word}"' for word in command.split()[3:]) in source


@pytest.mark.parametrize(("section", "test"), runbook.LAST.items())
def test_what_removes_the_platform_is_run_by_another_test(section: str, test: str) -> None:
    assert f"\n## {section}\n" in TEXT
    assert section in (ROOT / test).read_text(encoding="utf-8")


def test_a_command_is_found_whatever_stands_around_it() -> None:
    page = """## One\n```sh\nX=$(aws sqs get-queue-url --queue-name "$(output Queue)" --query \"a(b)\") # aws\n```
and `aws rds start-db-cluster\n  --db-cluster-identifier x`.\n"""
    one, two = runbook.blocks(page)
    assert (one.section, two.text) == ("One", "aws rds start-db-cluster --db-cluster-identifier x")
    assert list(runbook.commands([one, two])) == [
        runbook.Command(0, "sqs", "get-queue-url", ("--query", "--queue-name")),
        runbook.Command(1, "rds", "start-db-cluster", ("--db-cluster-identifier",)),
    ]
    assert runbook.script([one, two], {"One": "before"}).startswith("before\nexport RUNBOOK_BLOCK=0\nX=")


def test_what_waits_longer_than_the_cli_says_so() -> None:
    (failover,) = (
        each for each in _commands() if "FailoverFunctionName" in each and "reason" in each and "dry" not in each
    )
    assert "--cli-read-timeout 0" in failover


def test_scaling_is_suspended_before_tasks_are_stopped_and_goes_on_with_them() -> None:
    commands = _commands()
    suspend, resume = (each for each in commands if "--suspended-state" in each)
    stop, start = (each for each in commands if "--desired-count" in each)
    assert stop.endswith("--desired-count 0")
    order = [commands.index(each) for each in (suspend, stop, start, resume)]
    assert order == sorted(order)
    assert suspend.count("=true") == resume.count("=false") == 3


def test_a_backup_into_a_locked_vault_states_its_retention() -> None:
    starts = [each for each in _commands() if each.startswith("backup start-backup-job")]
    assert starts
    assert all("--lifecycle DeleteAfterDays=" in each for each in starts)


def test_what_is_protected_is_unprotected_before_it_is_deleted() -> None:
    commands = _commands()
    (deleted,) = (each for each in commands if each.startswith("dynamodb delete-table"))
    (lifted,) = (each for each in commands if "--no-deletion-protection-enabled" in each)
    assert commands.index(lifted) == commands.index(deleted) - 1


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("command", sorted(set(_commands())))
def test_every_command_is_one_that_the_api_knows(command: str) -> None:
    service, operation, *rest = runbook.words(command)
    service = "s3" if service == "s3api" else service  # what the CLI calls the API of S3
    options = {word.removeprefix("--").split("=")[0] for word in rest if word.startswith("--")}
    if (service, operation) in CUSTOM:
        assert options <= CUSTOM[service, operation] | GLOBAL
        return
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service)
        assert rest[0] in {xform_name(name, "-") for name in waiters.waiter_names}
        operation = xform_name(waiters.get_waiter(_waiter(waiters, rest[0])).operation, "-")
    operations = {xform_name(name, "-"): name for name in _model(service).operation_names}
    assert operation in operations
    shape = _model(service).operation_model(operations[operation]).input_shape
    known = {xform_name(member, "-") for member in shape.members}
    known |= {f"no-{member}" for member in known} | {"max-items", "payload"}
    assert options <= known | GLOBAL, sorted(options - known - GLOBAL)
    required = {
        xform_name(member, "-")
        for member in shape.required_members
        if not shape.members[member].metadata.get("idempotencyToken")  # the CLI makes one up
    }
    options |= {option.removeprefix("no-") for option in options}
    assert required <= options | ({"function-name"} if service == "lambda" else set()), required - options


def _waiter(waiters: Any, name: str) -> str:
    return next(str(each) for each in waiters.waiter_names if xform_name(each, "-") == name)


PITFALLS = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
PITFALL = re.compile(r"^\| (?P<id>[PM]\d+) \| (?P<cells>.*) \|$", re.MULTILINE)


def test_all_pitfalls_are_answered_with_a_source() -> None:
    rows = {found["id"]: found["cells"].split(" | ") for found in PITFALL.finditer(PITFALLS)}
    assert set(rows) == {f"P{number}" for number in range(1, 49)} | {f"M{number}" for number in range(1, 22)}
    for name, (_, truth, answer) in rows.items():
        assert re.match(r"(Prevented|Not applicable|Planned|By design|By setting|Reduced)\b", answer), name
        if answer.startswith("Prevented"):
            assert re.search(r"`|P1\b|P39\b", answer), f"{name} names no file, test or other pitfall as proof"
        if name.startswith("M"):
            assert "https://" in truth, name


def test_every_guard_is_linked_by_its_own_id() -> None:
    links = re.findall(r"\[(DR-[A-Z0-9]+-\d{2})\]\(guards\.md#([a-z0-9-]+)\)", PITFALLS)
    assert len(links) > 30
    assert set(re.findall(r"DR-[A-Z0-9]+-\d{2}", PITFALLS)) == {rule for rule, _ in links}
    for rule, anchor in links:
        assert rule in all_rules()
        assert anchor == rule.lower()


def test_every_check_of_the_account_is_linked_by_its_own_id() -> None:
    links = re.findall(r"\[(PF-[A-Z0-9]+-\d{2})\]\(preflight\.md#([a-z0-9-]+)\)", PITFALLS)
    assert len(links) > 5
    assert set(re.findall(r"PF-[A-Z0-9]+-\d{2}", PITFALLS)) == {check for check, _ in links}
    for check, anchor in links:
        assert check in all_checks()
        assert anchor == check.lower()


def test_what_a_template_can_show_has_a_guard() -> None:
    """What stays without one is about tools, tests, prices or the account, as its row says."""
    unseen = {"P7", "P8", "P10", "P13", "P15", "P16", "P17", "P18", "P19", "P20", "P22", "P23", "P26", "P34", "P35"}
    unseen |= {"P36", "P37", "P41", "P44", "P48", "M4", "M6", "M7", "M11", "M13", "M14", "M15", "M19", "M20"}
    rows = {found["id"]: found["cells"] for found in PITFALL.finditer(PITFALLS)}
    assert {name for name, cells in rows.items() if "Guard: [DR-" not in cells} == unseen


def test_aws_claims_carry_a_source() -> None:
    """A claim about AWS without a link is one that nobody can check; process claims say so themselves."""
    process = {"P7", "P13", "P14", "P16", "P17", "P22", "P23", "P42", "P48"}
    for found in PITFALL.finditer(PITFALLS):
        if found["id"] not in process:
            assert "https://" in found["cells"], found["id"]


def test_continuous_backup_keeps_what_aurora_keeps() -> None:
    """As docs/pitfalls.md says of drift (M15)."""
    for environment in ENVIRONMENTS.glob("*.toml"):
        values = environment_file(environment.stem)
        assert values["backup.continuous_retention_days"] == values["database.backup_retention_days"]
