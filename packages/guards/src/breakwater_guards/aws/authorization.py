"""What an IAM action can be authorized on, after the Service Authorization Reference."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Any

from breakwater_guards.aws.arns import TOKEN, may_match
from breakwater_guards.aws.globs import ARN_FIELDS, may_be_equal
from breakwater_guards.aws.statements import matches
from breakwater_guards.facts import facts
from breakwater_guards.model.values import Opaque, split_text

GIVEN = "given"

# Names without a slash: the ARN with one is that of something inside, e.g. of an object or an index.
_PLAIN = ("arn:*:s3:::*", "arn:*:dynamodb:*:*:table/*", "arn:*:sqs:*:*:*", "arn:*:sns:*:*:*")


@cache
def types_of(action: str) -> dict[str, str] | None:
    """Return the ARNs of the resource types that an action is authorized on, by type; ``None`` if it is not known."""
    service, _, name = action.partition(":")
    found = _actions(service).get(name.lower())
    return (
        None if found is None else {kind: _services()[service]["arns"][kind] for kind in filter(None, found.split(","))}
    )


@cache
def expand(pattern: str) -> tuple[str, ...]:
    """Return the known actions that a pattern such as ``s3:Get*`` stands for."""
    service, _, name = pattern.lower().partition(":")
    if "*" not in name and "?" not in name:
        return (f"{service}:{name}",) if name in _actions(service) else ()
    wanted = name.replace("?", "*")
    return tuple(f"{service}:{known}" for known in _actions(service) if may_be_equal(wanted, known))


def is_action(action: str) -> bool:
    """Tell whether there is such an action, as far as the facts tell: of a service that they know not, anything is."""
    service = action.partition(":")[0].lower()
    return service not in _services() or bool(expand(action))


def nearest(action: str) -> str:
    """Return the known action of the same service that is spelled most like an unknown one; empty when none is."""
    service, _, name = action.partition(":")
    names = {known.lower(): known for group in _services()[service.lower()]["actions"].values() for known in group}
    found = get_close_matches(name.lower(), names, 1, 0.8)
    return f"{service}:{names[found[0]]}" if found else ""


def is_typeless(action: str) -> bool:
    """Tell whether an action is sure to be authorized on ``*`` alone; the reference leaves types out elsewhere."""
    return types_of(action) == {} and any(matches(item, action) for item in facts("iam_involved")["typeless"])


def grants(resource: str, action: str, places: tuple[str, str] = ("*", "*")) -> bool:
    """Tell whether a policy's resource can make an action possible.

    Args:
        resource: pattern, as :func:`breakwater_guards.aws.arns.pattern` writes it.
        action: a known action.
        places: what stands in the place of Region and account, as `places_of` tells.
    """
    kinds = types_of(action)
    if not kinds:
        everything = resource.startswith("*") or resource.endswith(tuple(facts("iam_involved")["everything"]))
        return everything or not is_typeless(action)
    # What the reference leaves out, e.g. the transforms that a change set uses.
    if any(may_match(resource, arn) for arn in facts("iam_involved")["also_on"].get(action.lower(), ())):
        return True
    return resource.startswith("*") or any(names_type(resource, arn, places) for arn in kinds.values())


def names_type(resource: str, arn: str, places: tuple[str, str] = ("*", "*")) -> bool:
    """Tell whether a policy's resource can be of a type, by the ARN of the type."""
    if arn in _PLAIN and resource.split(":", 5)[-1].partition("*")[0].count("/") > arn.count("/"):
        return False
    wanted = arn.split(":")[3:5]
    if any(place == GIVEN and not own for place, own in zip(places, wanted, strict=False)):
        return False
    if not places[0] and wanted[:1] == ["*"]:  # without an account is what AWS owns, e.g. its automation documents
        return False
    return may_match(TOKEN.sub("generated", resource), arn)


def places_of(value: Any) -> tuple[str, str]:
    """Return what a policy's resource has for Region and account: nothing, ``GIVEN``, or ``*`` for anything."""
    fields = split_text(value, ":")
    if not isinstance(fields, list) or len(fields) < ARN_FIELDS:
        return ("*", "*")
    region, account = (_place(field) for field in fields[3:5])
    return region, account


def is_well_formed(resource: str) -> bool:
    """Tell whether a pattern of an ARN has a partition that exists, and the form that its service gives to names."""
    fields = TOKEN.sub("*", resource).split(":", ARN_FIELDS - 1)
    if len(fields) < ARN_FIELDS:
        return True
    rules = facts("iam_involved")
    form = rules["forms"].get(fields[2], "")
    return ("*" in fields[1] or fields[1] in rules["partitions"]) and re.match(form, fields[-1]) is not None


def _place(field: Any) -> str:
    if isinstance(field, Opaque):
        return GIVEN
    return GIVEN if isinstance(field, str) and field and "*" not in field else "" if field == "" else "*"


@cache
def _services() -> dict[str, dict[str, dict[str, str]]]:
    services: dict[str, dict[str, dict[str, str]]] = facts("iam_actions")["services"]
    return services


@cache
def _actions(service: str) -> dict[str, str]:
    """Return the types of each action of a service by its name in lower case."""
    groups = _services().get(service, {"actions": {}})["actions"]
    return {name.lower(): kinds for kinds, names in groups.items() for name in names}
