"""The generated policy and page: exact, current, and of operations that only read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import botocore.session
import pytest

from ops.preflight.check import all_checks
from ops.preflight.deployed import CALLS
from scripts import preflight_docs
from scripts.preflight_docs import IDENTITY, PAGE, POLICY, actions, main, page, policy

SESSION = botocore.session.get_session()
READING = re.compile(r"(Describe|Get|List|BatchGet|Head)[A-Z]")
DECLARED = sorted({IDENTITY, *CALLS, *(call for check in all_checks().values() for call in check.calls)})


@pytest.mark.parametrize("call", DECLARED)
def test_every_operation_exists_and_only_reads(call: str) -> None:
    service, _, operation = call.partition(":")
    model = SESSION.get_service_model(service)
    assert operation in model.operation_names
    assert READING.match(operation)
    # What changes something is never sent by these two; POST is also how most services ask.
    assert model.operation_model(operation).http["method"] not in ("PUT", "DELETE", "PATCH")


def test_the_policy_allows_exactly_the_declared_calls() -> None:
    (statement,) = json.loads(policy())["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == actions()
    assert len(actions()) == len(DECLARED)
    assert not [action for action in actions() if "*" in action]


def test_the_committed_files_are_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    assert POLICY.read_text(encoding="utf-8") == policy()


def test_the_page_has_every_check() -> None:
    for name, check in all_checks().items():
        assert f"## {name}\n\n{check.title}.\n" in page()


def test_the_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight_docs, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(preflight_docs, "POLICY", tmp_path / "policy.json")
    assert main() == 0
    assert (tmp_path / "page.md").read_text() == page()
    assert (tmp_path / "policy.json").read_text() == policy()
    assert "checks -> page.md, policy.json" in capsys.readouterr().out
