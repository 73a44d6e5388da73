"""What CloudFormation may do with these policies, judged by an independent simulator of AWS IAM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

from scripts import bootstrap_policy
from scripts.bootstrap_policy import actions
from tests.assembly import ROOT, assembly
from tests.integration.permissions import ALLOWED, Call
from tests.scripts.bootstrap import ACCOUNT, BOUNDARY, KEY, REGION, ROLE, SESSION, rows, verdicts

# Most characters of the names that CloudFormation makes, by type.
LIMITS = {
    "AWS::Events::Rule": 64,
    "AWS::IAM::Role": 64,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::RDS::DBClusterParameterGroup": 255,
    "AWS::RDS::DBSubnetGroup": 255,
    "AWS::S3::Bucket": 63,
    "AWS::SQS::Queue": 80,
}
LOWER_CASE = ("AWS::RDS::", "AWS::S3::")
FACTS = json.loads((ROOT / "packages/guards/src/breakwater_guards/facts/data/arns.json").read_text(encoding="utf-8"))


def _name(kind: str, logical_id: str, stack: str) -> str:
    """Return a name as CloudFormation makes it: https://github.com/KensioSoftware/yulin/issues/1113."""
    left = LIMITS[kind] - 14
    stack_part = stack if len(stack) + len(logical_id) <= left else stack[: max(-(-left // 2), left - len(logical_id))]
    name = f"{stack_part}-{logical_id[: left - len(stack_part)]}-1A2B3C4D5E6F"
    return name.lower() if kind.startswith(LOWER_CASE) else name


def _arns(profile: str) -> Iterator[tuple[str, str]]:
    """Yield the type and ARN of each resource of a deployment whose form the facts of the guards know."""
    deployment = assembly(profile)
    for stack, view in deployment.templates.items():
        nested = f"{deployment.names.stack}-{stack}NestedStack{stack}NestedStackResource1A2B3C4D-1A2B3C4D5E6F"
        for logical_id, resource in view.resources.items():
            kind = resource["Type"]
            if (fact := FACTS["types"].get(kind)) is None:
                continue
            given = resource["Properties"].get(fact["name"])
            literal = given if isinstance(given, str) else None
            name = literal or ("0a1b2c3d" if kind == "AWS::KMS::Key" else _name(kind, logical_id, nested))
            arn = fact["arn"].format(region=REGION, account=ACCOUNT, name=name).replace("arn:*:", "arn:aws:")
            yield kind, arn.replace("service/*/", f"service/dr-ecs-{deployment.settings.suffix}/").replace("*", "1")


def _calls(profile: str) -> Iterator[tuple[str, Call]]:
    """Yield what CloudFormation does to each resource itself, and its type."""
    for kind, arn in _arns(profile):
        for action in actions([kind]) - bootstrap_policy.CRYPTOGRAPHY - {bootstrap_policy.UNBIND}:
            types = get_service_prefix_data(action.partition(":")[0])["resources"]
            forms = [re.escape(types[each]["arn"]) for each in rows(action) if each]
            if any(re.fullmatch(re.sub(r"\\\$\\\{[^}]+\}", "[^/]+", form), arn) for form in forms):
                yield kind, Call(SESSION, action, arn, _context(action))


def test_cloudformation_may_do_what_each_resource_needs_under_its_own_name() -> None:
    found = [pair for profile in ("prod", "unusual") for pair in _calls(profile)]
    assert len({kind for kind, _ in found}) >= 15
    assert len(found) > 1000
    for boundary in ("", BOUNDARY):
        calls = [call for _, call in found if not boundary or call.action.startswith("iam:")]
        wrong = {call: verdict for call, verdict in verdicts(calls, boundary).items() if verdict != ALLOWED}
        # The ARN of a vault has the form of a recovery point's as well, and the simulator does not choose.
        assert {verdict for call, verdict in wrong.items() if ": backup:" not in call} == set()
        assert {verdict for verdict in wrong.values() if "multiple.resource.types" not in verdict} == set()


def _context(action: str) -> Mapping[str, Any]:
    return {
        "iam:PassRole": {"iam:PassedToService": "lambda.amazonaws.com"},
        "iam:AttachRolePolicy": {
            "iam:PolicyARN": "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup",
            "iam:PermissionsBoundary": BOUNDARY,
        },
        **{each: {"iam:PermissionsBoundary": BOUNDARY} for each in bootstrap_policy.BOUNDED},
    }.get(action, {})


ROLE_OF_STACK = f"arn:aws:iam::{ACCOUNT}:role/Breakwater-dev-ComputeNest-Role-1A2B3C4D5E6F"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
REFUSED = {
    "a role of somebody else": Call(SESSION, "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/Administrator"),
    "its own role": Call(SESSION, "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"),
    "a policy of its own": Call(
        SESSION, "iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/Breakwater-Deployment1"
    ),
    "an administrator": Call(SESSION, "iam:AttachRolePolicy", ROLE_OF_STACK, {"iam:PolicyARN": ADMINISTRATOR}),
    "a user": Call(SESSION, "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/Breakwater-user"),
    "a role for a virtual machine": Call(
        SESSION, "iam:PassRole", ROLE_OF_STACK, {"iam:PassedToService": "ec2.amazonaws.com"}
    ),
    "another role": Call(
        SESSION, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", {"iam:PassedToService": "lambda.amazonaws.com"}
    ),
    "another service-linked role": Call(
        SESSION,
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x/y",
        {"iam:AWSServiceName": "eks.amazonaws.com"},
    ),
    "another bucket": Call(SESSION, "s3:DeleteBucket", "arn:aws:s3:::payroll"),
    "what a bucket holds": Call(
        SESSION, "s3:GetObject", "arn:aws:s3:::breakwater-dev-storagenestedst-databucket-1a2b3c/receipts/1"
    ),
    "the rows of the table": Call(
        SESSION, "dynamodb:Scan", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dr-transactions-dev-us-east-1"
    ),
    "another table": Call(SESSION, "dynamodb:DeleteTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/payroll"),
    "another cluster": Call(SESSION, "rds:DeleteDBCluster", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:payroll"),
    "another stack": Call(
        SESSION, "cloudformation:DeleteStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/CDKToolkit/1"
    ),
    "a secret": Call(
        SESSION, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-1"
    ),
    "what a key protects": Call(SESSION, "kms:Decrypt", KEY),
    "a machine": Call(SESSION, "ec2:RunInstances", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"),
    "another function": Call(
        SESSION, "lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:payroll"
    ),
}
BEYOND_THE_BOUNDARY = {
    "a role without a boundary": Call(SESSION, "iam:CreateRole", ROLE_OF_STACK),
    "a role with another boundary": Call(
        SESSION, "iam:CreateRole", ROLE_OF_STACK, {"iam:PermissionsBoundary": ADMINISTRATOR}
    ),
    "rights of a role without one": Call(SESSION, "iam:PutRolePolicy", ROLE_OF_STACK),
    "another boundary": Call(
        SESSION, "iam:PutRolePermissionsBoundary", ROLE_OF_STACK, {"iam:PermissionsBoundary": ADMINISTRATOR}
    ),
    "no boundary any more": Call(
        SESSION, "iam:DeleteRolePermissionsBoundary", ROLE_OF_STACK, {"iam:PermissionsBoundary": BOUNDARY}
    ),
}


def test_it_may_not_reach_what_is_not_the_platforms() -> None:
    for boundary in ("", BOUNDARY):
        assert ALLOWED not in verdicts(list(REFUSED.values()), boundary).values()
    assert set(verdicts(list(BEYOND_THE_BOUNDARY.values())).values()) == {ALLOWED}
    assert ALLOWED not in verdicts(list(BEYOND_THE_BOUNDARY.values()), BOUNDARY).values()
    via = {"kms:ViaService": f"rds.{REGION}.amazonaws.com"}
    (verdict,) = verdicts([Call(SESSION, "kms:Decrypt", KEY, via)]).values()
    assert verdict == ALLOWED
