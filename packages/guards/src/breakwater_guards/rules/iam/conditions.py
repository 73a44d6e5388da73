"""Conditions of policies: keys that calls carry, values that they can have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.aws.arns import may_match, names_arn
from breakwater_guards.aws.key_policies import keys_of
from breakwater_guards.aws.policies import all_statements
from breakwater_guards.aws.statements import Condition, Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

KEY_CONDITIONS = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"


@rule(
    "DR-IAM-12",
    title="A condition can be met by the calls of its statement",
    outcome=Outcome.SILENT,
    prevents="AccessDeniedException at each call: kms:ViaService names the service in another Region than the key's, "
    "or the calls never carry the condition's key (kms:GrantIsForAWSResource on kms:Decrypt, s3:prefix on objects); a "
    "name never equals an ARN, and StringEquals takes a wildcard literally",
    fix="Use <service>.<Region of the key>.amazonaws.com, best with Fn::Sub and AWS::Region; put a condition into a "
    "statement of its own, with the actions whose calls carry its key; compare ARNs with ARNs, and wildcards with "
    "StringLike or ArnLike.",
    sources=(
        KEY_CONDITIONS,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html",
    ),
    data="iam_involved",
)
def conditions_can_be_met(app: Assembly) -> Iterator[Breach]:
    """Find a Region that is not the key's, a key that no call carries, and a value that no call has."""
    yield from _certain(app)
    carried = {key.lower(): actions for key, actions in facts("iam_involved")["carried"].items()}
    for statement in all_statements(app):
        for condition in statement.conditions if statement.effect != "Deny" else ():
            carriers = carried.get(condition.key.lower(), ())
            if carriers and _asks(condition) and not any(_may_be_carried(statement, one) for one in carriers):
                message = f"{condition.key} is carried by {', '.join(carriers)} only; nothing here is granted."
                yield breach(statement.resource, statement.path, message)
            if condition.key.lower() == "kms:viaservice" and "Not" not in condition.operator:
                regions = {key.template.region for key in _keys(app, statement)} or {statement.resource.template.region}
                named = [str(value).split(".") for value in condition.values if isinstance(value, str)]
                if None in regions or len(named) < len(condition.values) or not named:
                    continue
                if not any(may_match(parts[1], str(region)) for parts in named if len(parts) > 1 for region in regions):
                    where = ", ".join(sorted(map(str, regions)))
                    message = f"kms:ViaService {show(condition.values[0])} is never met; the key is in {where}."
                    yield breach(statement.resource, statement.path, message)


def _asks(condition: Condition) -> bool:
    """Tell whether a condition is only met by a call that carries its key."""
    operator = condition.operator.removeprefix("ForAnyValue:")
    return operator.startswith(("String", "Arn", "Bool")) and "Not" not in operator and "IfExists" not in operator


def _may_be_carried(statement: Statement, action: str) -> bool:
    return bool(statement.not_actions) or statement.acts_on(action) is not Answer.NO


def _certain(app: Assembly) -> Iterator[Breach]:
    """Find a condition whose values decide it whatever is called: one that nothing meets, or a denial of everything."""
    for statement in all_statements(app):
        for condition in statement.conditions:
            negated, wrong = "Not" in condition.operator, _never(app, condition)
            if wrong and negated == (statement.effect == "Deny"):
                what = "everything here is denied" if negated else "nothing here is granted"
                yield breach(statement.resource, statement.path, f"{condition.key} {wrong}; {what}.")
            secure = _secure(condition)
            if secure is not None and secure == (statement.effect == "Deny"):
                what = "everything here is denied" if secure else "nothing here is granted"
                message = f"calls come over TLS: {condition.key} is true, and {what}."
                yield breach(statement.resource, statement.path, message)


def _never(app: Assembly, condition: Condition) -> str:
    """Tell why no value of a condition is one that its key can have; empty when one may be."""
    known, key = facts("iam_involved"), condition.key.lower()
    operator = condition.operator.rpartition(":")[2].removesuffix("IfExists")
    if not condition.values or operator not in _COMPARES:
        return ""
    if key in known["arn_keys"] and not any(_may_be_arn(app, value) for value in condition.values):
        return f"is an ARN and never {show(condition.values[0])}"
    exact = operator in ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase")
    plain = key in known["without_wildcards"] or key.endswith(tuple(known["subjects"]))
    if exact and plain and all(map(_has_wildcard, condition.values)):
        return f"is compared with {show(condition.values[0])} to the letter (wildcards are for StringLike or ArnLike)"
    return ""


_COMPARES = {
    *("ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringEquals", "StringEqualsIgnoreCase", "StringLike"),
    *("StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike"),
}


def _may_be_arn(app: Assembly, value: Any) -> bool:
    return names_arn(app, value) or (isinstance(value, str) and ("*" in value[:4] or value[:1] in ("$", "?", "")))


def _has_wildcard(value: Any) -> bool:
    """Tell whether a literal part has a wildcard.

    The ARN of a log group ends with one that is none, and AWS's own policy for report buckets compares billing's ARNs
    with StringEquals: https://docs.aws.amazon.com/cur/latest/userguide/cur-s3.html
    """
    parts = value.parts if isinstance(value, Text) else (value,)
    text = "".join(part for part in parts if isinstance(part, str))
    return "*" in text and ":logs:" not in text and ":cur:" not in text


def _secure(condition: Condition) -> bool | None:
    """Return what `aws:SecureTransport` is compared with, if it is known."""
    values = {str(value).lower() for value in condition.values}
    is_asked = condition.key.lower() == "aws:securetransport" and condition.operator.startswith("Bool")
    return values == {"true"} if is_asked and len(values) == 1 and values <= {"true", "false"} else None


def _keys(app: Assembly, statement: Statement) -> Iterator[Resource]:
    own = statement.resource
    if own.type.startswith("AWS::KMS::"):
        yield own
    for value in statement.resources:
        yield from keys_of(app, value)
