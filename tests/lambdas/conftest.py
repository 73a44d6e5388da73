"""An account in memory for the functions under test; no request reaches AWS."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from common import clients
from tests.lambdas.account import ENVIRONMENT, FakeAccount, FakeClock, record_calls
from tests.lambdas.restore_harness import VARIABLES, RestoreHarness


@pytest.fixture(scope="session")
def recorded_calls() -> Iterator[set[str]]:
    """Record the operations that the functions' clients call; one client serves all tests, as it serves invocations."""
    calls: set[str] = set()
    create: Any = boto3.client  # the stubs declare one overload for each literal service name

    def create_recording(service: str, **options: Any) -> Any:
        return record_calls(create(service, **options), service, calls)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(clients, "boto3", SimpleNamespace(client=create_recording))
        clients.client.cache_clear()
        yield calls
    clients.client.cache_clear()


@pytest.fixture
def account(recorded_calls: set[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAccount]:
    """Provide an account with the platform's table, and the variables that all functions have."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        recorded_calls.clear()
        account = FakeAccount(recorded_calls)
        account.create_table()
        yield account


@pytest.fixture
def cluster_account(account: FakeAccount) -> FakeAccount:
    """Provide an account that also has the cluster, with two instances."""
    account.create_cluster()
    return account


@pytest.fixture
def clock() -> FakeClock:
    """Provide a clock that only the test moves."""
    return FakeClock()


@pytest.fixture
def restore(account: FakeAccount, monkeypatch: pytest.MonkeyPatch) -> RestoreHarness:
    """Provide an account with a restore test, and the variables of restore validation."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return RestoreHarness(account, monkeypatch)
