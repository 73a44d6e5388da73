"""Names: How long they may be and what they may be made of, also where a parameter, Region or account is a part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.choices import of_other_choices
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT, Opaque, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

# The shortest that a part can be which only the deployment decides: an account, a Region such as eu-west-1.
_SHORTEST = {"account": "0" * 12, "region": "aa-aaaa-0"}

# A part of an app of the Serverless Framework, which fills these in: https://www.serverless.com/framework/docs/guides/variables
_OF_SERVERLESS = re.compile(r"\$\{(?:opt|self|sls|env|file|ssm|cf|s3|param|aws)[:(]")


@rule(
    "DR-LIMIT-03",
    title="Names have the length and the characters that their service takes",
    outcome=Outcome.REFUSED,
    prevents="The load balancer name '…' cannot be longer than '32' characters (ValidationError); Bucket name should "
    "not contain uppercase characters; 1 validation error detected: Value '…' at 'roleName' failed to satisfy "
    "constraint: Member must have length less than or equal to 64",
    fix="Shorten the name or its parts, or leave it out: CloudFormation makes a name that fits.",
    sources=(
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    ),
    data="physical_names",
)
def names_fit(app: Assembly) -> Iterator[Breach]:
    """Find a name that is too long or too short, or has a character that its service refuses."""
    for kind, row in facts("physical_names")["limits"].items():
        for resource in app.of_type(kind):
            for value in dict.fromkeys(item for item in resource.options(row["path"]) if isinstance(item, str | Text)):
                reason = _no_name(value, row) or _no_end(value, [as_bool(item) for item in _ends(resource, row)])
                if reason:
                    yield breach(resource, row["path"], f"{show(value)}: {reason}.")
                    break
            else:
                for name, given, value in of_other_choices(resource, row["path"]):
                    reason = _no_name(value, row)
                    if reason:
                        message = f"{show(value)} where {name} is {show(given)}, which it may be: {reason}."
                        yield breach(resource, row["path"], message)
                        break


def _ends(resource: Resource, row: dict[str, Any]) -> list[Any]:
    """Return whether a queue or topic is FIFO, for each possibility."""
    return [False if item is ABSENT else item for item in resource.options(row["fifo"])] if "fifo" in row else []


def _no_end(value: str | Text, fifo: list[bool | None]) -> str | None:
    """Tell why a name does not end as that of a FIFO queue does, or does although it is of none."""
    last = value if isinstance(value, str) else value.parts[-1]
    if len(fifo) != 1 or fifo[0] is None or not isinstance(last, str) or "{{" in last:
        return None
    if fifo[0] is not last.endswith(".fifo"):
        return "allowed: a name that ends with .fifo" if fifo[0] else "allowed: .fifo at the end of FIFO names alone"
    return None


def _no_name(value: str | Text, row: dict[str, Any]) -> str | None:
    """Tell why a text is no name; parts that only the deployment decides count with the shortest that they can be."""
    parts = (value,) if isinstance(value, str) else value.parts
    known = "".join(part for part in parts if isinstance(part, str))
    least = "".join(part if isinstance(part, str) else _shortest(part) for part in parts)
    if not known or "{{" in known or "arn:" in known or _OF_SERVERLESS.search(known):
        return None  # an empty one stands for none, and some take an ARN
    exact = least == value
    known = known.removesuffix(".fifo")
    if len(least) > row["max"]:
        return f"{'' if exact else 'at least '}{len(least)} characters; allowed: at most {row['max']}"
    if exact and len(least) < row["min"]:
        return f"{len(least)} characters; allowed: at least {row['min']}"
    good = _fits(least, row) if exact else all(_may_have(character, row) for character in known)
    return None if good else f"allowed: {row['words']}"


def _fits(text: str, row: dict[str, Any]) -> bool:
    return "form" not in row or re.fullmatch(row["form"], text, re.ASCII) is not None


def _may_have(character: str, row: dict[str, Any]) -> bool:
    """Tell whether a name may have a character somewhere inside."""
    return any(_fits(text, row) for text in (f"aa{character}aa", f"alias/a{character}a"))


def _shortest(part: Any) -> str:
    return _SHORTEST.get(part.kind, "") if isinstance(part, Opaque) else ""
