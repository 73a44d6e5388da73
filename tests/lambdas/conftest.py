"""Functions under test talk to moto; nothing reaches AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from common import clients
from tests.lambdas.restore_world import VARIABLES, RestoreWorld
from tests.lambdas.world import ENVIRONMENT, Calls, Clock, make_cluster, make_table, recorded


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


@pytest.fixture
def world(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> Iterator[RestoreWorld]:
    """The function's variables, and an account."""
    assert calls == set()
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    make_table()
    yield RestoreWorld(monkeypatch)
    clients.client.cache_clear()


@pytest.fixture
def clock(calls: Calls) -> Clock:
    """An account with the table and a cluster of two, and its clock."""
    assert calls == set()
    make_table()
    make_cluster()
    return Clock()
