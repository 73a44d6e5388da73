"""Policy documents that IAM, KMS and Amazon S3 do not take, refused in their words.

What an identity policy may hold is judged by moto's validator (Apache-2.0), whose cases were compared with AWS.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from embedded_aws.server import upstream

Document = str | Mapping[str, Any]

_VERSIONS = ("2008-10-17", "2012-10-17")
_TRUST_FIELDS = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"})
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
_ACCOUNT = re.compile(r"\d{12}")
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::(?P<account>\d{12}):(?P<kind>[a-z-]+)(/(?P<name>.+))?")
_SERVICE = re.compile(
    r"[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)|[a-z0-9-]+\.aws\.amazon\.com"
)


def install() -> None:
    """Judge the documents that the IAM API is given."""
    upstream.validate_policy_document.wrap(lambda _syntax_only: identity)
    upstream.trust_policy_error.wrap(_trusting)


def identity(document: Document) -> str | None:
    """Return IAM's words about what is wrong with an identity policy; None when nothing is."""
    text = document if isinstance(document, str) else json.dumps(document)
    validator, error = _grammar()
    try:
        validator(text).validate()
    except error as mistake:
        return str(mistake.message)
    has_principal = any({"Principal", "NotPrincipal"} & statement.keys() for statement in _statements(json.loads(text)))
    return "Policy document should not specify a principal." if has_principal else None


@cache
def _grammar() -> tuple[Any, Any]:
    """Import moto when the first policy comes: it takes longer to load than the rest of the server."""
    return import_module("moto.iam.policy_validation").IAMPolicyDocumentValidator, import_module(
        "moto.core.exceptions"
    ).ServiceException


def _trusting(not_principal: Callable[[Document], str | None]) -> Callable[[Document], str | None]:
    return lambda document: not_principal(document) or trust(document)


def trust(document: Document) -> str | None:
    """Return IAM's words about what is wrong with a trust policy; None when nothing is."""
    return next(_distrust(document), None)


def _distrust(document: Document) -> Iterator[str]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            yield "This policy contains invalid Json"
            return
    statements = list(_statements(document))
    if not isinstance(document, Mapping) or not statements or document.get("Version", _VERSIONS[0]) not in _VERSIONS:
        yield "Syntax errors in policy."
        return
    for statement in statements:
        if not isinstance(statement, Mapping) or statement.get("Effect") not in {"Allow", "Deny"}:
            yield "Syntax errors in policy."
            return
        yield from _distrust_statement(statement)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) < len(sids):
        yield "Statement IDs (SID) in a single policy must be unique."


def _distrust_statement(statement: Mapping[str, Any]) -> Iterator[str]:
    for field in ("Resource", "NotResource"):
        if field in statement:
            yield f"Has prohibited field {field}"
    if not statement.keys() <= _TRUST_FIELDS:
        yield "Syntax errors in policy."
    actions = _listed(statement.get("Action", statement.get("NotAction", [])))
    if not actions:
        yield "Policy statement must contain actions."
    if not all(str(action).lower().startswith("sts:") or action == "*" for action in actions):
        yield "AssumeRole policy may only specify STS AssumeRole actions."
    if "Principal" not in statement and "NotPrincipal" not in statement:
        yield "Missing required field Principal"
    for kind, value in invalid_principals(statement):
        yield f'Invalid principal in policy: "{kind.upper()}":"{value}"'


def invalid_principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the principals of a statement that do not exist or are none, each with its kind.

    AWS publishes no list of its service principals: a name of the right form is taken for one.
    """
    principal = statement.get("Principal", {})
    if isinstance(principal, str):
        if principal != "*":
            yield "AWS", principal
        return
    for kind, values in principal.items():
        for value in _listed(values):
            if kind not in _PRINCIPALS or not _exists(kind, str(value)):
                yield kind, str(value)


def _exists(kind: str, value: str) -> bool:
    if kind == "Service":
        return bool(_SERVICE.fullmatch(value))
    if kind != "AWS" or value == "*" or _ACCOUNT.fullmatch(value):
        return True
    arn = _PRINCIPAL_ARN.fullmatch(value)
    if arn is None:
        return False
    made = {"role": upstream.iam_roles, "user": upstream.iam_users}.get(arn["kind"])
    if made is None or arn["account"] != upstream.account():  # who is in another account cannot be known here
        return True
    return (arn["name"] or "").rpartition("/")[2] in made


def wrong_statements(document: Document) -> Iterator[Mapping[str, Any]]:
    """Return the statements of a resource's policy that name a principal which does not exist."""
    parsed = json.loads(document) if isinstance(document, str) else document
    for statement in _statements(parsed):
        if isinstance(statement, Mapping) and any(invalid_principals(statement)):
            yield statement


def _statements(document: Any) -> list[Any]:
    return _listed(document.get("Statement", [])) if isinstance(document, Mapping) else []


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
