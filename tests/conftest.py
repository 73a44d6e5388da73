"""Fixtures and settings of all tests."""

from __future__ import annotations

import gc
import signal

import hypothesis
import pytest

from stacks.profiles import PROFILES
from tests import assembly as assemblies
from tests.assembly import ROOT, Assembly

# The same examples in every run, however busy the machine is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

# What these prove is not in [tool.coverage.run]: to trace it would double its time, and measure nothing.
UNTRACED = tuple(
    ROOT / name
    for name in (
        *("packages/embedded_aws/tests", "packages/guards/tests"),
        *("tests/guards", "tests/ops/local", "tests/scripts", "tests/test_imports.py"),
    )
)


def pytest_configure() -> None:
    """Hear the signals that `nohup`, or a shell that starts the tests in the background, ignores: drills end by them.

    What is ignored here would stay so in every program that a test starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a pytest-xdist that lets tests of one group run in several workers: they share a deployment.

    Say of which tests no line is traced. Their fixtures are: there the app is synthesized.
    """
    for item in items:
        if any(item.path.is_relative_to(place) for place in UNTRACED):
            item.add_marker("no_cover")
    if config.getoption("loadgroup", default=False):
        lost = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(f"this pytest and this pytest-xdist ignore xdist_group: {lost[0]}")


def pytest_collection_finish() -> None:
    """Keep modules and collected tests, which stay until the end, out of every later garbage collection."""
    gc.freeze()


@pytest.fixture(scope="session", params=list(PROFILES))
def deployment(request: pytest.FixtureRequest) -> Assembly:
    """Return the assembly of each settings profile in turn."""
    return assemblies.assembly(request.param)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    """Return the assembly of the dev environment as its file describes it."""
    return assemblies.assembly("dev")


@pytest.fixture(scope="session")
def staging() -> Assembly:
    """Return the assembly of the staging environment with image and certificate."""
    return assemblies.assembly("staging")


@pytest.fixture(scope="session")
def prod() -> Assembly:
    """Return the assembly of the prod environment with image and certificate."""
    return assemblies.assembly("prod")


@pytest.fixture(scope="session")
def prod_nat() -> Assembly:
    """Return the assembly of prod with NAT gateways and an explicit account."""
    return assemblies.assembly("prod-nat")


@pytest.fixture(scope="session")
def options() -> Assembly:
    """Return the assembly of staging in another Region with every option on."""
    return assemblies.assembly("options")


@pytest.fixture(scope="session")
def unusual() -> Assembly:
    """Return the assembly of dev in a third Region with no setting at its default."""
    return assemblies.assembly("unusual")
