"""The command: its parts side by side, its verdict and how it ends."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from ops import __main__ as ops
from ops.check import parts, tools
from ops.check.changes import CHANGE_SET_CALL
from ops.check.part import PARTS, Line, Part
from ops.preflight.check import Outcome, Status
from ops.preflight.engine import CheckResult
from stacks.profiles import PROFILES
from tests.assembly import assembly
from tests.ops.check.conftest import IDENTITY_CALL, Answers, Run
from tests.ops.preflight.cases import plan, refuse
from tests.ops.preflight.cases_stack import Documents, deployed

LOST = "Breakwater-dev/Storage/Table/Resource"


def _keyed(documents: Documents) -> None:
    """Deploy the table with another key and name than the planned ones."""
    for document in documents.values():
        for body in document["Resources"].values():
            if body["Type"] == "AWS::DynamoDB::GlobalTable":
                body["Properties"]["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
                body["Properties"]["TableName"] = "old"


def _no_credentials(**_: Any) -> Any:
    raise NoCredentialsError


@pytest.mark.usefixtures("answers")
def test_go_when_every_part_passes(run: Run, cdk: list[list[str]]) -> None:
    found = run(code=0)
    assert found["statuses"] == dict.fromkeys(PARTS, "pass")
    assert (found["go"], found["verdict"]) == (True, "GO: nothing stands against a deployment")
    assert found["subject"] == "Breakwater-dev (dev, us-east-1)"
    told = {part["name"]: part["summary"] for part in found["parts"]}
    assert told["changes"].startswith("nothing changes (templates of 9 stacks compared, schemas of cfn-lint ")
    # Warnings that the repository has a reason for are counted, not told.
    assert re.fullmatch(r"9 templates, nothing found, \d accepted", told["cdk-preflight"])
    (command,) = cdk
    assert command[:2] == ["cdk", "validate"]
    assert "--no-online" in command  # it would make a change set
    assert str(assembly("dev").folder) in command


@pytest.mark.usefixtures("cdk")
def test_no_go_when_data_would_be_lost_unless_it_is_accepted(run: Run, answers: Answers) -> None:
    answers.update(deployed(_keyed))
    found = run("--only", "changes", code=1)
    assert (found["go"], found["verdict"]) == (False, "NO GO: changes")
    (lost, follower) = found["parts"][0]["findings"]
    assert lost["text"].startswith(f"replace {LOST} (AWS::DynamoDB::GlobalTable): KeySchema is ")
    assert lost["fix"].endswith(f"--accept {LOST}")
    assert (lost["status"], follower["status"], follower["fix"]) == ("fail", "warn", "")
    assert {change["status"] for change in found["parts"][0]["changes"]} == {"fail", "warn", "pass"}
    accepted = run("--only", "changes", "--accept", "Breakwater-dev/Storage/Table", code=0)
    assert accepted["parts"][0]["findings"][0]["text"].endswith("(accepted)")
    # Another construct is not below a path because its name begins like it.
    beside = run("--only", "changes", "--accept", "Breakwater-dev/Stor", code=1)["parts"][0]["findings"]
    assert "--accept Breakwater-dev/Stor is stale: nothing there would be lost or weakened" in beside[-1]["text"]
    # An unset variable of a pipeline accepts nothing.
    assert run("--only", "changes", "--accept", "", code=1)["statuses"] == {"changes": "fail"}


@pytest.mark.usefixtures("cdk")
def test_what_cloudformation_refuses_cannot_be_accepted(run: Run, answers: Answers) -> None:
    def other_key(documents: Documents) -> None:
        name = plan("dev").resources("AWS::DynamoDB::GlobalTable")[0].body["Properties"]["TableName"]
        _keyed(documents)
        for document in documents.values():
            for body in document["Resources"].values():
                if body["Type"] == "AWS::DynamoDB::GlobalTable":
                    body["Properties"]["TableName"] = name

    answers.update(deployed(other_key))
    (part,) = run("--only", "changes", "--accept", "Breakwater-dev", code=1)["parts"]
    assert part["findings"][0]["fix"] == "Give it another TableName as well, or set it back."


@pytest.mark.usefixtures("cdk")
@pytest.mark.parametrize(("words", "code", "status"), [((), 0, "could-not-ask"), (("--require-account",), 1, "fail")])
def test_without_credentials_the_account_is_not_asked(
    run: Run, answers: Answers, words: tuple[str, ...], code: int, status: str
) -> None:
    answers[IDENTITY_CALL] = _no_credentials
    found = run("--only", "account", "--only", "changes", *words, code=code)
    assert found["statuses"] == {"account": status, "changes": status}
    assert {part["summary"] for part in found["parts"]} == {"not asked: no credentials"}
    assert "python -m ops local run" in found["parts"][0]["findings"][0]["fix"]
    if not words:
        assert found["verdict"].endswith("; not everything could be asked: account, changes")


@pytest.mark.usefixtures("cdk")
@pytest.mark.parametrize(
    ("call", "code", "told"),
    [
        (IDENTITY_CALL, "ExpiredToken", "expired"),
        ("cloudformation:GetTemplate", "AccessDenied", "GetTemplate is missing"),
    ],
)
def test_whoever_is_logged_in_is_told_that_the_account_did_not_answer(
    run: Run, answers: Answers, call: str, code: str, told: str
) -> None:
    answers[call] = refuse(code)
    (part,) = run("--only", "changes", code=1)["parts"]
    assert told in part["summary"]


@pytest.mark.usefixtures("cdk")
def test_before_the_first_deployment_all_is_new(run: Run, answers: Answers) -> None:
    answers["cloudformation:ListStackResources"] = refuse("ValidationError")
    (part,) = run("--only", "changes", "--accept", "Breakwater-dev/Old", code=0)["parts"]
    resources = sum(len(each.resources) for each in plan("dev").assembly.templates.values())
    assert part["summary"] == f"first deployment, {resources} resources"
    (stale,) = part["findings"]
    assert (stale["status"], stale["fix"]) == ("warn", "Remove it.")
    assert stale["text"].startswith("--accept Breakwater-dev/Old is stale")


@pytest.mark.parametrize(("environment", "status", "code"), [("dev", "warn", 0), ("prod", "fail", 1)])
@pytest.mark.usefixtures("cdk")
def test_a_protection_that_is_weakened_is_no_go_but_in_dev(
    answers: Answers, capsys: pytest.CaptureFixture[str], environment: str, status: str, code: int
) -> None:
    def stronger(documents: Documents) -> None:
        for document in documents.values():
            for body in document["Resources"].values():
                if body["Type"] == "AWS::RDS::DBCluster":
                    body["Properties"] |= {"BackupRetentionPeriod": 42}

    answers.update(deployed(stronger, planned=plan(environment)))
    context = [word for key, value in PROFILES[environment].items() for word in ("-c", f"{key}={value}")]
    words = [
        "check",
        "--assembly",
        str(assembly(environment).folder),
        "--format",
        "json",
        "--only",
        "changes",
        *context,
    ]
    assert ops.main(words) == code
    (part,) = json.loads(capsys.readouterr().out)["parts"]
    (line,) = part["findings"]
    told = "weakened: how far point-in-time recovery reaches back: BackupRetentionPeriod is 42, planned is "
    assert (line["status"], told in line["text"]) == (status, True)
    assert part["summary"].startswith("1 weaken (")
    assert part["changes"][0]["weakened"]
    assert ops.main([*words, "--accept", part["changes"][0]["where"]]) == 0
    capsys.readouterr()


@pytest.mark.usefixtures("cdk")
def test_a_change_set_is_used_where_it_is_named(run: Run, answers: Answers) -> None:
    removed = {"Action": "Remove", "LogicalResourceId": "Old", "ResourceType": "AWS::S3::Bucket"}
    answers[CHANGE_SET_CALL] = {"Changes": [{"Type": "Resource", "ResourceChange": removed}]}
    (part,) = run("--only", "changes", "--change-set", "run-1", code=1)["parts"]
    assert part["summary"] == "1 remove (change set run-1)"
    answers[CHANGE_SET_CALL] = refuse("ChangeSetNotFound")
    (part,) = run("--only", "changes", "--change-set", "run-1", code=1)["parts"]
    assert part["summary"].startswith("change set run-1: ")
    assert "prepare-change-set" in part["findings"][0]["fix"]


@pytest.mark.usefixtures("answers", "cdk")
def test_the_checks_of_the_account_are_told_and_how_to_see_those_that_could_not_be_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def examine(*given: Any) -> list[CheckResult]:
        checks = {check.id: check for check in given[-1]}
        asked.extend(checks)
        statuses = {"PF-RDS-01": Status.FAIL, "PF-VPC-01": Status.COULD_NOT_ASK, "PF-SNS-01": Status.PASS}
        return [CheckResult(checks[name], (Outcome(status, "m"),), 0.1) for name, status in statuses.items()]

    monkeypatch.setattr("ops.check.parts.preflight.examine", examine)
    (part,) = run("--only", "account", code=1)["parts"]
    assert part["summary"] == "account 111111111111, us-east-1: 1 fail, 1 could-not-ask, 1 pass"
    assert [line["text"] for line in part["findings"]][:2] == ["PF-RDS-01 m", "PF-VPC-01 m"]
    assert "`python -m ops preflight --only PF-VPC-01`" in part["findings"][2]["text"]
    # The part `changes` answers it, with what is accepted.
    assert "PF-CFN-03" not in asked


@pytest.mark.usefixtures("answers", "cdk")
def test_an_account_that_answers_nothing_has_not_passed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs no account passes, and must not hide that a role may read nothing."""

    def examine(*given: Any) -> list[CheckResult]:
        denied, fine = Outcome(Status.COULD_NOT_ASK, "denied"), Outcome(Status.PASS, "fine")
        return [CheckResult(check, (denied if check.calls else fine,), 0.1) for check in given[-1]]

    monkeypatch.setattr("ops.check.parts.preflight.examine", examine)
    (part,) = run("--only", "account", code=1)["parts"]
    assert part["findings"][0]["text"] == "the account answered nothing: its permissions allow no check"


