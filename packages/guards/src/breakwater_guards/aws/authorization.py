"""What an IAM action can be authorized on, after the Service Authorization Reference."""

from __future__ import annotations

from functools import cache

from breakwater_guards.aws.arns import TOKEN, may_match
from breakwater_guards.aws.globs import may_be_equal
from breakwater_guards.aws.statements import matches
from breakwater_guards.facts import facts

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


def grants(resource: str, action: str) -> bool:
    """Tell whether a policy's resource can make an action possible.

    Args:
        resource: pattern, as :func:`breakwater_guards.aws.arns.pattern` writes it.
        action: a known action.
    """
    kinds = types_of(action)
    if not kinds:  # the reference leaves types out, but not of what is sure to have none
        return resource.startswith("*") or not any(matches(item, action) for item in facts("iam_involved")["typeless"])
    return resource.startswith("*") or any(names_type(resource, arn) for arn in kinds.values())


def names_type(resource: str, arn: str) -> bool:
    """Tell whether a policy's resource can be of a type, by the ARN of the type."""
    if arn in _PLAIN and resource.split(":", 5)[-1].partition("*")[0].count("/") > arn.count("/"):
        return False
    return may_match(TOKEN.sub("generated", resource), arn)


@cache
def _services() -> dict[str, dict[str, dict[str, str]]]:
    services: dict[str, dict[str, dict[str, str]]] = facts("iam_actions")["services"]
    return services


@cache
def _actions(service: str) -> dict[str, str]:
    """Return the types of each action of a service by its name in lower case."""
    groups = _services().get(service, {"actions": {}})["actions"]
    return {name.lower(): kinds for kinds, names in groups.items() for name in names}
