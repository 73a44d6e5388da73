"""Say what is wrong with the principal of a policy, if a template can show it."""

from __future__ import annotations

import re
from typing import Any

from breakwater_guards.aws.statements import Principal
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.tokens import deferred, unresolved
from breakwater_guards.model.values import Reference, Text

_ARN_FIELDS = 6
_GAP = "\ue000"  # stands for what only the deployment decides; no ARN contains it
_UNIQUE_ID = re.compile(r"A[A-Z0-9]{15,127}|[0-9a-f]{64}")
_IAM_PRINCIPALS = ("root", "user/", "role/", "saml-provider/", "oidc-provider/")
# Types that can stand for any value, an ARN of a role included.
_ANYTHING = ("AWS::CloudFormation::", "AWS::Organizations::", "AWS::SSM::", "AWS::Serverless::", "AWS::ServiceCatalog")
_NAMES_A_PRINCIPAL = ("Role", "User", "Identity", "Principal")


def defect(app: Assembly, principal: Principal) -> str | None:
    """Return why AWS rejects a principal, or ``None`` if it may be right.

    Args:
        app: where references of the principal lead.
        principal: one value of a statement's ``Principal`` or ``NotPrincipal``.
    """
    value = principal.value
    text = _text(value)
    if text is not None and unresolved(text):
        return "it is the text of a token that was never resolved"
    if text == "" or (text is not None and deferred(text)):
        return None  # an empty default stands for a value that has to be given
    if principal.kind == "AWS":
        return _reference_defect(app, value) if isinstance(value, Reference) else _aws_defect(text)
    return _other_defect(principal.kind, value) if isinstance(value, str) else None


def _other_defect(kind: str, value: str) -> str | None:
    if kind == "Service" and value != "*" and ("." not in value or ":" in value):
        return "a service is <name>.amazonaws.com"
    if kind == "Federated" and value.startswith("arn:") and value.split(":")[2:3] != ["iam"]:
        return "an identity provider is an ARN of IAM"
    if not kind and value != "*":
        return "without AWS, Service or Federated before it, only * is allowed"
    return None


def _text(value: Any) -> str | None:
    if isinstance(value, Text):
        return "".join(part if isinstance(part, str) else _GAP for part in value.parts)
    return value if isinstance(value, str) else None


def _aws_defect(text: str | None) -> str | None:
    if text is None or text == "*" or text.startswith(_GAP):
        return None
    if text.startswith("arn:"):
        return _arn_defect(text)
    if _GAP in text or re.fullmatch(r"\d{12}", text) or _UNIQUE_ID.fullmatch(text):
        return None
    if ".amazonaws.com" in text:
        return "a service belongs under Service, not AWS"
    return "it is neither an account, nor an ARN of IAM or STS, nor *"


def _arn_defect(text: str) -> str | None:
    fields = text.split(":", _ARN_FIELDS - 1)
    if len(fields) < _ARN_FIELDS:
        return None if _GAP in text else "it is no complete ARN"
    service, resource = fields[2], fields[5]
    if _GAP in service:
        return None
    if service not in ("iam", "sts"):
        return f"it is an ARN of {service or 'no service'}; only ARNs of iam and sts are principals"
    if "*" in text:
        return "a part of an ARN cannot be a wildcard; use a condition on aws:PrincipalArn"
    if service == "iam" and not resource.startswith((*_IAM_PRINCIPALS, _GAP)):
        return f"{resource.partition('/')[0]!r} is neither root, a user nor a role"
    return None


def _reference_defect(app: Assembly, value: Reference) -> str | None:
    target = app.target(value)
    if target is None or not target.type.startswith("AWS::") or target.type.startswith(_ANYTHING):
        return None
    if target.type in ("AWS::IAM::Role", "AWS::IAM::User"):
        return None if value.attribute else "Ref gives its name; use Fn::GetAtt … Arn"
    if value.attribute and not value.attribute.endswith("Arn"):
        return None
    if any(word in value.attribute for word in _NAMES_A_PRINCIPAL):
        return None
    return f"an {target.type} cannot sign requests"
