"""What each tool says becomes a line, and a tool that is missing or fails is no pass."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards.engine import examine
from breakwater_guards.report import Report, Unjudged
from breakwater_guards.rule import Severity
from breakwater_guards.tools import MissingToolError
from ops import REPOSITORY
from ops.check import parts, tools
from ops.check.part import Line, Part
from ops.preflight.account import Account
from ops.preflight.check import Status
from tests.assembly import assembly
from tests.ops.preflight.cases import Session, plan
from tests.ops.preflight.cases_stack import deployed


def _like(found: Report, **changed: Any) -> Any:
    return lambda *_, **__: found._replace(**changed)


def test_findings_fail_or_warn_as_their_tools_say(monkeypatch: pytest.MonkeyPatch) -> None:
    report = examine(plan("dev").assembly, tools=["cloudformation-validate"])
    (warning, *_) = [each for each in report.findings if each.tool]
    found = [
        warning._replace(tool=tool, severity=severity, rule="X1", construct=construct, message=severity.value, fix="f")
        for tool, construct in (("", "A/B/C"), ("cfn-lint", None), ("cdk-preflight", "A/B/C"))
        for severity in Severity
    ]
    unjudged = (Unjudged(rule="DR-A-1", error=KeyError("k")), Unjudged(rule="cfn-lint", error=KeyError("k")))
    monkeypatch.setattr(tools, "examine", _like(report, findings=tuple(found), unjudged=unjudged))
    judged = partial(tools.judge, plan("dev"), tools.TOOLS)
    statuses = {name: [line.status for line in tools.rules(name, plan("dev"), judged).lines] for name in tools.TOOLS}
    assert statuses == {
        "guards": [Status.FAIL, Status.BROKEN, Status.WARN],
        "cfn-lint": [Status.FAIL, Status.FAIL, Status.BROKEN],
        "cdk-preflight": [Status.FAIL, Status.WARN],
    }
    (first, *_) = tools.rules("cfn-lint", plan("dev"), judged).lines
    assert first == Line(Status.FAIL, f"X1 {warning.template} ({warning.path}): error", "f")


def test_the_tools_that_are_there_judge_once_and_a_missing_one_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def load(tool: str) -> Any:
        if tool == "cfn-lint":
            raise MissingToolError("--with cfn-lint: cfn-lint is not installed; run: pip install cfn-lint")

    def judge(*_: Any, tools: list[str], **__: Any) -> Report:
        asked.append(tools)
        return Report(findings=(), acknowledged=(), rules=())

    monkeypatch.setattr(tools, "loader", load)
    monkeypatch.setattr(tools, "examine", judge)
    judged = tools.judge(plan("dev"), tools.TOOLS)
    assert asked == [["cloudformation-validate", "cdk-preflight"]]
    part = tools.rules("cfn-lint", plan("dev"), lambda: judged)
    assert (part.status, part.summary) == (Status.COULD_NOT_ASK, "not asked: cfn-lint is not installed")
    assert (part.missing, "make install" in part.lines[0].fix) == ("cfn-lint", True)
    assert tools.rules("guards", plan("dev"), lambda: judged).status is Status.PASS


def test_schemas_that_are_not_installed_are_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise ModuleNotFoundError("no", name="cfnlint")

    monkeypatch.setattr(parts, "of_templates", missing)
    account = Account("us-east-1", Session(deployed(lambda _: None)))
    part = parts.changes(account, assembly("dev").settings, plan("dev"))
    assert (part.status, part.summary, part.missing) == (
        Status.COULD_NOT_ASK, "not asked: cfnlint is not installed", "cfnlint"
    )  # fmt: skip


def test_the_pinned_tools_are_used_from_any_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, Any] = {}

    def run(command: list[str], **options: Any) -> Any:
        given.update(options, command=command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("ops.check.parts.subprocess.run", run)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/bin")
    assert parts.synthesis([], Path("cdk.out"), tmp_path).status is Status.PASS
    assert given["env"]["PATH"].split(os.pathsep)[1:] == [str(REPOSITORY / "node_modules" / ".bin"), "/bin"]
    assert given["cwd"] == REPOSITORY
    assert str(tmp_path / "cdk.out") in given["command"]


def _cdk(monkeypatch: pytest.MonkeyPatch, answer: Callable[[list[str]], Any]) -> Part:
    monkeypatch.setattr("ops.check.parts.subprocess.run", lambda command, **_: answer(command))
    return parts.synthesis(["a=b"], None, Path("out"))


def test_a_synthesis_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(command: list[str]) -> Any:
        assert command[-4:] == ["--output", "out", "-c", "a=b"]
        return subprocess.CompletedProcess(command, 1, "Synthesis time: 2s\nDR-A-1 is broken\n", "Subprocess exited\n")

    part = _cdk(monkeypatch, failing)
    assert part.lines == (Line(Status.FAIL, "DR-A-1 is broken"),)
    silent = _cdk(monkeypatch, lambda command: subprocess.CompletedProcess(command, 7, "", ""))
    assert silent.lines == (Line(Status.FAIL, "cdk ended with code 7"),)


def _raise(error: Exception, _: list[str]) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(), "cdk is not on the PATH"),
        (subprocess.TimeoutExpired("cdk", 1), "no synthesis within 120 s"),
    ],
)
def test_a_synthesis_that_does_not_run_fails(monkeypatch: pytest.MonkeyPatch, error: Exception, told: str) -> None:
    part = _cdk(monkeypatch, partial(_raise, error))
    assert (part.status, part.summary) == (Status.FAIL, told)
