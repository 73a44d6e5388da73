"""Fixtures and settings of all tests."""

from __future__ import annotations

import signal

import hypothesis
import pytest

from stacks.profiles import PROFILES
from tests import assembly as assemblies
from tests.assembly import Assembly

# The same examples in every run, however busy the machine is.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Hear the signals that `nohup`, or a shell that starts the tests in the background, ignores: drills end by them.

    What is ignored here would stay so in every program that a test starts.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a pytest-xdist that lets tests of one group run in several workers: they share a deployment."""
    if config.getoption("loadgroup", default=False):
        lost = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(f"this pytest and this pytest-xdist ignore xdist_group: {lost[0]}")


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
