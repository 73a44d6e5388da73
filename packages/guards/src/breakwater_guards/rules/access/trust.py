"""Trust: a role is assumed by what it is given to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from breakwater_guards.aws.access import TRUST, access_of
from breakwater_guards.aws.arns import pattern
from breakwater_guards.aws.globs import arns_may_be_equal
from breakwater_guards.aws.items import items
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.aws.statements import Principal
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule

_PLAIN: Final = "sts:AssumeRole"


@rule(
    "DR-ACCESS-03",
    title="A role is trusted by the service that uses it",
    outcome=Outcome.SILENT,
    prevents="The role defined for the function cannot be assumed by Lambda (InvalidParameterValueException); ECS, "
    "EventBridge and AWS Backup take the role and fail at each task, event or job",
    fix="Name the service principal in AssumeRolePolicyDocument; aws:SourceArn is the ARN that this service sends, "
    "e.g. of the schedule group for EventBridge Scheduler.",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_aws-services-that-work-with-iam.html",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-permissions.html",
    ),
    data="role_users",
)
def roles_are_trusted(app: Assembly) -> Iterator[Breach]:
    """Find a role whose trust policy does not admit the service that it is given to, or under a condition never met."""
    for kind, paths in facts("role_users")["users"].items():
        for item in (one for user in app.of_type(kind) for one in items(user)):
            for path, services in paths.items():
                for owner, value in item.follow(app, path):
                    role = roles_of(app).find(value, owner.resource.template)
                    if (
                        role is not None
                        and not access_of(app).trusts(role, services)
                        and not _is_idle(app, item.resource)
                    ):
                        message = f"role {role.logical_id} does not trust {services[0]}.amazonaws.com for this {kind}."
                        yield breach(item.resource, item.place(path), message)


def _is_idle(app: Assembly, profile: Resource) -> bool:
    """Tell whether nothing can be given an instance profile by what is written: no name, no reference, no output."""
    if profile.type != "AWS::IAM::InstanceProfile" or profile.options("InstanceProfileName") != [ABSENT]:
        return False
    places = ((template, template.document.get(key)) for template in app.templates.values() for key in _PLACES)
    named = (reference for template, written in places for reference in mentioned(template, written))
    return not any(item.template == profile.template.key and item.logical_id == profile.logical_id for item in named)


_PLACES = ("Resources", "Outputs")


@rule(
    "DR-ACCESS-06",
    title="A role is assumed by the action that its principals call",
    outcome=Outcome.SILENT,
    prevents="Not authorized to perform sts:AssumeRoleWithWebIdentity (AccessDenied), or …WithSAML: who has signed in "
    "with an identity provider does not call sts:AssumeRole, and who has not calls nothing else",
    fix="Allow sts:AssumeRoleWithWebIdentity for an OIDC provider, sts:AssumeRoleWithSAML for a SAML provider, and "
    "sts:AssumeRole for accounts, roles and services.",
    sources=(
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp.html",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html",
    ),
    data="role_users",
)
def roles_are_assumed_by_their_action(app: Assembly) -> Iterator[Breach]:
    """Find an identity provider that may only call another action of STS, or a service that may only call its."""
    federated = facts("role_users")["assume"]
    for role in app.of_type("AWS::IAM::Role"):
        for statement in statements_of(role, TRUST):
            admitted = [action for action in (_PLAIN, *federated) if statement.acts_on(action)]
            if statement.effect != "Allow" or not admitted:
                continue
            for principal in statement.principals:
                called = _called(app, principal)
                if called is not None and called not in admitted:
                    shown = f"{principal.kind} principal calls {called}; allowed here: {', '.join(admitted)}."
                    yield breach(role, principal.path, shown)


def _called(app: Assembly, principal: Principal) -> str | None:
    """Return the action of STS by which a principal assumes a role, if that is known."""
    if principal.kind in ("Service", "AWS") and principal.value != "*":
        return _PLAIN
    target, text = app.target(principal.value), pattern(app, principal.value)
    for action, known in facts("role_users")["assume"].items() if principal.kind == "Federated" else ():
        named = (_may_name(text, name) for name in known["names"])
        if any(named) if target is None else target.type == known["type"]:
            return str(action)
    return None


def _may_name(text: str, name: str) -> bool:
    if name.startswith("arn:"):
        return text.startswith("arn:") and arns_may_be_equal(text, name)
    return text == name
