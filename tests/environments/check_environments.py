"""Each environment is deployed, updated, rolled back and removed by the runbook; what it leaves is what is said."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from aws_cdk import App, CfnResource
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from embedded_aws import changes
from embedded_testing.inventory import items
from ops import REPOSITORY
from ops.local.workspace import Workspace
from stacks import profiles
from stacks.settings import load_settings
from tests.environments.conftest import Environment


@dataclass(frozen=True)
class Life:
    """What one environment is put through.

    Attributes:
        settings: with which it is deployed first.
        updated: the setting that the second deployment changes.
        changed: all that this may change: the nested stack, and what in it.
        failing: the setting that the third deployment changes, in vain.
        broken: the nested stack that makes it fail, after all else in that stack.
        stays: how many are left after its removal, by kind.
    """

    settings: Mapping[str, str]
    updated: tuple[str, str]
    changed: tuple[str, str]
    failing: tuple[str, str]
    broken: str
    stays: Mapping[str, int]


# What holds data, or opens it, and what Aurora cannot run without.
_DATA = {
    "log group": 9,
    "backup vault": 1,
    "bucket": 2,
    "key": 3,
    "role": 1,
    "table": 1,
}
_CLUSTER = {
    "parameter group": 1,
    "cluster": 1,
    "instance": 2,
    "subnet group": 1,
    "security group": 1,
    "subnet": 2,
    "VPC": 1,
    "role": 2,
    "secret": 1,
}
LIVES = {
    "dev": Life(
        settings={"environment": "dev", "suffix": "dev"},
        updated=("network.flow_log_retention_days", "14"),
        changed=("Network", "FlowLogLogGroupAFFB9038: RetentionInDays"),
        failing=("database.max_acu", "3"),
        broken="Compute",
        stays={"bucket": 1},
    ),
    "staging": Life(
        settings={"environment": "staging", "suffix": "st"},
        updated=("compute.max_tasks", "7"),
        changed=("Compute", "ServiceTaskCountTarget23E25614: MaxCapacity"),
        failing=("compute.min_tasks", "3"),
        broken="Operations",
        stays=_DATA | {"cluster snapshot": 1},
    ),
    "prod": Life(
        settings={"environment": "prod", "suffix": "eu1"},
        updated=("database.max_acu", "12"),
        changed=("Database", "ClusterEB0386A7: ServerlessV2ScalingConfiguration"),
        failing=("storage.point_in_time_recovery_days", "20"),
        broken="Backup",
        stays=_DATA | _CLUSTER,
    ),
    "prod-nat": Life(
        settings={"environment": "prod", "suffix": "nat", "network.egress": "nat"},
        updated=("storage.point_in_time_recovery_days", "20"),
        changed=("Storage", "TableCD117FA1: Replicas"),
        failing=("network.flow_log_retention_days", "400"),
        broken="Database",
        stays=_DATA | _CLUSTER,
    ),
}


@pytest.fixture(scope="module", params=LIVES)
def life(request: pytest.FixtureRequest) -> Life:
    """Return what each environment is put through, in turn."""
    return LIVES[request.param]


@pytest.fixture(scope="module")
def environment(folder: Path, life: Life) -> Iterator[Environment]:
    """Return the environment; its embedded AWS ends with it."""
    folder /= life.settings["suffix"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield Environment(life.settings, folder)
    finally:
        Workspace(state=folder / "embedded-aws").emulator.stop()


def test_deploy(environment: Environment) -> None:
    environment.up()
    assert (environment.status(), environment.wrong()) == ("CREATE_COMPLETE", [])


def test_update(environment: Environment, life: Life) -> None:
    """One setting is changed, and nothing else changes."""
    before = environment.snapshot()
    environment.up(life.updated)
    found = [(each.stack, each.what, each.details) for each in changes.between(before, environment.snapshot())]
    stack, detail = life.changed
    assert found == [(stack, "updated", (detail,))]
    assert (environment.status(), environment.wrong()) == ("UPDATE_COMPLETE", [])


def test_roll_back(environment: Environment, life: Life) -> None:
    """A deployment that fails in a nested stack undoes what it has changed before, there and elsewhere."""
    before = environment.snapshot()
    failed = environment.cdk("deploy", "--app", broken(environment, life), "--all", "--require-approval", "never")
    assert (failed.returncode, environment.status()) == (1, "UPDATE_ROLLBACK_COMPLETE"), failed.stdout + failed.stderr
    assert "[Broken]" in failed.stdout + failed.stderr
    now = environment.snapshot()
    assert {name: state.resources for name, state in now.items()} == {
        name: state.resources for name, state in before.items()
    }
    assert environment.wrong() == []


def broken(environment: Environment, life: Life) -> str:
    """Return an assembly that changes a setting, and then fails at the end of one nested stack."""
    outdir = environment.folder / "broken"

    def break_it(app: App) -> None:
        nested = cast(Construct, app.node.find_child(environment.stack).node.find_child(life.broken))
        others = [each for each in nested.node.find_all() if isinstance(each, CfnResource)]
        ingress = ec2.CfnSecurityGroupIngress(
            nested, "Broken", ip_protocol="-1", group_id="sg-00000000000000000", cidr_ip="10.0.0.0/8"
        )
        ingress.node.add_dependency(*others)

    settings = environment.workspace.settings()[environment.stack] | dict([life.failing])
    profiles.synthesize(load_settings(settings), outdir, configure=break_it)
    return str(outdir)


def test_destroy(environment: Environment, life: Life) -> None:
    """The runbook's commands remove the environment; without them a protected one refuses to go."""
    assembly, snapshot = str(environment.workspace.assembly), environment.snapshot()
    kept = {
        str(each.physical_id)
        for each in environment.resources()
        if snapshot[each.stack].resources[each.logical_id].get("DeletionPolicy", "Delete").startswith("Retain")
    }
    if life.settings["environment"] == "prod":
        refused = environment.cdk("destroy", "--app", assembly, "--all", "--force")
        assert (refused.returncode, environment.wrong()) == (1, []), refused.stdout
        assert "TerminationProtection is enabled" in refused.stdout + refused.stderr

    if life.settings["environment"] == "dev":
        fill(environment)
        refused = by_the_runbook(environment, 0)
        assert (refused.returncode, environment.status()) == (1, "DELETE_FAILED"), refused.stdout
        told = {word for word in ("bucket", "vault") if re.search(f"{word}.* (not empty|contains)", refused.stderr)}
        assert told == {"bucket", "vault"}, refused.stdout + refused.stderr
        emptied = by_the_runbook(environment, 1)
        assert emptied.returncode == 0, emptied.stdout + emptied.stderr
        removed = environment.cdk("destroy", "--app", assembly, "--all", "--force")
    else:
        removed = by_the_runbook(environment, 0)
    assert removed.returncode == 0, removed.stdout + removed.stderr

    stacks = environment.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    left = set(items(environment.client)) - environment.empty - made_before(environment)
    assert Counter(kind for kind, _name in left) == life.stays
    # What belongs to the cluster and to no stack: its password, which RDS keeps, and its final snapshot.
    beside = {"secret", "cluster snapshot"}
    assert {name for kind, name in left if kind not in beside} == kept


