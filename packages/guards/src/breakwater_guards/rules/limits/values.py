"""Numbers and words that a service takes, where another property or resource decides about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import resource_named
from breakwater_guards.aws.items import Item, items
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_int
from breakwater_guards.model.values import ABSENT, UNKNOWN
from breakwater_guards.rule import Breach, Outcome, breach, rule, show


@rule(
    "DR-LIMIT-01",
    title="Values are within the limits that hold for their kind",
    outcome=Outcome.REFUSED,
    prevents="Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10 "
    "(InvalidParameterValueException); stopTimeout must be less than or equal to 120 (ClientException on Fargate); "
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting "
    "(InvalidBucketAclWithObjectOwnership)",
    fix="Take a value that the message allows.",
    sources=(
        "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html",
    ),
    data="limits",
)
def values_are_within_limits(app: Assembly) -> Iterator[Breach]:
    """Find a number or word that AWS refuses for this launch type, source or mode, and a timeout over its interval."""
    for row in facts("limits")["limits"]:
        for resource in app.of_type(row["type"]):
            for item in items(resource, row.get("each", "")):
                given = item.given(row["path"])
                wrong = [value for value in given if not _is_allowed(row, value)]
                if given and len(wrong) == len(given) and _applies(app, row, item):
                    yield breach(resource, item.place(row["path"]), f"{show(wrong[0])}; allowed: {_allowed(row)}.")
    for row in facts("limits")["below"]:
        for item in (item for resource in app.of_type(row["type"]) for item in items(resource, row.get("each", ""))):
            values, others = item.options(row["path"]), item.options(row["than"])
            value, other = as_int(values[0]), others[0] if len(values) == len(others) == 1 else UNKNOWN
            most = row["default"] if other is ABSENT else as_int(other)
            if value is not None and most is not None and value >= most:
                message = f"{value}; allowed: less than {row['than']}, which is {most}."
                yield breach(item.resource, item.place(row["path"]), message)


def _applies(app: Assembly, row: dict[str, Any], item: Item) -> bool:
    whole = next(items(item.resource))
    for path, wanted in row.get("if", {}).items():
        holder = whole if path.startswith("@") else item
        if any(value != wanted for _, value in holder.follow(app, path.removeprefix("@"))):
            return False
    for path, kind in row.get("of", {}).items():
        if resource_named(app, item.options(path)[0], item.resource.template, kind) is None:
            return False
    return "without" not in row or item.options(row["without"]) in ([ABSENT], [0])


def _is_allowed(row: dict[str, Any], value: Any) -> bool:
    if "allowed" in row:
        return not isinstance(value, str) or value in row["allowed"]
    number = as_int(value)
    return number is None or row.get("min", number) <= number <= row.get("max", number)


def _allowed(row: dict[str, Any]) -> str:
    """Word the limits of a row."""
    if "allowed" in row:
        return f"{', '.join(row['allowed'])} {row['unit']}"
    limits = (f"at least {row['min']}" if "min" in row else "", f"at most {row['max']}" if "max" in row else "")
    return f"{' and '.join(filter(None, limits))} {row['unit']}"
