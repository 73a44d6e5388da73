"""AWS KMS and IAM: keys rotate and carry their policy, roles trust and hold what is declared."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.verify.core import Check, declared, named, unordered, verifies


@verifies("AWS::KMS::Key")
def key(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Enabled, rotated, described, and with the whole declared policy."""
    metadata = aws("kms").describe_key(KeyId=resource.physical_id)["KeyMetadata"]
    rotation = aws("kms").get_key_rotation_status(KeyId=resource.physical_id)
    policy = json.loads(aws("kms").get_key_policy(KeyId=resource.physical_id, PolicyName="default")["Policy"])
    yield Check("state", "Enabled", metadata["KeyState"])
    yield Check("rotation", declared(resource, "EnableKeyRotation", False), rotation["KeyRotationEnabled"])
    yield Check("description", declared(resource, "Description", ""), metadata["Description"])
    yield Check("policy", declared(resource, "KeyPolicy"), policy)


@verifies("AWS::KMS::Alias")
def alias(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Points to the declared key."""
    target = declared(resource, "TargetKeyId")
    metadata = aws("kms").describe_key(KeyId=resource.physical_id)["KeyMetadata"]
    yield from named(resource, "AliasName")
    yield Check("key", target, metadata["Arn"] if str(target).startswith("arn:") else metadata["KeyId"])


@verifies("AWS::IAM::Role")
def role(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Trusts exactly whom it declares, and has exactly the declared managed policies."""
    found = aws("iam").get_role(RoleName=resource.physical_id)["Role"]
    attached = aws("iam").list_attached_role_policies(RoleName=resource.physical_id)["AttachedPolicies"]
    managed = unordered([policy["PolicyArn"] for policy in attached])
    trust = _document(found["AssumeRolePolicyDocument"])
    yield Check("description", declared(resource, "Description", ""), found.get("Description", ""))
    yield Check("trust policy", declared(resource, "AssumeRolePolicyDocument"), trust)
    yield Check("managed policies", unordered(declared(resource, "ManagedPolicyArns", [])), managed)


@verifies("AWS::IAM::Policy")
def policy(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Is in line in every role it names, word for word."""
    for name in declared(resource, "Roles", []):
        found = aws("iam").get_role_policy(RoleName=name, PolicyName=declared(resource, "PolicyName"))
        yield Check(f"document in {name}", declared(resource, "PolicyDocument"), _document(found["PolicyDocument"]))


@verifies("AWS::IAM::ManagedPolicy")
def managed_policy(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Its default version is the declared document."""
    found = aws("iam").get_policy(PolicyArn=resource.physical_id)["Policy"]
    version = aws("iam").get_policy_version(PolicyArn=resource.physical_id, VersionId=found["DefaultVersionId"])
    yield Check("document", declared(resource, "PolicyDocument"), _document(version["PolicyVersion"]["Document"]))


def _document(value: Any) -> Any:
    return json.loads(unquote(value)) if isinstance(value, str) else value
