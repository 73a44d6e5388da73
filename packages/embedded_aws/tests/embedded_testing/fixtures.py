"""A pytest plugin: the embedded AWS, started once for all tests of a process that need it.

The conftest of each test tree that uses it registers it. Each worker of pytest-xdist has a server of its own, on a port
and in a folder of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing.facts import called_operations, covered_operations
from embedded_testing.refusals import figure
from embedded_testing.running import clients_of, run_emulator

# The property of a test report that says whether a recorded fact holds.
FACT_HOLDS = "fact holds"
_CHECKOUT = Path(__file__).resolve().parents[4]
_VARIABLE = "EMBEDDED_AWS_PYTHON"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker of the tests that start the embedded AWS."""
    config.addinivalue_line("markers", "emulator: needs the embedded AWS, which the test run starts by itself")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many recorded facts held, if they were replayed, and how many operations have a fact."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    calls = [report for report in reports if getattr(report, "when", "") == "call"]
    if any("test_what_aws_refuses_is_refused" in report.nodeid for report in calls):
        held, gaps = figure()
        terminalreporter.write_line(
            f"embedded AWS: {held} of {held + len(gaps)} recorded refusals are refused as AWS does; "
            f"not: {', '.join(gaps)}"
        )
    known = [holds for report in calls for name, holds in report.user_properties if name == FACT_HOLDS]
    if known:
        called = called_operations()
        terminalreporter.write_line(
            f"embedded AWS: {sum(known)} of {len(known)} recorded facts hold; "
            f"{len(covered_operations())} of {len(called)} operations that are called have a fact"
        )


@pytest.fixture(scope="session")
def emulator_python() -> Path:
    """Return the interpreter of the virtual environment that ministack is installed in."""
    named = os.environ.get(_VARIABLE)
    python = Path(named) if named else _CHECKOUT / ".local" / "emulator-venv" / "bin" / "python"
    if not python.exists():
        pytest.fail(
            f"{python} does not exist, and these tests start the embedded AWS with it: run `make install` in the "
            f"checkout, or name in {_VARIABLE} an interpreter that has breakwater-embedded-aws[server]",
            pytrace=False,
        )
    return python


@pytest.fixture(scope="session")
def emulator(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run an embedded AWS whose state is a temporary folder."""
    yield from run_emulator(emulator_python, tmp_path_factory)


@pytest.fixture(scope="session")
def aws(emulator: Emulator) -> Aws:
    """Return clients of the embedded AWS."""
    return clients_of(emulator)


@pytest.fixture
def own(emulator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Run an embedded AWS for one test, which may kill it."""
    yield from run_emulator(emulator_python, tmp_path_factory)
