"""A deployed stack: its outputs, its settings file, and clients of the account or of the embedded AWS.

Files here are called `check_*.py`, so that `make test` leaves them alone: `make integration` runs them.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any

import pytest

from ops import REPOSITORY
from ops import outputs as found
from ops.connection import Connection
from ops.errors import OpsError
from ops.preflight.account import iam_action
from ops.settings import deployed_settings
from stacks.names import Names, OutputKey
from stacks.settings import Settings

Client = Callable[[str], Any]
# In an account the commands of the runbook would fail over, stop, restore and delete.
collect_ignore = [] if os.environ.get("AWS_ENDPOINT_URL") else ["check_runbook.py"]
# What the checks have called, as IAM actions; docs/integration-policy.json has to allow them.
_CALLED = set[str]()
# What checks found beside passing, printed at the end.
SUMMARY: list[str] = []
POLICY = REPOSITORY / "docs" / "integration-policy.json"


@pytest.fixture(scope="session")
def outputs() -> Mapping[str, str]:
    """Return the outputs and physical ids of the deployed stack."""
    try:
        return found.find()
    except OpsError as error:
        pytest.exit(f"integration: {error}", returncode=2)


@pytest.fixture(scope="session")
def settings(outputs: Mapping[str, str]) -> Settings:
    """Return the settings that the stack was deployed with."""
    try:
        return deployed_settings(outputs)
    except OpsError as error:
        pytest.exit(f"integration: {error}", returncode=2)


@pytest.fixture(scope="session")
def names(settings: Settings) -> Names:
    """Return the physical names of the deployment."""
    return Names(settings.suffix, settings.region)


@pytest.fixture(scope="session")
def connection(outputs: Mapping[str, str]) -> Connection:
    """Return the connection to the stack's Region."""
    made = Connection.from_environment(outputs[OutputKey.REGION])
    made.session.events.register("before-call", _remember)
    return made


def _remember(model: Any, **_: Any) -> None:
    _CALLED.add(iam_action(f"{model.service_model.service_name}:{model.name}"))


def undeclared(called: Iterable[str]) -> list[str]:
    """Return the actions that the documented policy does not allow, sorted."""
    statements = json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]
    return sorted(set(called) - {action for statement in statements for action in statement["Action"]})


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where the role that the documentation describes could not have made a call."""
    if undeclared(_CALLED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def client(connection: Connection) -> Client:
    """Return the clients in the stack's Region, each made once."""
    return cache(connection.client)


@pytest.fixture(scope="session")
def emulated(connection: Connection) -> bool:
    """Return whether this is the embedded AWS and not an account."""
    return connection.endpoint is not None


@pytest.fixture(scope="session")
def emulator(outputs: Mapping[str, str], emulated: bool) -> Client:
    """Return clients for what is done in the embedded AWS alone, so that no policy for an account has to allow it."""
    if not emulated:
        pytest.skip("only in the embedded AWS: there it costs nothing and changes no data")
    return cache(Connection.from_environment(outputs[OutputKey.REGION]).client)


@pytest.fixture(scope="session")
def unanswered(emulated: bool) -> Callable[[str, str], None]:
    """Skip what the embedded AWS cannot answer, by the API's name and with the reason; on AWS nothing is skipped."""
    return partial(leave_out, emulated)


def leave_out(emulated: bool, api: str, reason: str) -> None:
    """Skip a check in the embedded AWS; do nothing in an account.

    Args:
        emulated: whether it is the embedded AWS.
        api: what it does not answer, e.g. `rds:DescribeDBClusters`.
        reason: why.
    """
    if emulated:
        pytest.skip(f"{api}: {reason}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List what could not be asked, once for each reason."""
    # `make test` reads this file, too, and runs none of these checks.
    passed, skipped = (
        [report for report in terminalreporter.stats.get(outcome, []) if "tests/integration/" in report.nodeid]
        for outcome in ("passed", "skipped")
    )
    if not passed and not skipped:
        return
    terminalreporter.section(f"{len(passed)} passed, {len(skipped)} left out")
    for line in SUMMARY:
        terminalreporter.write_line(line)
    for action in undeclared(_CALLED):
        terminalreporter.write_line(f"{action} was called, and docs/{POLICY.name} does not allow it", red=True)
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count:>3}  {reason}")
