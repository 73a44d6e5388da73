"""What stays when a deployment is deleted or fails, and that it stays with everything that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from aws_cdk import App, Stack

from stacks.common.acknowledgements import accept_loss_of_data
from stacks.settings.foundation import RemovalSettings
from tests.assembly import Assembly, Resource

LOG_BUCKET = "${Storage/LogBucket}"


def _referred(deployment: Assembly, stack: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield stack and logical id of every resource that a value refers to, across nested stacks."""
    if isinstance(value, list):
        for item in value:
            yield from _referred(deployment, stack, item)
    elif isinstance(value, dict):
        if "Ref" in value or "Fn::GetAtt" in value:
            name = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
            if name in deployment.templates[stack].resources:
                yield stack, name
            elif not name.startswith("AWS::"):
                owner, origin = deployment.origin(stack, value)
                if origin in deployment.templates[owner].resources:
                    yield owner, origin
        else:
            for item in value.values():
                yield from _referred(deployment, stack, item)


def _kept(deployment: Assembly) -> Iterator[tuple[str, str, Resource]]:
    """Yield stack, logical id and body of every resource that outlives its stack."""
    for stack, template in deployment.templates.items():
        for name, resource in template.resources.items():
            if resource.get("DeletionPolicy", "Delete") not in ("Delete", "Snapshot"):
                yield stack, name, resource


def test_what_stays_stays_with_everything_that_it_refers_to(deployment: Assembly) -> None:
    """Else the delete fails (a subnet in use), or leaves what cannot run (a cluster without its key)."""
    kept = {(stack, name) for stack, name, _ in _kept(deployment)}
    lost = {
        f"{deployment.text(stack, {'Ref': name})} without {deployment.text(*_reference(target))}"
        for stack, name, resource in _kept(deployment)
        for target in _referred(deployment, stack, resource["Properties"])
        if target not in kept
    }
    assert lost == set()


def _reference(target: tuple[str, str]) -> tuple[str, dict[str, str]]:
    return target[0], {"Ref": target[1]}


def test_a_first_deployment_that_fails_leaves_only_a_bucket_whose_name_is_never_taken(deployment: Assembly) -> None:
    for stack, name, resource in _kept(deployment):
        policies = resource["DeletionPolicy"], resource["UpdateReplacePolicy"]
        if deployment.text(stack, {"Ref": name}) == LOG_BUCKET:
            # Load balancers write to it at once, and a bucket with objects cannot be deleted.
            assert policies == ("Retain", "Retain")
            assert "BucketName" not in resource["Properties"]
        else:
            assert policies == ("RetainExceptOnCreate", "Retain"), name


@pytest.mark.parametrize(
    ("environment", "data", "home"), [("dev", False, False), ("staging", True, False), ("prod", True, True)]
)
def test_what_stays_by_environment(request: pytest.FixtureRequest, environment: str, *, data: bool, home: bool) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    kept = {deployment.text(stack, {"Ref": name}) for stack, name, _ in _kept(deployment)}
    for construct in ("Storage/Table", "Storage/DataBucket", "Kms/DataKey", "Backup/Vault", "Backup/Role"):
        assert (f"${{{construct}}}" in kept) is data, construct
    for construct in ("Database/Cluster", "Database/Cluster/Writer", "Network/Vpc", "Network/DatabaseSecurityGroup"):
        assert (f"${{{construct}}}" in kept) is home, construct
    assert {each for each in kept if "Subnet" in each} == (
        {
            "${Database/Cluster/SubnetGroup}",
            "${Network/Vpc/IsolatedSubnet1/Subnet}",
            "${Network/Vpc/IsolatedSubnet2/Subnet}",
        }
        if home
        else set()
    )


@pytest.mark.parametrize(
    ("data", "protections", "accepted"),
    [
        ("destroy", (False, False), True),
        ("destroy", (True, False), False),
        ("destroy", (False, True), False),
        ("snapshot", (False, False), False),
    ],
)
def test_the_loss_of_data_is_accepted_only_where_nothing_protects_it(
    data: Literal["destroy", "snapshot"], protections: tuple[bool, bool], *, accepted: bool
) -> None:
    stack = Stack(App(), "Given")
    deletion, termination = protections
    removal = RemovalSettings(data=data, deletion_protection=deletion, termination_protection=termination)
    accept_loss_of_data(stack, removal)
    acknowledged = [each.data for each in stack.node.metadata if each.type == "aws:cdk:acknowledged-rules"]
    assert [list(each) for each in acknowledged] == ([["breakwater-guards::DR-HYGIENE-08"]] if accepted else [])
