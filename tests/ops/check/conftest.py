"""An account in which dev is deployed as it is planned, a CDK CLI that finds nothing, and the command over both."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ops import __main__ as ops
from ops.check import cli
from ops.preflight.account import Account
from tests.assembly import assembly
from tests.ops.preflight.cases import IDENTITY, Session
from tests.ops.preflight.cases_stack import deployed

IDENTITY_CALL = "sts:GetCallerIdentity"
Answers = dict[str, Any]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Replace the account by one in which dev is deployed as it is planned, and whose checks all pass."""
    given: Answers = {IDENTITY_CALL: {**IDENTITY, "UserId": "x"}, **deployed(lambda _: None)}
    monkeypatch.setattr(cli, "Account", lambda region: Account(region, Session(given)))
    monkeypatch.setattr("ops.check.parts.preflight.examine", lambda *_: [])
    return given


@pytest.fixture
def cdk(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replace the CDK CLI by one that finds nothing, and return the commands that it is given."""
    called: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 0, "Validation did not find any problems.", "")

    monkeypatch.setattr("ops.check.parts.subprocess.run", run)
    return called


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command over the assembly of dev, and return its JSON."""

    def check(*words: str, code: int) -> dict[str, Any]:
        base = ["check", "--assembly", str(assembly("dev").folder), "--format", "json"]
        assert ops.main([*base, *words]) == code
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {**found, "statuses": {part["name"]: part["status"] for part in found["parts"]}}

    return check
