"""An account in memory for the functions under test, and a healthy platform; no request reaches AWS."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from common import clients
from common.aurora import Cluster, Instance
from health_monitor.logic import HealthLimits
from health_monitor.observations import BackupStatus, Observations, ServiceStatus, TableStatus, TargetHealth
from tests.lambdas.account import ENVIRONMENT, FakeAccount, FakeClock, record_calls
from tests.lambdas.restore_harness import VARIABLES, RestoreHarness

NOW = 1_800_000_000.0
HOUR, DAY = 3600, 86400
CLUSTER_ARN = "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test"
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/dr-transactions-test"
LIMITS = HealthLimits(
    CLUSTER_ARN, TABLE_ARN, lag_ms=1000, recovery_point_age_seconds=26 * HOUR, validation_age_seconds=8 * DAY
)
WRITER = Instance("one", "a", "available", is_writer=True)
READER = Instance("two", "b", "available", is_writer=False, lag_ms=20)
CLUSTER = Cluster("dr-aurora-test", "available", (WRITER, READER), NOW - 90 * DAY, NOW - 120)
SERVICE = ServiceStatus("ACTIVE", desired=2, running=2, zones=("a", "b"))
TARGETS = TargetHealth(healthy=("a", "b"), failing=0)
TABLE = TableStatus("ACTIVE", NOW - 90 * DAY, pitr_enabled=True, restorable_until=NOW - 300)
BACKUPS = BackupStatus(
    recovery_points={CLUSTER_ARN: NOW - 5 * HOUR, TABLE_ARN: NOW - 6 * HOUR},
    validations={"Aurora": NOW - 2 * DAY, "DynamoDB": NOW - 3 * DAY},
    plan_created_at=NOW - 90 * DAY,
)
OBSERVATIONS = Observations(CLUSTER, SERVICE, TARGETS, TABLE, BACKUPS)


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
