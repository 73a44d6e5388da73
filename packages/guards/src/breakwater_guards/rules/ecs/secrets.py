"""ECS: secrets that change after a task has read them, and names that lead to none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from breakwater_guards.aws.arns import pattern, resource_named
from breakwater_guards.aws.ecs import DEFINITION
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import Reference, Text
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 (a resource type)
ATTACHMENT = "AWS::SecretsManager::SecretTargetAttachment"
MANAGED = "MasterUserSecret.SecretArn"
VALUE_FROM = "ContainerDefinitions[].Secrets[].ValueFrom"
_NAMED_BY: Final = (VALUE_FROM, "ContainerDefinitions[].LogConfiguration.SecretOptions[].ValueFrom")
_SECRET_PARTS: Final = 7  # of an ARN: what follows names a part of the secret
_KEY_PARTS: Final = 3  # key of the JSON, stage and id of the version, each of which may be empty


@rule(
    "DR-ECS-18",
    title="Containers do not receive a secret that rotates",
    outcome=Outcome.LATER,
    prevents="FATAL: password authentication failed for user … (days after the deployment: ECS reads the secret when a "
    "task starts, RDS replaces it every seven days)",
    fix="Give the task the secret's ARN and let it fetch the value again when a connection fails, or use IAM database "
    "authentication.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data-secrets.html",
        "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-secrets-manager.html",
    ),
)
def secrets_do_not_rotate(app: Assembly) -> Iterator[Breach]:
    """Find a password that RDS manages, or a secret with a rotation schedule, among the `Secrets` of a container."""
    rotating = {secret.reference for secret in _with_a_schedule(app)}
    for definition in app.of_type(DEFINITION):
        for value in definition.given(VALUE_FROM):
            for reference in value.references if isinstance(value, Text) else (value,):
                if not isinstance(reference, Reference):
                    continue
                secret = _secret_of(app, reference)
                if reference.attribute == MANAGED or (secret is not None and secret.reference in rotating):
                    name = f"{reference.logical_id}.{reference.attribute}".rstrip(".")
                    yield breach(definition, VALUE_FROM, f"{name} rotates, and a running task keeps the old value.")


def _with_a_schedule(app: Assembly) -> Iterator[Resource]:
    for schedule in app.of_type("AWS::SecretsManager::RotationSchedule"):
        for value in schedule.given("SecretId"):
            secret = _secret_of(app, value)
            if secret is not None:
                yield secret


def _secret_of(app: Assembly, value: object) -> Resource | None:
    """Return the secret that a value names, itself or through its attachment to a database."""
    target = app.target(value)
    if target is not None and target.type == ATTACHMENT:
        target = app.target(target.get("SecretId"))
    return target if target is not None and target.type == SECRET else None


@rule(
    "DR-ECS-21",
    title="Containers name a secret by its ARN, with the colons of a key",
    outcome=Outcome.SILENT,
    prevents="ResourceInitializationError: unable to pull secrets or registry auth: unexpected ARN format with "
    "parameters when trying to retrieve ASM secret; or invalid ssm parameters: a name is one of Parameter Store",
    fix="Write <ARN of the secret>:<key of its JSON>::, or the ARN alone for the whole secret.",
    sources=("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html",),
)
def secrets_are_named_in_full(app: Assembly) -> Iterator[Breach]:
    """Find a key without its two colons, or a secret of the assembly that is named without its ARN."""
    for definition in app.of_type(DEFINITION):
        for path in _NAMED_BY:
            for value in definition.given(path):
                reason = _misnamed(app, value, definition)
                if reason:
                    yield breach(definition, path.replace("[]", ""), f"{show(value)} {reason}.")


def _misnamed(app: Assembly, value: Any, near: Resource) -> str | None:
    """Tell why a value names no secret; ``None`` for one that may."""
    text = pattern(app, value)
    parts = text.split(":")
    if parts[0] == "arn" and parts[2:3] == ["secretsmanager"] and len(parts) >= _SECRET_PARTS:
        return (
            None
            if len(parts) - _SECRET_PARTS in (0, _KEY_PARTS)
            else "has a key without two colons after it; allowed: <ARN>:<key>::"
        )
    named = resource_named(app, value, near.template) if isinstance(value, str) else None
    if named is not None and named.type == SECRET:
        return f"is looked up in Parameter Store, and {named.logical_id} is a secret; allowed: its ARN"
    return None
