"""The runbook: a section for every alarm and component, and commands that AWS's own API models know."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from health_monitor.logic import Component
from health_monitor.notification import RUNBOOK
from stacks.names import OutputKey
from tests.assembly import ROOT, Assembly

TEXT = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
# Options that every command of the CLI takes, and one that only `invoke` has.
GLOBAL = {"query", "output", "region", "cli-binary-format"}
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
    section = TEXT[TEXT.index("### Health of the database") : TEXT.index("### Health of the backups")]
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
    """Every call of the AWS CLI, also one inside another, without what is around it."""
    joined = TEXT.replace("\\\n", " ")
    joined = re.sub(r"\$\(output (\w+)\)", r"\1", joined)
    blocks = [*re.findall(r"```sh\n(.*?)```", joined, re.DOTALL), *re.findall(r"`(aws [^`]+)`", joined)]
    found = []
    for block in blocks:
        for start in re.finditer(r"\baws (?=[a-z])", block):
            found.append(_until_end(block[start.end() :]))
    return found


def _until_end(text: str) -> str:
    """Cut a command off where its line, or the substitution that it is in, ends."""
    depth, quote, out = 0, "", []
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "\n" and depth == 0:
            break
        if depth < 0:
            break
        out.append(character)
    return "".join(out)


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("command", sorted(set(_commands())))
def test_every_command_is_one_that_the_api_knows(command: str) -> None:
    # A substitution is one word, whatever is in it.
    flat = re.sub(r"\$\((?:[^()]|\([^()]*\))*\)", "VALUE", command).replace('"', " ").replace("'", " ")
    service, operation, *rest = shlex.split(flat.replace("\\", " "))
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
    assert required <= options | ({"function-name"} if service == "lambda" else set()), required - options


def _waiter(waiters: Any, name: str) -> str:
    return next(str(each) for each in waiters.waiter_names if xform_name(each, "-") == name)