def fill(environment: Environment) -> None:
    """Put into bucket and vault what AWS does not delete with them: versions, a delete marker, a recovery point."""
    outputs = environment.outputs()
    s3, bucket = environment.client("s3"), outputs["DataBucketName"]
    for key in ("a", "a", "b/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.delete_object(Bucket=bucket, Key="a")
    selection = next(each for each in environment.resources() if each.type == "AWS::Backup::BackupSelection")
    environment.client("backup").start_backup_job(
        BackupVaultName=outputs["BackupVaultName"],
        ResourceArn=outputs["TableArn"],
        IamRoleArn=selection.properties["BackupSelection"]["IamRoleArn"],
    )


def by_the_runbook(environment: Environment, block: int) -> subprocess.CompletedProcess[str]:
    """Run a block of commands by which the runbook removes an environment: 0 removes it, 1 empties bucket and vault."""
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
    output = re.search(r"^output\(\) .*?^  .*?$", runbook, re.DOTALL | re.MULTILINE)
    section = re.search(r"^## Remove an environment$.*?(?=^## )", runbook, re.DOTALL | re.MULTILINE)
    assert output
    assert section
    blocks = re.findall(r"^```sh$(.*?)^```$", section[0], re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    script = f"""
set -eu
SUFFIX={environment.settings["suffix"]} ENVIRONMENT=any
aws() {{ command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }}
cdk() {{ command cdk --no-notices --ci "$@" --app {environment.workspace.assembly} --force; }}
{output[0]}{blocks[block]}
"""
    return environment.run("sh", "-c", script)


def made_before(environment: Environment) -> set[tuple[str, str]]:
    """Return what `cdk bootstrap` made."""
    client = environment.client("cloudformation")
    toolkit = {
        each["PhysicalResourceId"] for each in client.describe_stack_resources(StackName="CDKToolkit")["StackResources"]
    }
    return {(kind, name) for kind, name in items(environment.client) if name in toolkit}
