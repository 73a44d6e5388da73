"""Who may connect to the PostgreSQL behind an Aurora cluster, and how; and statements that wait for one another."""

from __future__ import annotations

import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from embedded_aws.clients import Aws
from embedded_testing import Deploy
from embedded_testing.aurora import aurora

pytestmark = pytest.mark.emulator
# What a server may answer a start-up message with: https://www.postgresql.org/docs/17/protocol-message-formats.html
WELCOME, PASSWORD = 0, 10


def asked(address: tuple[str, int], user: str, database: str = "app") -> int | str:
    """Return how PostgreSQL wants a user to prove itself, or its refusal."""
    words = f"user\0{user}\0database\0{database}\0\0".encode()
    with closing(socket.create_connection(address, timeout=5)) as connection:
        connection.sendall(struct.pack("!ii", 8 + len(words), 196608) + words)
        answer = connection.recv(4096)
    return int(struct.unpack("!i", answer[5:9])[0]) if answer[:1] == b"R" else answer[5:].decode(errors="replace")


@pytest.fixture
def cluster(aws: Aws, deploy: Deploy) -> dict[str, Any]:
    """Deploy a cluster with one user that is a member and one that is none."""
    template = aurora()
    template["Resources"]["Cluster"]["Properties"] |= {"EnableHttpEndpoint": True, "DatabaseName": "app"}
    made = deploy(template)
    assert made.status == "CREATE_COMPLETE"
    identifier = made.physical_ids["Cluster"]
    found = dict(aws("rds").describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0])
    found["target"] = {"resourceArn": found["DBClusterArn"], "secretArn": made.outputs["Secret"]}
    for sql in ("CREATE ROLE member LOGIN", "GRANT rds_iam TO member", "CREATE ROLE other LOGIN"):
        aws("rds-data").execute_statement(**found["target"], database="app", sql=sql)
    return found


def test_a_member_enters_and_nobody_else_without_a_password(aws: Aws, cluster: dict[str, Any]) -> None:
    for host in (cluster["Endpoint"], cluster["ReaderEndpoint"]):
        address = host, int(cluster["Port"])
        assert asked(address, "member") == WELCOME
        # It has no password that it could give.
        assert asked(address, "other") == PASSWORD
        assert asked(address, "owner") == PASSWORD, "the owner, as a superuser, must not count as a member"
        assert asked(address, "nobody") == PASSWORD
    # One deployment for both: it takes most of the time.
    _a_statement_that_waits_stops_nobody(aws, cluster["target"])


def _a_statement_that_waits_stops_nobody(aws: Aws, target: dict[str, Any]) -> None:
    """Let a second transaction wait for the lock of a first one, which ends only when somebody asks it to."""
    data, lock = aws("rds-data"), "SELECT 1 FROM pg_advisory_xact_lock(7)"
    first, second = (data.begin_transaction(**target, database="app")["transactionId"] for _ in range(2))
    data.execute_statement(**target, transactionId=first, sql=lock)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(data.execute_statement, **target, transactionId=second, sql=lock)
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while data.execute_statement(**target, database="app", sql=waits)["records"] != [[{"longValue": 1}]]:
            assert not waiting.done()
        data.commit_transaction(**target, transactionId=first)
        assert waiting.result(timeout=30)["records"] == [[{"longValue": 1}]]
    data.rollback_transaction(**target, transactionId=second)
