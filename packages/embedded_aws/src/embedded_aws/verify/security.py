"""AWS KMS, AWS IAM and AWS WAF: keys, aliases, roles, policies, and web ACLs with what they protect and log."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, named, same, unordered, verifies


@verifies("AWS::KMS::Key")
def key(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare state, rotation, description and the whole policy."""
    metadata = aws("kms").describe_key(KeyId=resource.physical_id)["KeyMetadata"]
    rotation = aws("kms").get_key_rotation_status(KeyId=resource.physical_id)
    policy = json.loads(aws("kms").get_key_policy(KeyId=resource.physical_id, PolicyName="default")["Policy"])
    yield Comparison("state", "Enabled", metadata["KeyState"])
    yield Comparison("rotation", declared(resource, "EnableKeyRotation", False), rotation["KeyRotationEnabled"])
    yield Comparison("description", declared(resource, "Description", ""), metadata["Description"])
    yield Comparison("policy", declared(resource, "KeyPolicy"), policy)


@verifies("AWS::KMS::Alias")
def alias(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the name and the key it points to."""
    target = declared(resource, "TargetKeyId")
    metadata = aws("kms").describe_key(KeyId=resource.physical_id)["KeyMetadata"]
    yield from named(resource, "AliasName")
    yield Comparison("key", target, metadata["Arn"] if str(target).startswith("arn:") else metadata["KeyId"])


@verifies("AWS::IAM::Role")
def role(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare description, trust policy and the exact set of managed policies."""
    found = aws("iam").get_role(RoleName=resource.physical_id)["Role"]
    attached = aws("iam").list_attached_role_policies(RoleName=resource.physical_id)["AttachedPolicies"]
    managed = unordered([policy["PolicyArn"] for policy in attached])
    trust = _document(found["AssumeRolePolicyDocument"])
    yield Comparison("description", declared(resource, "Description", ""), found.get("Description", ""))
    yield Comparison("trust policy", declared(resource, "AssumeRolePolicyDocument"), trust)
    yield Comparison("managed policies", unordered(declared(resource, "ManagedPolicyArns", [])), managed)


@verifies("AWS::IAM::Policy")
def policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the document in every role it names."""
    for name in declared(resource, "Roles", []):
        found = aws("iam").get_role_policy(RoleName=name, PolicyName=declared(resource, "PolicyName"))
        yield Comparison(
            f"document in {name}", declared(resource, "PolicyDocument"), _document(found["PolicyDocument"])
        )


@verifies("AWS::IAM::ManagedPolicy")
def managed_policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the document of its default version."""
    found = aws("iam").get_policy(PolicyArn=resource.physical_id)["Policy"]
    version = aws("iam").get_policy_version(PolicyArn=resource.physical_id, VersionId=found["DefaultVersionId"])
    yield Comparison("document", declared(resource, "PolicyDocument"), _document(version["PolicyVersion"]["Document"]))


@verifies("AWS::WAFv2::WebACL")
def web_acl(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the name, the default action, the metrics and every rule."""
    name, acl_id, scope = str(resource.physical_id).split("|")
    found = aws("wafv2").get_web_acl(Name=name, Id=acl_id, Scope=scope)["WebACL"]
    yield Comparison("Scope", declared(resource, "Scope"), scope)
    yield from same(resource, found, "Name", "Description", "DefaultAction", "VisibilityConfig", "Rules")


@verifies("AWS::WAFv2::WebACLAssociation")
def web_acl_association(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the web ACL that the declared resource has."""
    protected = str(resource.physical_id).partition("|")[0]
    yield Comparison("ResourceArn", declared(resource, "ResourceArn"), protected)
    found = aws("wafv2").get_web_acl_for_resource(ResourceArn=protected).get("WebACL", {})
    yield Comparison("WebACLArn", declared(resource, "WebACLArn"), found.get("ARN"))
    yield Comparison("id", resource.physical_id, f"{protected}|{found.get('ARN')}")


@verifies("AWS::WAFv2::LoggingConfiguration")
def web_acl_logging(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare destinations and filter."""
    found = aws("wafv2").get_logging_configuration(ResourceArn=resource.physical_id)["LoggingConfiguration"]
    yield from same(resource, found, "ResourceArn", "LogDestinationConfigs", "LoggingFilter")


def _document(value: Any) -> Any:
    return json.loads(unquote(value)) if isinstance(value, str) else value
