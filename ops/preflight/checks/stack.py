"""The deployed stack: its state, whose it is, and what the deployment would replace or remove."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from ops.errors import error_code
from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext, listed
from ops.preflight.deployed import TEMPLATE_CALLS, deployed_templates, differences, name_of, place_of
from stacks.names import STACK_PREFIX, TagKey

STATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"
UPDATES = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html"
)
READY = frozenset(
    {"CREATE_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
)
# The CDK CLI deletes a stack in one of these states, and creates it again.
NEVER_CREATED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
# What CloudFormation replaces a resource for, of the types whose replacement loses data or the whole network: the
# createOnlyProperties and conditionalCreateOnlyProperties of their schemas, with which a test compares them.
CREATE_ONLY: Mapping[str, tuple[str, ...]] = {
    "AWS::Backup::BackupVault": ("BackupVaultName", "EncryptionKeyArn"),
    "AWS::DynamoDB::GlobalTable": ("GlobalTableSourceArn", "KeySchema", "LocalSecondaryIndexes", "TableName"),
    "AWS::EC2::Subnet": (
        "AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6CidrBlock",
        "Ipv6IpamPoolId", "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn", "VpcId",
    ),
    "AWS::EC2::VPC": ("CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"),
    "AWS::KMS::Key": (),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::RDS::DBCluster": (
        "AvailabilityZones", "ClusterScalabilityType", "DBClusterIdentifier", "DBSubnetGroupName", "DBSystemId",
        "DatabaseName", "Engine", "EngineMode", "GlobalClusterIdentifier", "KmsKeyId", "MasterUsername",
        "PubliclyAccessible", "RestoreToTime", "RestoreType", "SnapshotIdentifier", "SourceDBClusterIdentifier",
        "SourceDbClusterResourceId", "SourceRegion", "StorageEncrypted", "UseLatestRestorableTime",
    ),
    "AWS::S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
}  # fmt: skip
# A change of settings takes these away, and nothing else goes with them: logs of what is off, zones that are not used.
DISPENSABLE = frozenset({"AWS::EC2::Subnet", "AWS::Logs::LogGroup"})


def _stack(context: CheckContext) -> dict[str, Any] | None:
    """Return CloudFormation's description of the root stack; None before the first deployment."""
    try:
        found = context.ask("cloudformation:DescribeStacks", StackName=context.stack)["Stacks"]
    except ClientError as error:
        if error_code(error) == "ValidationError":
            return None
        raise
    return dict(found[0])


def _tags(stack: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}


class StackState(Check):
    """Checks that CloudFormation can update the stack."""

    id = "PF-CFN-01"
    title = "The stack does not exist yet, or is in a state from which it can be updated"
    why = "`cdk deploy` stops: the stack is in a state and can not be updated."
    fix = "See the runbook for a failed deployment: wait, continue the rollback, or delete what was never created."
    source = STATES
    calls = ("cloudformation:DescribeStacks",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look at the stack's state, and at its termination protection where it has to be deleted first."""
        stack = _stack(context)
        if stack is None:
            yield ok(f"{context.stack} does not exist yet")
            return
        state = stack["StackStatus"]
        message = f"{context.stack} is {state}"
        if state in NEVER_CREATED and stack.get("EnableTerminationProtection"):
            yield fail(f"{message}, and its termination protection keeps the CDK from deleting and creating it anew")
        elif state in NEVER_CREATED:
            yield warn(f"{message}: the CDK deletes it and creates it anew")
        else:
            yield (ok if state in READY else fail)(message)


class StackOwner(Check):
    """Checks that the deployment goes to the environment's own stack."""

    id = "PF-CFN-02"
    title = "The stack belongs to the same environment, and the environment has no other stack in the Region"
    why = "Settings of another environment take away protection; another `suffix` makes a second, empty platform."
    fix = "Give the `environment` and the `suffix` with which the stack was deployed."
    source = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html"
    calls = ("cloudformation:DescribeStacks",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the tags of the Region's stacks with the settings."""
        wanted = context.settings.environment
        stacks = context.ask.every("cloudformation:DescribeStacks", "Stacks")
        roots = {
            stack["StackName"]: _tags(stack).get(TagKey.ENVIRONMENT)
            for stack in stacks
            if "ParentId" not in stack and stack["StackName"] == f"{STACK_PREFIX}-{_tags(stack).get(TagKey.SUFFIX)}"
        }
        own = roots.pop(context.stack, None)
        others = sorted(name for name, environment in roots.items() if environment == wanted)
        if own not in (None, wanted):
            yield fail(f"{context.stack} is of environment {own}, and the settings are of {wanted}")
        elif own is None and others:
            yield warn(f"{context.stack} does not exist, and {listed(others)} of {wanted} does: this adds a platform")
        else:
            yield ok(f"{context.stack} is of {wanted}" if own else f"{context.stack} is the first of {wanted}")


class Replacements(Check):
    """Checks that the deployment replaces and removes no data."""

    id = "PF-CFN-03"
    title = "The deployment replaces and removes nothing that holds data, and no part of the network"
    why = "CloudFormation deletes the old resource with its data, or stops half-way: its name or range is still used."
    fix = "Set it back to the deployed value, or move the data first: `cdk diff`, and the settings page."
    source = UPDATES
    calls = TEMPLATE_CALLS

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Compare the deployed templates with the planned ones."""
        deployed = deployed_templates(context.ask, context.stack, context.plan.assembly.roots[0])
        if deployed is None:
            yield ok("nothing is deployed")
            return
        planned = {place_of(each): each for kind in CREATE_ONLY for each in context.plan.resources(kind)}
        watched, outcomes = list(deployed.of_type(*CREATE_ONLY)), list[Outcome]()
        for old in watched:
            new = planned.get(place_of(old))
            outcomes += _removed(old) if new is None else _replaced(old, new)
        yield from outcomes or [ok(f"{len(watched)} resources stay")]


def _removed(old: Resource) -> Iterator[Outcome]:
    # Without a policy a cluster leaves a snapshot, and everything else goes.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    policy = old.attribute("DeletionPolicy")
    goes = policy == "Delete" or (policy is ABSENT and old.type != "AWS::RDS::DBCluster")
    message = f"{name_of(old)} would be removed from the stack, and {'deleted' if goes else 'kept outside of it'}"
    yield (fail if goes and old.type not in DISPENSABLE else warn)(message)


def _replaced(old: Resource, new: Resource) -> Iterator[Outcome]:
    for each in differences(old, new, CREATE_ONLY[old.type]):
        message = f"{name_of(old)} {'would' if each.certain else 'may'} be replaced: {each}"
        yield (fail if each.certain else warn)(message)
