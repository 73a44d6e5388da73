"""What the policy of a function grants, and what the function's code calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from tests.assembly import ROOT, Assembly

# Services by the names that their clients have in the code.
CLIENTS = {
    "rds": "rds",
    "rds_once": "rds",
    "cloudwatch": "cloudwatch",
    "ecs": "ecs",
    "elbv2": "elbv2",
    "dynamodb": "dynamodb",
    "backup": "backup",
    "data": "rds-data",
    "sns": "sns",
}
# IAM prefixes that differ from boto3's service name.
PREFIXES = {"elbv2": "elasticloadbalancing"}
# Operations that need the right to another one: DynamoDB authorizes each write of a transaction, here puts.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
AUTHORIZED_AS = {"dynamodb:TransactWriteItems": "dynamodb:PutItem"}


def policy_statements(deployment: Assembly, construct: str) -> list[dict[str, Any]]:
    """Return the statements of the only policy of a function's role."""
    stack = stack_of(construct)
    template = deployment.nested[stack]
    policies = [
        deployment.plain(stack, resource["Properties"]) for resource in template.of_type("AWS::IAM::Policy").values()
    ]
    (policy,) = (each for each in policies if each["Roles"] == [f"${{{stack}/{construct}/Role}}"])
    statements: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return statements


def stack_of(construct: str) -> str:
    """Return the nested stack of a function."""
    return "Compute" if construct == "Migration" else "Operations"


def as_list(value: str | list[str]) -> list[str]:
    """Return the actions or resources of a statement, which may be one string."""
    return [value] if isinstance(value, str) else value


def granted_actions(deployment: Assembly, construct: str) -> set[str]:
    """Return the IAM actions that a function's policy allows."""
    return {action for each in policy_statements(deployment, construct) for action in as_list(each["Action"])}


def source_files(package: str) -> Iterator[Path]:
    """Yield a function's own modules, and those of ``common`` that they import."""
    own = sorted((ROOT / "lambda_src" / package).glob("*.py"))
    yield from own
    text = "\n".join(file.read_text() for file in own)
    yield from (file for file in (ROOT / "lambda_src" / "common").glob("*.py") if f"common.{file.stem}" in text)


def called_actions(package: str) -> set[str]:
    """Return the IAM action of each client method that a function's code calls, paginators included."""
    found = set()
    for file in source_files(package):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                service = _service(node.func.value)
                if service is not None:
                    found.add(_action(service, node))
    return found


def _service(value: ast.expr) -> str | None:
    """Return the service of ``rds``, ``self._rds``, ``self.rds`` and ``self.clients["sns"]``."""
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return CLIENTS.get(str(value.slice.value))
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
    return CLIENTS.get(name.lstrip("_"))


def iam_action(call: str) -> str:
    """Return the IAM action of a call that was recorded as ``service:Operation``."""
    service, _, operation = call.partition(":")
    action = f"{PREFIXES.get(service, service)}:{operation}"
    return AUTHORIZED_AS.get(action, action)


def _action(service: str, call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    method = call.func.attr
    if method == "get_paginator":
        (page,) = call.args
        assert isinstance(page, ast.Constant)
        method = str(page.value)
    create: Any = boto3.client
    operation = create(service, region_name="us-east-1").meta.method_to_api_mapping[method]
    return iam_action(f"{service}:{operation}")
