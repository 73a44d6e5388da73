"""Agreements: What a resource refers to, and what it says itself, must go together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import TOKEN, names_arn, pattern, resource_named
from breakwater_guards.aws.ecs import DEFINITION
from breakwater_guards.aws.experiments import experiments
from breakwater_guards.aws.globs import arns_may_be_equal, may_be_equal
from breakwater_guards.aws.items import Item, items
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, UNKNOWN, Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show
from breakwater_guards.rules.ecs.task import containers_of
from breakwater_guards.rules.hygiene.reference_graph import ATTRIBUTE, namings_of


@rule(
    "DR-AGREE-01",
    title="What a resource refers to is of the sort that it works with",
    outcome=Outcome.REFUSED,
    prevents="WAFInvalidParameterException (a CLOUDFRONT web ACL on a load balancer); Dead-letter queue must be same "
    "type of queue as the source; Unable to validate the following destination configurations (a FIFO queue); Please "
    "use FIFO topic; The engine name does not match that of the cluster; Listener protocol … must be one of …",
    fix="Refer to one of the sort that the message allows, or change the property that it names.",
    sources=(
        "https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
    ),
    data="agreements",
)
def sorts_agree(app: Assembly) -> Iterator[Breach]:
    """Find a web ACL of another scope, a dead-letter queue of another type, a database of another engine, and so on."""
    for row in facts("agreements")["agree"]:
        for holder in app.of_type(row["type"]):
            for item in items(holder, row.get("each", "")):
                allowed = None if "without" in row and item.given(row["without"]) else _allowed(app, row, item)
                for value in item.given(row["path"]) if allowed else ():
                    target = resource_named(app, value, holder.template, row["of"])
                    has = _texts(target, row["property"], row.get("default")) if target is not None else []
                    if target is not None and has and allowed and not allowed.intersection(has):
                        shown = f"{row['property']} of {target.logical_id} is {has[0]}"
                        yield breach(
                            holder, item.place(row["path"]), f"{shown}; allowed: {', '.join(sorted(allowed))}."
                        )


@rule(
    "DR-AGREE-02",
    title="An attribute that is read is there",
    outcome=Outcome.REFUSED,
    prevents="Attribute 'MasterUserSecret.SecretArn' does not exist, after minutes of creation: the resource has it "
    "only with a property that turns it on",
    fix="Set the property that the message names, or do not read the attribute.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbcluster.html",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html",
    ),
    data="agreements",
)
def attributes_are_there(app: Assembly) -> Iterator[Breach]:
    """Find `Fn::GetAtt` of a stream, a secret or the like that its resource does not have."""
    known = facts("agreements")["attributes"]
    for template in app.templates.values():
        told = set()
        for naming in namings_of(template) if any(app.of_type(*known)) else ():
            resource = template.resources.get(naming.name) if naming.kind == ATTRIBUTE else None
            for path, value in known.get(resource.type, {}).get(naming.attribute, {}).items() if resource else ():
                has = resource.options(path) if resource is not None else []
                key = (naming.name, naming.attribute)
                if resource is None or key in told or not all(item is ABSENT or _is_other(item, value) for item in has):
                    continue
                told.add(key)
                wanted = f"{path} is {show(has[0])}" if has else f"{path} is not set"
                yield breach(resource, path, f"{wanted}, but {naming.attribute} is read, which exists only with it.")


@rule(
    "DR-AGREE-03",
    title="An identifier has the form that its kind has",
    outcome=Outcome.REFUSED,
    prevents="Unsupported service namespace, resource type or scalable dimension (Application Auto Scaling); Invalid "
    "parameter: Endpoint (SNS); an experiment's target of another type than its action takes (FIS)",
    fix="Write the identifier in the form that the message names.",
    sources=(
        "https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html",
        "https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html",
        "https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html",
    ),
    data="agreements",
)
def identifiers_have_their_form(app: Assembly) -> Iterator[Breach]:
    """Find a scalable target without its prefix, an endpoint of another protocol, an experiment's wrong target."""
    for row in facts("agreements")["forms"]:
        for resource in app.of_type(row["type"]):
            own = resource.get(row["own"])
            forms: list[str] = row["form"].get(own, []) if isinstance(own, str) else []
            for value in resource.given(row["path"]) if forms else ():
                if value != "" and not _has_form(app, value, forms):
                    shown = (
                        show(value) if isinstance(value, Reference) else readable(TOKEN.sub("…", pattern(app, value)))
                    )
                    message = f"{shown} is no identifier for {row['own']} {own}; allowed: {_shown(forms)}."
                    yield breach(resource, row["path"].replace("[]", ""), message)
    known = facts("agreements")["experiments"]
    for action in experiments(app):
        allowed = known["targets"].get(action.action, ())
        if allowed and action.kind not in allowed:
            message = f"{action.action} takes {' or '.join(allowed)}, not {action.kind}."
            yield breach(action.template, f"Targets.{action.target}.ResourceType", message)
        form = known["arns"].get(action.kind)
        for value in action.arns if form else ():
            if not _has_form(app, value, [form]):
                message = f"{show(value)} is no {action.kind}; allowed: {_shown([form])}."
                yield breach(action.template, f"Targets.{action.target}.ResourceArns", message)


