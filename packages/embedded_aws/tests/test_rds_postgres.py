"""The PostgreSQL behind an Aurora cluster: data, replication, failover, snapshots, restores, and its end."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from embedded_testing import Deploy, stack
from embedded_testing.aurora import aurora
from embedded_testing.ports import free_port

pytestmark = pytest.mark.emulator
_TIMEOUT_SECONDS = 60.0


class Database:
    """A deployed cluster, asked through the Data API."""

    def __init__(self, aws: Aws, deploy: Deploy) -> None:
        template = aurora()
        template["Resources"]["Cluster"]["Properties"] |= {"EnableHttpEndpoint": True, "DatabaseName": "app"}
        # Its own: an emulator of another test would take an address and port that this cluster has just freed.
        template["Resources"]["Cluster"]["Properties"]["Port"] = free_port()
        made = deploy(template)
        assert made.status == "CREATE_COMPLETE"
        self.rds, self.data = aws("rds"), aws("rds-data")
        self.identifier, self.secret = made.physical_ids["Cluster"], made.outputs["Secret"]
        self.members = [made.physical_ids["First"], made.physical_ids["Second"]]

    def describe(self, identifier: str | None = None) -> dict[str, Any]:
        found = self.rds.describe_db_clusters(DBClusterIdentifier=identifier or self.identifier)
        return dict(found["DBClusters"][0])

    def sql(self, statement: str, identifier: str | None = None) -> list[Any]:
        """Return the first column of each row."""
        arn = self.describe(identifier)["DBClusterArn"]
        answer = self.data.execute_statement(resourceArn=arn, secretArn=self.secret, database="app", sql=statement)
        return [next(iter(row[0].values())) for row in answer["records"]]

    def wait_until_available(self) -> None:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self.describe()["Status"] != "available":
            assert time.monotonic() < deadline, self.describe()["Status"]
            time.sleep(0.1)

    def writer(self) -> str:
        members = self.describe()["DBClusterMembers"]
        return next(str(each["DBInstanceIdentifier"]) for each in members if each["IsClusterWriter"])

    def restored(self, name: str) -> list[Any]:
        """Return the rows of a cluster that was just restored and has no instance yet, and delete it again."""
        try:
            self.rds.enable_http_endpoint(ResourceArn=self.describe(name)["DBClusterArn"])
            self.rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-1",
                DBClusterIdentifier=name,
                Engine="aurora-postgresql",
                DBInstanceClass="db.serverless",
            )
            return self.sql("SELECT number FROM saved ORDER BY 1", name)
        finally:
            self.rds.delete_db_instance(DBInstanceIdentifier=f"{name}-1", SkipFinalSnapshot=True)
            self.rds.delete_db_cluster(DBClusterIdentifier=name, SkipFinalSnapshot=True)


@pytest.fixture(scope="module")
def database(aws: Aws) -> Iterator[Database]:
    """Deploy one cluster for the tests that leave it with a writer and a reader."""
    yield Database(aws, lambda template: stack.deploy(aws, "shared-database", template))
    stack.delete(aws, "shared-database")


@pytest.fixture
def own(aws: Aws, deploy: Deploy) -> Database:
    """Deploy a cluster for one test."""
    return Database(aws, deploy)


def test_writes_reach_a_standby_before_they_are_acknowledged(database: Database) -> None:
    assert database.sql("SELECT state || ' ' || sync_state FROM pg_stat_replication") == ["streaming quorum"]
    assert database.sql("SHOW synchronous_standby_names") == ["ANY 1 (*)"]


def test_the_two_endpoints_differ_in_their_host_and_answer(database: Database) -> None:
    found = database.describe()
    assert found["Endpoint"] != found["ReaderEndpoint"]
    for host in (found["Endpoint"], found["ReaderEndpoint"]):
        with closing(socket.create_connection((host, found["Port"]), timeout=5)) as connection:
            # A request for TLS: PostgreSQL answers with one letter, here that it has none.
            connection.sendall(bytes.fromhex("0000000804d2162f"))
            assert connection.recv(1) == b"N"


def test_a_failover_promotes_the_standby_with_all_that_was_acknowledged(database: Database) -> None:
    before, old = database.describe(), database.writer()
    database.sql("CREATE TABLE kept (number int)")
    for number in range(20):
        database.sql(f"INSERT INTO kept VALUES ({number})")  # noqa: S608
    address = "SELECT pg_postmaster_start_time()::text || inet_server_port()"
    (served,) = database.sql(address)

    database.rds.failover_db_cluster(DBClusterIdentifier=database.identifier)
    assert database.describe()["Status"] in ("failing-over", "available")
    database.wait_until_available()

    assert database.writer() in set(database.members) - {old}
    assert database.sql(address) != [served], "the same server answers: nothing was promoted"
    assert database.sql("SELECT number FROM kept ORDER BY 1") == list(range(20))
    after = database.describe()
    assert [after[key] for key in ("Endpoint", "ReaderEndpoint", "Port")] == [
        before[key] for key in ("Endpoint", "ReaderEndpoint", "Port")
    ]
    # The old writer follows the new one, so the next failover loses nothing either.
    assert database.sql("SELECT state FROM pg_stat_replication") == ["streaming"]
    database.rds.failover_db_cluster(DBClusterIdentifier=database.identifier)
    database.wait_until_available()
    assert database.writer() == old
    assert database.sql("SELECT count(*) FROM kept") == [20]


def test_a_snapshot_holds_what_was_there_and_the_latest_moment_all_of_it(database: Database) -> None:
    database.sql("CREATE TABLE saved (number int)")
    database.sql("INSERT INTO saved VALUES (1)")
    database.rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier="early", DBClusterIdentifier=database.identifier
    )
    database.sql("INSERT INTO saved VALUES (2)")
    database.rds.failover_db_cluster(DBClusterIdentifier=database.identifier)
    database.wait_until_available()
    database.sql("INSERT INTO saved VALUES (3)")

    database.rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="from-snapshot", SnapshotIdentifier="early", Engine="aurora-postgresql"
    )
    assert database.restored("from-snapshot") == [1]
    database.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="to-latest",
        SourceDBClusterIdentifier=database.identifier,
        UseLatestRestorableTime=True,
        Tags=[{"Key": "Purpose", "Value": "copy"}],
    )
    copy = database.rds.describe_db_clusters(DBClusterIdentifier="to-latest")["DBClusters"][0]
    assert copy["TagList"] == [{"Key": "Purpose", "Value": "copy"}]
    assert time.time() - copy["LatestRestorableTime"].timestamp() < 2
    time.sleep(2)
    later = database.rds.describe_db_clusters(DBClusterIdentifier="to-latest")["DBClusters"][0]
    assert later["LatestRestorableTime"] > copy["LatestRestorableTime"]
    assert database.restored("to-latest") == [1, 2, 3]
    # Nothing was written since.
    database.rds.restore_db_cluster_to_point_in_time(
        DBClusterIdentifier="idle", SourceDBClusterIdentifier=database.identifier, UseLatestRestorableTime=True
    )
    assert database.restored("idle") == [1, 2, 3]
    assert database.sql("SELECT number FROM saved ORDER BY 1") == [1, 2, 3]
    database.rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="early")
    with pytest.raises(ClientError, match="no base backup of snapshot early"):
        database.rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier="copy", SnapshotIdentifier="early", Engine="aurora-postgresql"
        )


def test_a_restore_of_what_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(ClientError, match="no base backup of snapshot never"):
        database.rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier="copy", SnapshotIdentifier="never", Engine="aurora-postgresql"
        )
    with pytest.raises(ClientError, match="only to the latest moment"):
        database.rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier="copy",
            SourceDBClusterIdentifier=database.identifier,
            RestoreToTime="2026-01-01T00:00:00Z",
        )


def test_a_reader_takes_over_from_a_deleted_writer_and_a_cluster_without_instances_keeps_its_data(
    own: Database,
) -> None:
    own.sql("CREATE TABLE kept (number int)")
    own.sql("INSERT INTO kept VALUES (7)")
    first, second = own.members
    own.rds.delete_db_instance(DBInstanceIdentifier=first, SkipFinalSnapshot=True)
    assert own.writer() == second
    assert own.sql("SELECT number FROM kept") == [7]
    own.sql("INSERT INTO kept VALUES (8)")
    own.rds.delete_db_instance(DBInstanceIdentifier=second, SkipFinalSnapshot=True)
    own.rds.create_db_instance(
        DBInstanceIdentifier=first,
        DBClusterIdentifier=own.identifier,
        Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
    )
    assert own.sql("SELECT number FROM kept ORDER BY 1") == [7, 8]


def test_a_cluster_takes_writes_without_its_reader_and_leaves_no_server_and_no_file_when_deleted(
    own: Database, delete: Callable[[], None], emulator: Emulator
) -> None:
    own.rds.delete_db_instance(DBInstanceIdentifier=own.members[1], SkipFinalSnapshot=True)
    assert own.sql("SHOW synchronous_standby_names") == [""]
    own.sql("CREATE TABLE kept (number int)")

    found = own.describe()
    folder: Path = emulator.postgres / own.identifier
    assert (folder / own.members[0] / "data" / "postmaster.pid").exists()
    delete()
    assert not folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((found["Endpoint"], found["Port"]), timeout=5).close()


def test_a_renamed_cluster_and_member_keep_their_data_and_roles(database: Database) -> None:
    rds, writer = database.rds, database.writer()
    database.sql("CREATE TABLE renamed (number int)")
    database.sql("INSERT INTO renamed VALUES (1)")

    def rename(old: str, new: str) -> None:
        rds.modify_db_cluster(DBClusterIdentifier=old, NewDBClusterIdentifier=new, ApplyImmediately=True)

    rename(database.identifier, "elsewhere")
    assert database.sql("SELECT number FROM renamed", "elsewhere") == [1]
    rds.modify_db_instance(DBInstanceIdentifier=writer, NewDBInstanceIdentifier="writer", ApplyImmediately=True)
    roles = {
        each["DBInstanceIdentifier"]: each["IsClusterWriter"]
        for each in database.describe("elsewhere")["DBClusterMembers"]
    }
    assert roles["writer"] is True
    rename("elsewhere", database.identifier)
    third = {"DBInstanceClass": "db.serverless", "Engine": "aurora-postgresql"}
    rds.create_db_instance(DBInstanceIdentifier=writer, DBClusterIdentifier=database.identifier, **third)
    rds.delete_db_instance(DBInstanceIdentifier=writer, SkipFinalSnapshot=True)
    rds.modify_db_instance(DBInstanceIdentifier="writer", NewDBInstanceIdentifier=writer, ApplyImmediately=True)
    assert database.writer() == writer
    assert database.sql("SELECT number FROM renamed") == [1]
