"""Choosing checks, running them at once, and printing what they found."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from ops.errors import OpsError
from ops.preflight import check as declarations
from ops.preflight.account import CouldNotAsk
from ops.preflight.check import Check, Outcome, Status, all_checks, fail, ok, warn
from ops.preflight.context import CheckContext
from ops.preflight.engine import WORKERS, CheckResult, choose, run
from ops.preflight.formats import FORMATS, print_text
from tests.ops.preflight.cases import Said


class _Fake:
    """A check that is in no list."""

    title, why, fix, source, calls = "Something holds", "Else. " * 12, "Mend it.", "https://docs.aws.amazon.com/", ()

    def __init__(self, identifier: str, *outcomes: Outcome | Exception | threading.Event) -> None:
        self.id, self._outcomes = identifier, outcomes

    def run(self, _world: CheckContext) -> Iterator[Outcome]:
        for outcome in self._outcomes:
            if isinstance(outcome, threading.Event):
                outcome.wait(30)
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                yield outcome


def _run(*checks: Any, timeout: float = 10) -> list[CheckResult]:
    context: Any = None
    return run(checks, lambda _: context, timeout_seconds=timeout)


def test_checks_are_chosen_by_the_beginnings_of_their_ids() -> None:
    assert [check.id for check in choose([], [])] == list(all_checks())
    assert {check.id for check in choose(["pf-cli"], [])} == {"PF-CLI-01", "PF-CLI-02"}
    assert {check.id for check in choose(["PF-CLI", "PF-CDK-01"], ["PF-CLI-02"])} == {"PF-CLI-01", "PF-CDK-01"}
    assert "PF-CLI-01" not in {check.id for check in choose([], ["PF-CLI-01"])}


@pytest.mark.parametrize(("only", "skip"), [(["PF-NO"], []), ([], ["PF-NO"])])
def test_a_check_that_is_not_there_is_named(only: list[str], skip: list[str]) -> None:
    with pytest.raises(OpsError, match="PF-NO: no such check"):
        choose(only, skip)


def test_results_come_by_id_with_the_worst_of_their_findings() -> None:
    results = _run(_Fake("PF-B-01", ok("fine"), warn("soon"), fail("now")), _Fake("PF-A-01", ok("fine")))
    assert [(result.check.id, str(result.status)) for result in results] == [("PF-A-01", "pass"), ("PF-B-01", "fail")]


def test_one_that_cannot_ask_does_not_stop_the_others() -> None:
    results = _run(_Fake("PF-A-01", ok("fine"), CouldNotAsk("no right")), _Fake("PF-B-01", ok("fine")))
    assert [str(result.status) for result in results] == ["could-not-ask", "pass"]
    assert results[0].outcomes[0].message == "no right"


def test_an_error_that_a_check_does_not_know_is_no_answer() -> None:
    error = ClientError({"Error": {"Code": "InternalFailure", "Message": "try\nlater"}}, "DescribeVpcs")
    (result,) = _run(_Fake("PF-A-01", error))
    assert result.status is Status.COULD_NOT_ASK
    assert result.outcomes[0].message == "DescribeVpcs: InternalFailure: try later"


def test_a_defect_of_one_check_loses_no_other_result() -> None:
    results = _run(_Fake("PF-A-01", KeyError("Value")), _Fake("PF-B-01", fail("taken")))
    assert [str(result.status) for result in results] == ["broken", "fail"]
    assert results[0].outcomes[0].message == "the check itself is broken: KeyError: 'Value'"


def test_a_context_that_cannot_be_made_is_a_defect_too() -> None:
    def context_for(_: Check) -> CheckContext:
        raise RuntimeError("no\ncontext")

    fake: Any = _Fake("PF-A-01", ok("fine"))
    (result,) = run([fake], context_for, timeout_seconds=10)
    assert result.outcomes == (Outcome(Status.BROKEN, "the check itself is broken: RuntimeError: no context"),)


def test_no_check_begins_after_the_time_is_over() -> None:
    """Those that run hold every worker; the one that waits must not ask an account that nobody listens to."""
    never, asked = threading.Event(), list[str]()

    class Waiting(_Fake):
        def run(self, _world: CheckContext) -> Iterator[Outcome]:
            asked.append(self.id)
            yield ok("fine")

    holding = [_Fake(f"PF-A-{number:02}", never) for number in range(WORKERS)]
    results = _run(*holding, Waiting("PF-B-01"), timeout=0.2)
    assert {str(result.status) for result in results} == {"could-not-ask"}
    before = threading.active_count()
    never.set()
    deadline = time.monotonic() + 10
    while threading.active_count() > before - WORKERS and time.monotonic() < deadline:
        time.sleep(0.01)
    assert asked == []


def test_the_process_ends_although_a_check_still_hangs() -> None:
    code = """
