"""A first deployment of prod that fails in its last nested stack: repaired, or given up by the runbook and repeated."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws import clients, verify
from embedded_aws.deployment import Deployment
from ops import REPOSITORY
from ops.local import standins
from ops.local.up import local_settings
from ops.local.workspace import Workspace

SUFFIX = "first"
STACK = f"Breakwater-{SUFFIX}"
# What the operations stack, the last one, is to create: somebody else has it already.
TAKEN = f"/aws/lambda/dr-failover-{SUFFIX}-us-east-1"
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")


def sh(script: str, context: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run lines of the runbook; the stand-ins and the answers to questions are given, and nothing else."""
    answers = 'case "$1" in deploy) set -- "$@" --require-approval never;; destroy) set -- "$@" --force;; esac'
    given = " ".join(f"'-c' '{each}'" for each in context)
    function = f'cdk() {{ {answers}; command cdk "$@" {given} --no-notices --ci; }}'
    return subprocess.run(
        ["sh", "-euc", f"{function}\n{script}"],
        env={**os.environ, "SUFFIX": SUFFIX},
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=580, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def status() -> str:
    try:
        return str(boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"])
    except ClientError:
        return "gone"


def left() -> set[str]:
    """Return what has the suffix in its name, of all that is kept when a stack with data is deleted."""
    logs, backup = boto3.client("logs"), boto3.client("backup")
    names = [
        *(each["DBClusterIdentifier"] for each in boto3.client("rds").describe_db_clusters()["DBClusters"]),
        *boto3.client("dynamodb").list_tables()["TableNames"],
        *(each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]),
        *(each["AliasName"] for each in boto3.client("kms").list_aliases()["Aliases"]),
        *(each["BackupVaultName"] for each in backup.list_backup_vaults()["BackupVaultList"]),
        *(each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]),
    ]
    return {name for name in names if SUFFIX in name and name != TAKEN}


@pytest.fixture
def context() -> list[str]:
    """Return the settings of prod, with the stand-ins that the embedded AWS has for a certificate and an image."""
    settings = local_settings(["environment=prod", f"suffix={SUFFIX}"])
    made = standins.make(_aws(), standins.check(settings))
    return [f"{key}={value}" for key, value in {**settings, **made}.items()]


def _aws() -> clients.Aws:
    running = Workspace().emulator.running()
    assert running is not None
    return clients.clients(running.port, running.key)


@pytest.fixture
def taken() -> None:
    boto3.client("logs").create_log_group(logGroupName=TAKEN)


def _extra(context: Sequence[str]) -> list[str]:
    """Leave out what the lines of the runbook give themselves."""
    return [each for each in context if not each.startswith(("environment=", "suffix=", "removal.", "project."))]


@pytest.mark.usefixtures("taken")
def test_a_failed_first_deployment_is_repaired_or_given_up_and_repeated(context: list[str], tmp_path: Path) -> None:
    first = f"cdk deploy --no-rollback -c environment=prod -c suffix={SUFFIX}"
    failed = sh(first, _extra(context))
    assert (failed.returncode, status()) == (1, "CREATE_FAILED"), failed.stdout + failed.stderr
    assert "FailoverLogGroup" in failed.stdout + failed.stderr

    (give_up,) = re.findall(r"```sh\n(GIVE_UP=.*?)```", RUNBOOK, re.DOTALL)
    given_up = sh(give_up, _extra(context))
    assert (given_up.returncode, status()) == (0, "gone"), given_up.stdout + given_up.stderr
    assert "what failed has failed again" in given_up.stdout
    (bucket,) = left()
    assert "storage" in bucket  # the log bucket, whose name nothing else will have

    failed = sh(first, _extra(context))
    assert (failed.returncode, status()) == (1, "CREATE_FAILED"), failed.stdout + failed.stderr
    boto3.client("logs").delete_log_group(logGroupName=TAKEN)
    repaired = sh(f"{first} --output {tmp_path}", _extra(context))
    assert (repaired.returncode, status()) == (0, "UPDATE_COMPLETE"), repaired.stdout + repaired.stderr
    assert _differences(tmp_path) == {}

    ended = sh(give_up.replace(" || echo", " # ||"), _extra(context))
    assert (ended.returncode, status()) == (0, "gone"), ended.stdout + ended.stderr


def _differences(assembly: Path) -> Mapping[str, list[str]]:
    aws = _aws()
    resources = list(Deployment(aws("cloudformation"), aws("ec2"), assembly).resources(STACK))
    assert len(resources) > 100
    found = {
        f"{each.stack}/{each.logical_id}": [str(check) for check in verify.compare(aws, each) if not check.passed]
        for each in resources
    }
    return {name: wrong for name, wrong in found.items() if wrong}
