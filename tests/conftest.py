"""Fixtures and settings of all tests."""

from __future__ import annotations

import gc
import signal
from collections import Counter
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadGroupScheduling

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
        # The groups take longest: none of them begins when all the others have ended.
        items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
        lost = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(f"this pytest and this pytest-xdist ignore xdist_group: {lost[0]}")


class Chunks(LoadGroupScheduling):
    """Hand out groups, and of what is in no group up to so many tests of a module at a time.

    One test at a time would keep the controller busy for half a minute, and set every module up in every worker.
    """

    SIZE = 16

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        super().__init__(config, log)
        self._seen = Counter[str]()
        self._scopes: dict[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test, or the part of its module."""
        if nodeid not in self._scopes:
            scope, module = super()._split_scope(nodeid), nodeid.partition("::")[0]
            if scope == nodeid:
                scope = f"{module} {self._seen[module] // self.SIZE}"
                self._seen[module] += 1
            self._scopes[nodeid] = scope
        return self._scopes[nodeid]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadGroupScheduling | None:
    """Return the scheduler of `--dist=loadgroup`."""
    return Chunks(config, log) if config.getoption("dist") == "loadgroup" else None


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