def test_settings_alone_need_no_synthesis(run: Run) -> None:
    assert run("--only", "settings", code=0)["verdict"] == "GO as far as asked: settings"


def test_settings_that_cannot_be_used_are_a_report(run: Run) -> None:
    found = run("-c", "database.max_acu=0.7", code=1)
    assert found["statuses"] == {"settings": "fail"} | dict.fromkeys(PARTS[1:], "could-not-ask")
    assert "database.max_acu = 0.7 cannot be used" in found["parts"][0]["findings"][0]["text"]


@pytest.mark.usefixtures("answers")
def test_what_needs_the_templates_waits_for_a_synthesis_that_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "synthesis", lambda *_: Part("synthesis", "no", (Line(Status.FAIL, "no"),)))
    assert ops.main(["check", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["parts"]
    assert [part["status"] for part in found] == ["pass", "fail", *["could-not-ask"] * 5]
    assert ops.main(["check", "--only", "changes", "--format", "json"]) == 1
    failed, waiting = json.loads(capsys.readouterr().out)["parts"]
    assert (failed["name"], failed["status"]) == ("synthesis", "fail")
    assert waiting["findings"][0]["fix"] == "Correct the synthesis: no"


@pytest.mark.usefixtures("answers")
def test_a_part_alone_is_told_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def copied(_context: list[str], _given: None, folder: Path) -> Part:
        shutil.copytree(assembly("dev").folder, folder, dirs_exist_ok=True)
        return Part("synthesis", "fine")

    monkeypatch.setattr(parts, "synthesis", copied)
    for name in ("guards", "changes"):
        assert ops.main(["check", "--only", name, "--format", "json"]) == 0
        assert [part["name"] for part in json.loads(capsys.readouterr().out)["parts"]] == [name]


@pytest.mark.usefixtures("answers", "cdk")
def test_a_part_that_is_broken_is_no_go_and_keeps_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setattr(tools, "rules", broken)
    found = run("--only", "guards", "--only", "changes", code=1)
    assert found["statuses"] == {"guards": "broken", "changes": "pass"}
    assert found["verdict"] == "NO GO: guards"


@pytest.mark.usefixtures("answers", "cdk")
def test_a_tool_that_is_not_installed_ends_with_3_unless_something_stands_against_it(
    run: Run, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "missing", lambda name: "cfn-lint" if name == "cfn-lint" else "")
    found = run("--only", "cfn-lint", "--only", "changes", code=3)
    assert (found["go"], found["statuses"]) == (False, {"cfn-lint": "could-not-ask", "changes": "pass"})
    answers.update(deployed(_keyed))
    assert run("--only", "cfn-lint", "--only", "changes", code=1)["verdict"].startswith("NO GO: changes")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-c", "environment"], "error: -c environment: expected key=value"),
        (["--only", "guards", "-c", "suffix=x1", "--assembly"], "the settings are of Breakwater-x1: repeat the -c"),
    ],
)
def test_a_wrong_command_line_ends_with_2(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = [str(assembly("dev").folder)] if words[-1] == "--assembly" else []
    assert ops.main(["check", *words, *folder]) == 2
    said = capsys.readouterr()
    assert (told in said.err, said.out) == (True, "")


def test_a_report_that_cannot_be_written_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    assert ops.main(["check", "--only", "settings", "--format", "github"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: the report cannot be written: [Errno 2]")
    assert "Traceback" not in said


@pytest.mark.usefixtures("answers", "cdk")
def test_progress_ends_at_its_total(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--only", "changes", code=0)["go"]
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = ["check", "--assembly", str(assembly("dev").folder), "--only", "changes", "--only", "guards"]
    assert ops.main(words) == 0
    said = capsys.readouterr()
    plain = re.sub(r"\x1b\[[\d;]*m", "", said.out)
    assert plain.splitlines()[-1].startswith("GO as far as asked: guards, changes (")
    counts = [tuple(map(int, found)) for found in re.findall(r"(\d+)/(\d+)", re.sub(r"\x1b\[[\d;?]*\w", "", said.err))]
    assert counts[-1] == (2, 2)
    assert all(done <= total == 2 for done, total in counts)
