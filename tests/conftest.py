"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest

from stacks.profiles import PROFILES
from tests import assembly as assemblies
from tests.assembly import Assembly


@pytest.fixture(scope="session", params=list(PROFILES))
def deployment(request: pytest.FixtureRequest) -> Assembly:
    """Every settings profile in turn."""
    return assemblies.assembly(request.param)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    """The dev environment as it is in its file."""
    return assemblies.assembly("dev")


@pytest.fixture(scope="session")
def staging() -> Assembly:
    """The staging environment with image and certificate."""
    return assemblies.assembly("staging")


@pytest.fixture(scope="session")
def prod() -> Assembly:
    """The prod environment with image and certificate."""
    return assemblies.assembly("prod")


@pytest.fixture(scope="session")
def prod_nat() -> Assembly:
    """Prod with NAT gateways and an explicit account."""
    return assemblies.assembly("prod-nat")


@pytest.fixture(scope="session")
def options() -> Assembly:
    """Staging in another region with every option on."""
    return assemblies.assembly("options")


@pytest.fixture(scope="session")
def unusual() -> Assembly:
    """Dev in a third region with no setting at its default."""
    return assemblies.assembly("unusual")
