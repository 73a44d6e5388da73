"""A server that is told to writes down each operation that is called, whatever the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_aws.emulator import Emulator
from embedded_testing.ports import free_port
from embedded_testing.running import clients_of
from embedded_testing.stack import delete, deploy

pytestmark = pytest.mark.emulator
FILE = "EMBEDDED_AWS_OPERATIONS"


def test_each_operation_is_written_once_and_the_servers_own_calls_are_not(
    emulator_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "operations"
    monkeypatch.setenv(FILE, str(written))
    emulator = Emulator(emulator_python, tmp_path / "state")
    emulator.start(free_port())
    try:
        aws = clients_of(emulator)
        for _ in range(2):
            aws("rds").describe_db_clusters()
        aws("kms").list_aliases()
        aws("cloudwatch").describe_alarms()
        aws("elbv2").describe_load_balancers()
        aws("s3").create_bucket(Bucket="operations")
        aws("s3").get_bucket_versioning(Bucket="operations")
        aws("s3").put_object(Bucket="operations", Key="a/b", Body=b"")
        aws("s3").copy_object(Bucket="operations", Key="c", CopySource="operations/a/b")
        aws("lambda").list_functions()
        aws("backup").list_backup_vaults()
        with pytest.raises(aws("backup").exceptions.ResourceNotFoundException):
            aws("backup").get_backup_vault_access_policy(BackupVaultName="none")
        # The server then calls its own S3, e.g. PutBucketTagging.
        deploy(aws, "operations", {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
        delete(aws, "operations")
    finally:
        emulator.stop()
    assert written.read_text().splitlines() == [
        "rds DescribeDBClusters",
        "kms ListAliases",
        "cloudwatch DescribeAlarms",
        "elbv2 DescribeLoadBalancers",
        "s3 CreateBucket",
        "s3 GetBucketVersioning",
        "s3 PutObject",
        "s3 CopyObject",
        "lambda ListFunctions",
        "backup ListBackupVaults",
        "backup GetBackupVaultAccessPolicy",
        "cloudformation DescribeStacks",
        "cloudformation CreateStack",
        "cloudformation DescribeStackResources",
        "cloudformation DeleteStack",
    ]


def test_without_being_told_it_writes_nothing(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE, raising=False)
    assert FILE not in emulator.variables(4566, "key")
    monkeypatch.setenv(FILE, "record")
    assert emulator.variables(4566, "key")[FILE] == "record"
