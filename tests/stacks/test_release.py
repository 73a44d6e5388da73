"""An upgrade from the last release replaces nothing that holds data: `tests/stacks/released.yaml` is what it had.

`make freeze` writes that file for a release, and nothing else does. What fails here is mended in `stacks/`; or the next
version is a major one, whose changelog says how the data is moved.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import pytest
import yaml
from aws_cdk import App, CfnResource
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_rds as rds
from constructs import Construct

from ops.preflight.checks.stack import CREATE_ONLY
from stacks import profiles
from stacks.profiles import PROFILES
from stacks.settings import load_settings
from tests import assembly as assemblies
from tests.assembly import ROOT, Assembly

RELEASED: Final = ROOT / "tests" / "stacks" / "released.yaml"
# What replaces a resource that holds data, or without which such a resource is replaced. To what preflight knows: a
# nested stack with all that is in it, the group that a cluster cannot leave, and what a key is made with, whose update
# requires replacement in the template reference (28 November 2026).
REPLACING: Final = {
    **CREATE_ONLY,
    "AWS::CloudFormation::Stack": (),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "Origin"),
    "AWS::RDS::DBSubnetGroup": ("DBSubnetGroupName",),
}
HOLDS_DATA: Final = frozenset(REPLACING)
Frozen = dict[str, dict[str, dict[str, Any]]]


def identities(deployment: Assembly) -> Frozen:
    """Return what decides whether an update replaces a resource, of each that holds data, by stack and logical id."""
    return {
        stack: {
            name: {
                "Type": resource["Type"],
                **{
                    key: deployment.plain(stack, resource["Properties"][key])
                    for key in REPLACING[resource["Type"]]
                    if key in resource["Properties"]
                },
            }
            for name, resource in sorted(template.resources.items())
            if resource["Type"] in HOLDS_DATA
        }
        for stack, template in deployment.templates.items()
    }


def replaced(released: Frozen, now: Frozen) -> list[str]:
    """Return the resources that an upgrade would replace or remove, with what differs."""
    found = []
    for stack, resources in released.items():
        for name, then in resources.items():
            has = now.get(stack, {}).get(name)
            if has is None:
                found.append(f"{stack}/{name}: removed")
            elif differs := [key for key in sorted(then.keys() | has.keys()) if then.get(key) != has.get(key)]:
                found.append(f"{stack}/{name}: {', '.join(differs)}")
    return found


def rename(root: str, stack: str, construct: str) -> Callable[[App], None]:
    """Return what gives a construct's main resource another logical id, for `profiles.synthesize(configure=…)`."""

    def change(app: App) -> None:
        _resource(app, root, stack, construct).override_logical_id("Renamed")

    return change


def _resource(app: App, root: str, stack: str, construct: str) -> CfnResource:
    found = cast(Construct, app.node.find_child(root).node.find_child(stack).node.find_child(construct))
    while not isinstance(found, CfnResource):
        found = cast(Construct, found.node.default_child)
    return found


@pytest.fixture(scope="module")
def released(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the last release had; `--snapshot-update` writes the file anew, for a release."""
    if request.config.getoption("--snapshot-update"):
        frozen = {name: identities(assemblies.assembly(name)) for name in PROFILES}
        RELEASED.write_text(yaml.safe_dump({"version": version(), "profiles": frozen}, width=120), encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(RELEASED.read_text(encoding="utf-8"))
    return found


def version() -> str:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(document["project"]["version"])


def test_what_is_frozen_is_the_last_release(released: dict[str, Any]) -> None:
    assert (released["version"], set(released["profiles"])) == (version(), set(PROFILES))
    kinds = {
        each["Type"] for stacks in released["profiles"].values() for stack in stacks.values() for each in stack.values()
    }
    assert kinds == HOLDS_DATA


def test_an_upgrade_replaces_nothing_that_holds_data(released: dict[str, Any], deployment: Assembly) -> None:
    assert replaced(released["profiles"][deployment.profile], identities(deployment)) == []


def _other_key(app: App) -> None:
    table = cast(dynamodb.CfnGlobalTable, _resource(app, "Breakwater-dev", "Storage", "Table"))
    table.add_property_override("KeySchema.0.AttributeName", "id")


def _other_database(app: App) -> None:
    cluster = cast(rds.CfnDBCluster, _resource(app, "Breakwater-dev", "Database", "Cluster"))
    cluster.database_name = "other"


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (rename("Breakwater-dev", "Storage", "Table"), "Storage/TableCD117FA1: removed"),
        (rename("Breakwater-dev", "Database", "Cluster"), "Database/ClusterEB0386A7: removed"),
        (_other_key, "Storage/TableCD117FA1: KeySchema"),
        (_other_database, "Database/ClusterEB0386A7: DatabaseName"),
    ],
    ids=["table", "cluster", "key schema", "database"],
)
def test_a_change_on_purpose_is_noticed(
    released: dict[str, Any], tmp_path: Path, change: Callable[[App], None], noticed: str
) -> None:
    settings = load_settings(PROFILES["dev"])
    profiles.synthesize(settings, tmp_path, configure=change)
    found = replaced(released["profiles"]["dev"], identities(assemblies.read(settings, "dev", tmp_path)))
    assert found == [noticed]
