"""The last release is deployed, data is written, and it is upgraded to this checkout while transfers go on.

`make upgrade` runs this file. Data must stay where it is, and no client may notice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console

from breakwater_drills import Target, invariant
from breakwater_drills.clock import Clock
from breakwater_drills.measure import Sample
from breakwater_drills.probes import Rows
from breakwater_drills.sampler import Sampler
from breakwater_drills.traffic import Traffic
from embedded_aws import clients
from embedded_aws import environment as surroundings
from embedded_aws.address import REGION
from embedded_aws.deployment import Deployment
from ops import REPOSITORY
from ops.connection import Connection
from ops.console import new_table
from ops.drill import target_of
from ops.load import Part
from ops.local.up import cdk_cli, local_settings
from ops.local.workspace import Workspace
from ops.outputs import deployed
from ops.settings import deployed_settings
from stacks import profiles
from stacks.names import OutputKey
from stacks.settings import load_settings
from tests.environments.conftest import Environment
from tests.stacks.test_release import HOLDS_DATA, rename

SETTINGS = {"environment": "dev", "suffix": "up"}
TRANSFERS_A_SECOND = 20.0
# Names a revision to begin with, instead of the last release.
FROM = "BREAKWATER_RELEASE"


@dataclass(frozen=True)
class Upgrade:
    """What an upgrade did.

    Attributes:
        release: revision that was deployed before.
        before: physical id of each resource of the release, by stack and logical id, and its type.
        after: the same of this checkout.
        samples: requests of the clients meanwhile.
        broken: sentences of the bank invariant that do not hold.
        written: what was written before the upgrade and is not there after it.
    """

    release: str
    before: Mapping[tuple[str, str], tuple[str, str]]
    after: Mapping[tuple[str, str], tuple[str, str]]
    samples: list[Sample]
    broken: list[str]
    written: list[str]

    @property
    def replaced(self) -> list[tuple[str, str, str]]:
        """Stack, logical id and type of each resource of the release that is not the same one now."""
        return [(*key, kind) for key, (kind, name) in self.before.items() if self.after.get(key, ("", ""))[1] != name]


def git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.strip()


def last_release() -> str:
    """Return the revision of the last release: the one that entered its version, which the tag is put on."""
    if given := os.environ.get(FROM):
        return given
    assert git("rev-parse", "--is-shallow-repository") == "false", (
        "the release is not in a shallow clone: git fetch --unshallow"
    )
    return git("log", "-1", "--format=%h", "-G^version = ", "--", "pyproject.toml")


def synthesize(revision: str, folder: Path) -> Path:
    """Return the cloud assembly of a revision, made with the versions of everything that the revision pins."""
    checkout, assembly = folder / "release", folder / "release.out"
    checkout.mkdir()
    archive = subprocess.run(["git", "archive", revision], cwd=REPOSITORY, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(checkout)], input=archive, check=True)
    context = " ".join(f"-c {key}={value}" for key, value in local_settings([]).items() if key not in SETTINGS)
    words = [f"ENVIRONMENT={SETTINGS['environment']}", f"SUFFIX={SETTINGS['suffix']}"]
    made = subprocess.run(
        ["make", "-C", str(checkout), "synth", *words, f"ARGS={context} --output {assembly}"],
        capture_output=True, text=True, check=False, timeout=600, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    return assembly


def deploy_release(environment: Environment, assembly: Path) -> None:
    workspace = environment.workspace
    surroundings.docker(workspace.programs, Path(sys.executable), workspace.images)
    workspace.keep_settings(environment.stack, {**local_settings([]), **SETTINGS})
    cdk, lines = replace(cdk_cli(workspace), assembly=assembly), list[str]()
    assert cdk.bootstrap(environment.variables) == 0, workspace.cdk_log.read_text()
    assert cdk.deploy(environment.variables, lines.append) == 0, "\n".join(lines)


def physical(environment: Environment, assembly: Path) -> dict[tuple[str, str], tuple[str, str]]:
    client = environment.client
    made = Deployment(client("cloudformation"), client("ec2"), assembly).resources(environment.stack)
    return {(each.stack, each.logical_id): (each.type, str(each.physical_id)) for each in made}


def target(environment: Environment) -> Target:
    running = environment.workspace.emulator.running()
    assert running is not None
    connection = Connection(clients.session(running.key, REGION), running.endpoint)
    found = deployed(environment.stack, connection)
    return target_of(found, deployed_settings(found, {}), connection)


class Written:
    """Data that nobody asks for during the upgrade: an object, and an item."""

    def __init__(self, environment: Environment) -> None:
        outputs = environment.outputs()
        self._s3, self._dynamodb = environment.client("s3"), environment.client("dynamodb")
        self._object = {"Bucket": outputs[OutputKey.DATA_BUCKET_NAME], "Key": "upgrade/kept"}
        self._table = outputs[OutputKey.TABLE_NAME]
        self._item = {"pk": {"S": "upgrade"}, "sk": {"S": "kept"}}
        self._s3.put_object(**self._object, Body=b"kept")
        self._dynamodb.put_item(TableName=self._table, Item=self._item)

    def lost(self) -> list[str]:
        """Return what is not there any more."""
        body = self._s3.get_object(**self._object)["Body"].read()
        item = self._dynamodb.get_item(TableName=self._table, Key=self._item).get("Item")
        return [*(["object"] if body != b"kept" else []), *(["item"] if item != self._item else [])]


@pytest.fixture(scope="module")
def environment(folder: Path) -> Iterator[Environment]:
    """Return an environment of its own; its embedded AWS ends with it."""
    folder /= SETTINGS["suffix"]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield Environment(SETTINGS, folder)
    finally:
        Workspace(state=folder / "embedded-aws").emulator.stop()


@pytest.fixture(scope="module")
def upgrade(environment: Environment, request: pytest.FixtureRequest) -> Upgrade:
    """Deploy the release, and this checkout over it while transfers go on."""
    release = last_release()
    assembly = synthesize(release, environment.folder)
    deploy_release(environment, assembly)
    before, written = physical(environment, assembly), Written(environment)

    found, clock = target(environment), Clock()
    rows = Rows(found, "")
    traffic = Traffic(found, uuid.uuid4().hex[:8], clock, rows.query, TRANSFERS_A_SECOND)
    traffic.find(pytest.fail)
    with Sampler(traffic.probes, clock) as sampler:
        clock.sleep(2)
        environment.up()
        clock.sleep(2)
    samples = sampler.samples()
    made = Upgrade(
        release,
        before,
        physical(environment, environment.workspace.assembly),
        samples,
        invariant.broken(traffic.checks(None)),
        written.lost(),
    )
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():  # the table is what people look at
        show(made)
    return made


def show(made: Upgrade) -> None:
    numbers = ("Requests", "Failed", "p50 ms", "p99 ms", "Slowest ms")
    table = new_table(f"Upgrade from {made.release} under load", "Client", *numbers, right=numbers)
    for name in dict.fromkeys(each.probe for each in made.samples):
        own = [each for each in made.samples if each.probe == name]
        taken = [each.seconds for each in own if each.ok]
        part = Part(name, made.samples[-1].ended - made.samples[0].begun, taken, len(own) - len(taken))
        times = [f"{part.milliseconds(percent):.0f}" for percent in (50, 99, 100)]
        table.add_row(name, str(len(own)), str(part.failed), *times)
    console = Console(width=120)
    console.print()
    console.print(table)
    for stack, logical_id, kind in made.replaced:
        console.print(f"replaced or removed: {stack}/{logical_id} ({kind})")


def test_no_resource_that_holds_data_is_replaced(upgrade: Upgrade) -> None:
    kinds = {kind for kind, _name in upgrade.before.values()}
    assert kinds >= HOLDS_DATA  # each kind was there to be lost
    assert [each for each in upgrade.replaced if each[2] in HOLDS_DATA] == []


def test_no_transfer_is_lost_and_no_request_fails(upgrade: Upgrade) -> None:
    assert len(upgrade.samples) > 10 * TRANSFERS_A_SECOND
    assert [each for each in upgrade.samples if not each.ok] == []
    assert upgrade.broken == []


def test_what_was_written_before_is_there(upgrade: Upgrade) -> None:
    assert upgrade.written == []


@pytest.mark.usefixtures("upgrade")
@pytest.mark.parametrize(("stack", "logical_id"), [("Storage", "Table"), ("Database", "Cluster")])
def test_a_logical_id_that_is_changed_on_purpose_is_noticed(
    environment: Environment, stack: str, logical_id: str
) -> None:
    """The name is taken by the resource with the old logical id: CloudFormation refuses, and the data stays."""
    outdir, before = environment.folder / f"renamed-{logical_id}", physical(environment, environment.workspace.assembly)
    settings = environment.workspace.settings()[environment.stack]
    profiles.synthesize(load_settings(settings), outdir, configure=rename(environment.stack, stack, logical_id))
    failed = environment.cdk("deploy", "--app", str(outdir), "--all", "--require-approval", "never")
    assert (failed.returncode, environment.status()) == (1, "UPDATE_ROLLBACK_COMPLETE"), failed.stdout + failed.stderr
    assert "failed to create: [Renamed]" in failed.stdout
    assert physical(environment, environment.workspace.assembly) == before
