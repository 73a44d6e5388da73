"""The policies for CloudFormation's execution role as IAM would hold them, and a simulator that judges calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from scripts import bootstrap_policy
from scripts.bootstrap_policy import Created, privilege
from stacks.profiles import PROFILES
from tests.assembly import assembly
from tests.integration.permissions import Call, Policies, simulate

ACCOUNT, REGION = "111111111111", "us-east-1"
ROLE = f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/{ROLE}/AWSCloudFormation"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d"
DRIFT = "Drift"  # the policy for drift detection, which is of another role
# As those of the platform: IAM decides.
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}


@cache
def everything(*left_out: str) -> Created:
    """Return what all profiles create, but for types that are left out."""
    found = Created()
    for profile in PROFILES:
        for view in assembly(profile).templates.values():
            kept = {name: each for name, each in view.resources.items() if each["Type"] not in left_out}
            found.add({"Resources": kept})
    return found


def _resolved(value: Any, boundary: str) -> Any:
    """Fill in what CloudFormation would; a part that is left out is None."""
    if isinstance(value, list):
        return [each for each in (_resolved(part, boundary) for part in value) if each is not None]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        return _resolved(value["Fn::If"][1 if boundary else 2], boundary)
    if "Ref" in value:
        return boundary if value["Ref"] == "PermissionsBoundary" else None
    if "Fn::Sub" in value:
        return value["Fn::Sub"].replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
    filled = {key: _resolved(part, boundary) for key, part in value.items()}
    return {key: part for key, part in filled.items() if part is not None}


@cache
def policies(boundary: str = "") -> Policies:
    """Return the committed policies with a permissions boundary, or without one."""
    made = json.loads(bootstrap_policy.TEMPLATE.read_text(encoding="utf-8"))["Resources"]
    documents = {name: _resolved(each["Properties"]["PolicyDocument"], boundary) for name, each in made.items()}
    return Policies({**documents, KEY: KEY_POLICY}, {ROLE: tuple(set(documents) - {DRIFT})}, {})


def verdicts(calls: list[Call], boundary: str = "") -> dict[str, str]:
    """Return what the simulator says of each call of CloudFormation."""
    said = simulate(((call, policies(boundary)) for call in calls), ACCOUNT)
    return {str(call): verdict for call, verdict in zip(calls, said, strict=True)}


def granted() -> set[str]:
    """Return the actions of all statements without a permissions boundary."""
    statements = (
        each
        for name, document in policies().documents.items()
        if name not in (KEY, DRIFT)
        for each in document["Statement"]
    )
    return {action for statement in statements for action in statement["Action"]}


def rows(action: str) -> Mapping[str, Any]:
    """Return the resource types of an action in the Service Authorization Reference, with what goes with them."""
    found: Mapping[str, Any] = (privilege(action) or {"resource_types": {}})["resource_types"]
    return found