import sys, time
from ops.preflight.engine import run
class Hanging:
    id = "PF-A-01"
    def run(self, context):
        time.sleep(600)
        yield
print(run([Hanging()], lambda check: None, timeout_seconds=0.1)[0].status, flush=True)
sys.exit(3)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("could-not-ask\n", "", 3)


def test_one_that_hangs_could_not_ask_in_time() -> None:
    never, others = threading.Event(), set(threading.enumerate())
    results = _run(_Fake("PF-A-01", never), _Fake("PF-B-01", ok("fine")), timeout=0.5)
    hanging = set(threading.enumerate()) - others
    never.set()
    assert [str(result.status) for result in results] == ["could-not-ask", "pass"]
    assert results[0].seconds == 0.5 > results[1].seconds >= 0
    # Python waits at its end for every thread that is no daemon.
    assert {thread.daemon for thread in hanging} == {True}
    assert results[0].outcomes[0].message == "no answer within 0.5 s"


def test_progress_hears_of_each_result() -> None:
    heard: list[str] = []
    context: Any = None
    fakes: Any = [_Fake(f"PF-{name}-01", ok("fine")) for name in "ABC"]
    run(fakes, lambda _: context, timeout_seconds=10, progress=lambda result: heard.append(result.check.id))
    assert sorted(heard) == ["PF-A-01", "PF-B-01", "PF-C-01"]


@pytest.mark.parametrize("identifier", ["PF-1", "DR-RDS-01", "PF-CLI-01"])
def test_an_id_is_of_one_form_and_used_once(identifier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        id = identifier

    base: Any = Check
    real: list[Any] = list(declarations._subclasses(base))
    monkeypatch.setattr(declarations, "_subclasses", lambda _: iter([*real, Wrong]))
    all_checks.cache_clear()
    try:
        with pytest.raises(ValueError, match="an id must look like PF-RDS-01 and be used once"):
            all_checks()
    finally:
        all_checks.cache_clear()


RESULTS = _run(
    _Fake("PF-A-01", ok("fine")),
    _Fake("PF-B-01", ok("fine"), warn("soon [x]")),
    _Fake("PF-C-01", CouldNotAsk("no right")),
    _Fake("PF-D-01", fail("taken: 100%\r\nof it …")),
    _Fake("PF-E-01", KeyError("Value")),
)


def test_every_word_of_each_form(snapshot: SnapshotAssertion) -> None:
    shown = StringIO()
    timed = [replace(result, seconds=1.23456) for result in RESULTS]
    print_text(Console(file=shown, width=60, force_terminal=True, color_system="standard"), timed)
    printed = {"text": shown.getvalue().replace("\x1b", "<esc>"), **{name: to(timed) for name, to in FORMATS.items()}}
    assert {name: text.splitlines() for name, text in printed.items()} == snapshot.use_extension(Said)
    assert all(text.endswith("\n") for text in printed.values())


def test_text_is_a_table_with_fixes_and_a_count() -> None:
    shown = StringIO()
    print_text(Console(file=shown, width=100), RESULTS)
    text = shown.getvalue()
    assert "PF-D-01 (fail): Something holds" in text
    assert "soon [x]" in text
    assert text.count("Fix: Mend it.") == 2
    assert "To see PF-C-01: " in text
    assert text.splitlines()[-1] == "1 pass, 1 warn, 1 could-not-ask, 1 broken, 1 fail"


def test_json_is_for_programs() -> None:
    rows = json.loads(FORMATS["json"](RESULTS))
    assert [(row["id"], row["status"]) for row in rows] == [
        ("PF-A-01", "pass"),
        ("PF-B-01", "warn"),
        ("PF-C-01", "could-not-ask"),
        ("PF-D-01", "fail"),
        ("PF-E-01", "broken"),
    ]
    assert rows[1]["findings"] == [
        {"status": "pass", "message": "fine"},
        {"status": "warn", "message": "soon [x]"},
    ]


def test_junit_counts_failures_and_what_was_not_asked() -> None:
    suite = ET.fromstring(FORMATS["junit"](RESULTS))  # noqa: S314 (our own document)
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["5", "1", "1", "1"]
    kinds = [[child.tag for child in case] for case in suite]
    assert kinds == [["system-out"], ["system-out"], ["skipped"], ["failure"], ["error"]]


def test_github_annotates_what_is_no_pass() -> None:
    assert FORMATS["github"](RESULTS).splitlines() == [
        "::warning title=PF-B-01::soon [x]. Fix: Mend it.",
        "::warning title=PF-C-01::no right. Fix: Mend it.",
        "::error title=PF-D-01::taken: 100%25%0D%0Aof it …. Fix: Mend it.",
        "::error title=PF-E-01::the check itself is broken: KeyError: 'Value'. Fix: Mend it.",
    ]
