"""Fixtures of the reference service: one PostgreSQL server and one service for all its tests, and moto's AWS.

The tests are one group of pytest-xdist, so that there is one server. Moto answers until the end of a module, so that
tests of others that follow in the same process do not meet it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tests.service.harness import (
    AWS_VARIABLES,
    BUCKET,
    TABLE,
    Postgres,
    Running,
    answers,
    eventually,
    process,
    running,
    settings_for,
)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """Return a running server."""
    with tempfile.TemporaryDirectory() as name:  # pytest's folders are closed to the user who runs the server
        folder = Path(name)
        folder.chmod(0o755)
        it = Postgres(folder)
        yield it
        it.kill()


@pytest.fixture
def postgres(server: Postgres) -> Iterator[Postgres]:
    """Return the server as a test wants to find it, and check after the test that no money came or went."""
    server.empty()
    yield server
    assert server.broken_sentences() == []


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    """Answer every call of AWS from moto, where the table and the bucket exist."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in AWS_VARIABLES.items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        keys = ("pk", "HASH"), ("sk", "RANGE")
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],  # type: ignore[typeddict-item]
        )
        yield


@pytest.fixture(scope="module")
def _shared(server: Postgres, aws: None) -> Iterator[Running]:  # noqa: ARG001 - it must exist
    with running(settings_for(server)) as it:
        yield it


@pytest.fixture
def service(_shared: Running, postgres: Postgres) -> Running:  # noqa: ARG001 - it must be empty
    """Return a running service whose database is empty."""
    return _shared


@pytest.fixture(scope="session")
def port(server: Postgres) -> Iterator[int]:
    """Return the port of a service in a process of its own, since hypothesis wants `random` for itself."""
    own = settings_for(server)
    with process(own):
        eventually(lambda: answers(own.port))
        yield own.port
