"""Functions under test talk to moto; nothing reaches AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from common import clients
from tests.lambdas.world import ENVIRONMENT, Calls, recorded


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Credentials of nobody, and the variables of every function."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return dict(ENVIRONMENT)


@pytest.fixture
def calls(environment: dict[str, str]) -> Iterator[Calls]:
    """An empty account, with a list of what the functions' own clients call."""
    assert environment
    with mock_aws():
        clients.client.cache_clear()
        with recorded() as made:
            yield made
        clients.client.cache_clear()
