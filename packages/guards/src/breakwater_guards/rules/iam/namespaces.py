"""Metrics: the namespaces that a role may publish to."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.roles import roles_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, rule
from breakwater_guards.rules.lambda_functions.variables import FUNCTION, programs_of

PUBLISH = "cloudwatch:PutMetricData"


@rule(
    "DR-IAM-13",
    title="A role may publish metrics to the namespace that its function is given",
    outcome=Outcome.SILENT,
    prevents="AccessDenied at each cloudwatch:PutMetricData: the policy admits other namespaces",
    fix="Take both from one setting: cloudwatch:namespace in the policy, and the variable of the function.",
    sources=(
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/iam-cw-condition-keys-namespace.html",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
    ),
)
def namespaces_are_admitted(app: Assembly) -> Iterator[Breach]:
    """Find a namespace in the environment of a function, read by its code, that its role may not publish to.

    Of code that is not here, only a namespace in another case than the policy's is certain to be meant.
    """
    for function in app.of_type(FUNCTION):
        program = programs_of(app).get(function)
        role = roles_of(app).find(function.get("Role"), function.template)
        variables = function.get("Environment.Variables")
        allowed = _namespaces(app, role) if role is not None else set()
        for name, value in variables.items() if isinstance(variables, dict) and allowed else ():
            if not str(name).endswith("NAMESPACE") or not isinstance(value, str) or value in allowed:
                continue
            if name in program.asked if program else value.lower() in {one.lower() for one in allowed}:
                message = f"{value!r}; the role of the function may publish to {', '.join(sorted(allowed))}."
                yield breach(function, f"Environment.Variables.{name}", message)


def _namespaces(app: Assembly, role: Resource) -> set[str]:
    """Return the namespaces that a role may publish to, if its policies name them one by one."""
    permissions = roles_of(app).permissions(role)
    found: set[str] = set()
    if not permissions.complete or permissions.is_managed(PUBLISH):
        return set()
    for statement in permissions.statements:
        if statement.effect == "Allow" and statement.acts_on(PUBLISH):
            values = [
                value
                for one in statement.conditions
                if one.key.lower() == "cloudwatch:namespace" and one.operator == "StringEquals"
                for value in one.values
            ]
            if not values or not all(isinstance(value, str) for value in values):
                return set()
            found |= set(values)
    return found
