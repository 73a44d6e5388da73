"""Keys: a role that may use something that is encrypted may use its key."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import arn_of
from breakwater_guards.aws.key_policies import keys_of, through
from breakwater_guards.aws.roles import ROLE, roles_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule


@rule(
    "DR-ACCESS-05",
    title="A role that may use something encrypted may use its key",
    outcome=Outcome.SILENT,
    prevents="AccessDenied: not authorized to perform: kms:GenerateDataKey on the key of the bucket, queue, topic or "
    "secret, at each call that the role's own policy allows",
    fix="Allow the role kms:Decrypt, and kms:GenerateDataKey where it writes, on the key; in the key's policy, let the "
    "account (its root) use them, or the role itself.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html",
        "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    ),
    data="callers",
)
def roles_may_use_keys(app: Assembly) -> Iterator[Breach]:
    """Find a role that may write to a bucket or read a secret, but not use the key that encrypts it."""
    for role in app.of_type(ROLE):
        told = set()
        for statement in roles_of(app).permissions(role).statements:
            for target, key, action, needed in _uses(app, statement):
                access = access_of(app)
                allowed = access.role_may(role, needed, arn_of(app, key), carried=through(target))
                allowed = allowed and access.delegates(key, needed)
                if not allowed and not access.names_role(key, role, needed) and (key, needed) not in told:
                    told.add((key, needed))
                    what = f"{action} on {target.logical_id}, but not {needed} on {key.logical_id}, its key."
                    yield breach(role, "", f"{role.logical_id} may use {what}")


def _uses(app: Assembly, statement: Statement) -> Iterator[tuple[Resource, Resource, str, str]]:
    """Yield what a statement lets a role use, its key, the action, and what that needs on the key."""
    table = facts("callers")
    for target in _named(app, statement) if statement.effect != "Deny" else ():
        path = table["keys"].get(target.type)
        for value in target.given(path) if path else ():
            for key in keys_of(app, value):
                for action in [one for one in statement.actions if isinstance(one, str) and one in table["key_use"]]:
                    yield from ((target, key, action, needed) for needed in table["key_use"][action])


def _named(app: Assembly, statement: Statement) -> Iterator[Resource]:
    """Yield what a statement names by reference: what it names by a pattern may be meant in passing."""
    for value in statement.resources:
        target = app.target(value) if isinstance(value, Reference | Text) else None
        if target is not None:
            yield target
