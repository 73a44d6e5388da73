"""The command: what it asks, what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from ops import __main__ as ops
from ops.errors import OpsError
from ops.preflight import cli
from ops.preflight.account import Account, CouldNotAsk
from tests.assembly import assembly
from tests.ops.preflight.cases import IDENTITY, Said, Session


def main(words: list[str]) -> int:
    """Run the command as a user does."""
    return ops.main(["preflight", *words])


ANSWERS: dict[str, Any] = {
    "sts:GetCallerIdentity": {**IDENTITY, "UserId": "x"},
    "ssm:GetParameter": {"Parameter": {"Value": "30"}},
    "s3:ListBuckets": {"Buckets": [{"Name": f"cdk-hnb659fds-assets-{IDENTITY['Account']}-us-east-1"}]},
}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the account by one that answers about its bootstrap only."""
    answers = dict(ANSWERS)
    monkeypatch.setattr(cli, "Account", lambda region: Account(region, Session(answers)))
    return answers


def _assembly() -> list[str]:
    return ["--assembly", str(assembly("dev").folder)]


@pytest.mark.usefixtures("account")
def test_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_assembly(), "--only", "PF-CDK"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 pass, 0 warn, 0 could-not-ask, 0 broken, 0 fail"


@pytest.mark.usefixtures("account")
def test_more_than_one_check_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--only", "PF-CDK", "--only", "PF-STS", "--skip", "PF-CDK-01", "--skip", "PF-STS", "--format", "json"]
    assert main([*_assembly(), *words]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["PF-CDK-02"]


def test_something_fails(account: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    account["ssm:GetParameter"] = {"Parameter": {"Value": "1"}}
    assert main([*_assembly(), "--only", "PF-CDK", "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["status"]) for row in rows] == [("PF-CDK-01", "fail"), ("PF-CDK-02", "pass")]


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--strict"], 1)])
def test_what_could_not_be_asked_fails_when_asked_to(
    words: list[str], code: int, account: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_assembly(), "--only", "PF-STS", "--only", "PF-CDK", *words]) == 0
    account["ssm:GetParameter"] = lambda **_: time.sleep(1.0)
    assert main([*_assembly(), "--only", "PF-CDK", "--timeout", "0.05", *words]) == code
    assert "no answer within 0.05 s" in capsys.readouterr().out


def _broken(**_: Any) -> Any:
    raise KeyError("Value")


@pytest.mark.parametrize(("version", "code"), [("30", 3), ("1", 1)])
def test_a_broken_check_has_a_code_of_its_own(
    version: str, code: int, account: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is known of the account where the check is broken; what fails beside it is the account's."""
    account.update({"s3:ListBuckets": _broken, "ssm:GetParameter": {"Parameter": {"Value": version}}})
    assert main([*_assembly(), "--only", "PF-CDK"]) == code
    assert "1 broken" in capsys.readouterr().out


def test_preflight_that_is_broken_does_not_say_that_the_account_is(
    account: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    account["sts:GetCallerIdentity"] = _broken
    assert main(_assembly()) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0] == "Traceback (most recent call last):"
    last = said.err.splitlines()[-1]
    assert last == "error: preflight itself is broken: KeyError: 'Value'. Report it with the lines above"


@pytest.mark.usefixtures("account")
def test_without_an_assembly_the_templates_are_synthesized(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-c", "suffix=x1", "--only", "PF-CDK-01"]) == 0
    assert "1 pass" in capsys.readouterr().out


def test_the_programs_of_this_machine_are_asked(
    account: dict[str, Any], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    for name, words in (("cdk", '[ "$*" = --version ] && echo 3.0.0; exit 1'), ("node", "exec sleep 60")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{words}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(cli, "VERSION_TIMEOUT_SECONDS", 0.2)
    assert main([*_assembly(), "--only", "PF-CLI", "--format", "json"]) == 1
    told = [tuple(row["findings"][0].values()) for row in json.loads(capsys.readouterr().out)]
    # A machine under load says nothing of the program.
    late = "`node --version` does not answer within 0.2 s: try again"
    assert told == [("fail", "cdk is 3.0.0"), ("could-not-ask", late)]
    (tmp_path / "node").write_text("no program")
    assert main([*_assembly(), "--only", "PF-CLI-02"]) == 1
    assert "node is of no readable version" in capsys.readouterr().out


@pytest.mark.usefixtures("account")
def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_assembly(), "--only", "PF-CDK"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main([*_assembly(), "--only", "PF-CDK", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    shown = re.sub(r"\x1b\[[\d;]*m", "", said.err)
    assert re.search(r"KAsking the account .* 100%", shown)
    # What the bar leaves: nothing.
    assert shown.endswith("\x1b[1A\x1b[2K")


def test_help_says_every_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for words in (["--help"], ["preflight", "--help"]):
        with pytest.raises(SystemExit):
            ops.main(words)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    # The command in the list, then its own help; Python 3.13 and later show a short option in another way.
    told = said[said.index("Check an account, read-only, for what would make a deployment fail.") :]
    listed = [line for line in said if "account, read-only" in line.lower()]
    assert [*listed, *(line for line in told if not line.startswith("-c"))] == snapshot.use_extension(Said)


def test_a_program_does_not_outlive_the_timeout_of_all(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(CouldNotAsk, match=r"^`node --version` does not answer within 0.2 s"):
        cli._version(str(program), timeout=0.2)
    assert time.monotonic() - began < 10


def test_every_check_can_be_listed_without_an_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 30
    assert all(line.startswith("PF-") for line in lines)


def _nobody(_region: str) -> Any:
    raise OpsError("no credentials: log in")


@pytest.mark.parametrize("word", ["0", "soon"])
def test_a_timeout_is_a_number_of_seconds(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--timeout", word])
    assert f"{word!r} is not a number of seconds from 0.01 to 3600" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-c", "suffix"], "-c suffix: expected key=value, e.g. -c environment=prod"),
        (["-c", "=x"], "-c =x: expected key=value"),
        (["-c", "database.min_acu=0.3"], "database.min_acu = 0.3 cannot be used"),
        (["--only", "PF-NO"], "PF-NO: no such check"),
        ([], "no credentials: log in"),
    ],
)
def test_a_mistake_is_one_line_and_asks_nothing(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "Account", _nobody)
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {told}")
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("account")
def test_an_assembly_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--assembly", str(tmp_path / "cdk.out")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/cdk.out")


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["ops", "preflight", "--list"])
    monkeypatch.delitem(sys.modules, "ops.__main__", raising=False)  # runpy warns of a module that it runs twice
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("ops", run_name="__main__")
    assert ended.value.code == 0
    assert "PF-RDS-01" in capsys.readouterr().out