@rule(
    "DR-AGREE-04",
    title="What a program is told of a table agrees with it",
    outcome=Outcome.SILENT,
    prevents="No error is reported: items never expire, because the program writes another attribute than the one that "
    "the table takes for time to live; The table does not have the specified index (ValidationException) at each query",
    fix="Give the table and the program the same name, best from one constant.",
    sources=(
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html",
        "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html",
    ),
    data="agreements",
)
def programs_are_told_the_truth(app: Assembly) -> Iterator[Breach]:
    """Find an environment variable that names another time-to-live attribute or index than the table has."""
    told = facts("agreements")["told"]
    for resource, place, variables in _environments(app):
        named = (resource_named(app, value, resource.template, *told["of"]) for value in variables.values())
        tables = {table for table in named if table is not None}
        for row in told["rows"] if len(tables) == 1 else ():
            (table,) = tables
            has = [value for path in row["paths"] for value in table.options(path) if value is not ABSENT]
            for name, value in variables.items():
                known = (
                    bool(has) and isinstance(value, str) and value != "" and all(isinstance(one, str) for one in has)
                )
                if known and re.search(row["variable"], name) and value not in has:
                    message = f"{name} is {show(value)}; {row['what']} of {table.logical_id}: {', '.join(has)}."
                    yield breach(resource, place, message)


def _environments(app: Assembly) -> Iterator[tuple[Resource, str, dict[str, Any]]]:
    """Yield the environment variables of functions and containers, with the property that holds them."""
    for function in app.of_type("AWS::Lambda::Function"):
        for given in function.given("Environment.Variables"):
            if isinstance(given, dict):
                yield function, "Environment.Variables", given
    for definition in app.of_type(DEFINITION):
        for container in containers_of(definition).values():
            given = container.get("Environment")
            entries = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
            yield (
                definition,
                "ContainerDefinitions.Environment",
                {str(one.get("Name")): one.get("Value") for one in entries},
            )


def _allowed(app: Assembly, row: dict[str, Any], item: Item) -> set[str] | None:
    """Return the values that a row allows for an item; ``None`` for any."""
    path = row.get("same") or row.get("own")
    if path is None:
        return set(row["allowed"])
    holder = next(items(item.resource)) if path.startswith("@") else item
    default = row.get("default") if "same" in row else row.get("own_default")
    own = {_text(value, default) for _, value in holder.follow(app, path.removeprefix("@"))}
    if len(own) != 1 or None in own:
        return None
    (value,) = own
    return {str(value)} if "same" in row else set(row["allowed"].get(value, ())) or None


def _texts(target: Resource, path: str, default: str | None) -> list[str]:
    found = [_text(value, default) for value in target.options(path)]
    return [] if None in found else [str(item) for item in found]


def _text(value: Any, default: str | None) -> str | None:
    if value is ABSENT:
        return default
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else None


def _is_other(value: Any, wanted: str) -> bool:
    """Tell whether a value is certain not to turn an attribute on; any value does when none is named."""
    return bool(wanted) and value is not UNKNOWN and _text(value, "") not in (None, wanted)


def _named(app: Assembly, value: Any) -> Any:
    """Write a word for each reference to a mere name in a text: no separator of an identifier is in it."""
    if not isinstance(value, Text):
        return value
    names = facts("agreements")["names"]
    return Text(
        tuple(
            "x"
            if isinstance(part, Reference)
            and (target := app.target(part)) is not None
            and part.attribute in names.get(target.type, ())
            else part
            for part in value.parts
        )
    )


def _shown(forms: list[str]) -> str:
    return ", ".join(form.replace("arn:*", "arn:aws").replace("*", "…") for form in forms)


def _has_form(app: Assembly, value: Any, forms: list[str]) -> bool:
    if forms[0].startswith("arn:") and isinstance(value, Reference) and not names_arn(app, value):
        return False
    if not forms[0].startswith("arn:") and isinstance(value, Text) and any(_is_arn(app, part) for part in value.parts):
        return False
    text = TOKEN.sub("*", pattern(app, _named(app, value)))
    return any((arns_may_be_equal if form.startswith("arn:") else may_be_equal)(text, form) for form in forms)


def _is_arn(app: Assembly, part: Any) -> bool:
    """Tell whether a part of a text is a reference that stands for a whole ARN."""
    return isinstance(part, Reference) and pattern(app, part).startswith("arn:")
