"""Containers: what they start with and is named as text may be read by the execution role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import pattern
from breakwater_guards.aws.ecs import DEFINITION, repository_of
from breakwater_guards.aws.items import Item, items
from breakwater_guards.aws.roles import roles_of
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.values import Text
from breakwater_guards.rule import Breach, breach, readable

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ECR_on_ECS.html
_PULL: Final = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_SECRETS: Final = ("Secrets[].ValueFrom", "LogConfiguration.SecretOptions[].ValueFrom")
_SECRET: Final = re.compile(r"arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+")


def unreadable(app: Assembly) -> Iterator[Breach]:
    """Find an image or a secret that is named as text, and that the execution role may not read."""
    for definition in app.of_type(DEFINITION):
        role = roles_of(app).find(definition.get("ExecutionRoleArn"), definition.template)
        if role is None:
            continue
        for item in items(definition, "ContainerDefinitions[]"):
            for path, arn, actions in _needs(app, item):
                missing = [action for action in actions if not access_of(app).role_may(role, action, arn)]
                if missing:
                    message = f"role {role.logical_id} may not use {', '.join(missing)} on {readable(arn)}."
                    yield breach(definition, item.place(path), message)


def _needs(app: Assembly, item: Item) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield property, ARN and actions of what a container names otherwise than by reference."""
    for path in ("Image", *_SECRETS):
        for value in item.given(path):
            if isinstance(value, str | Text) and app.target(value) is None:
                arn = repository_of(app, value) if path == "Image" else _secret(app, value)
                if arn is not None:
                    yield path, arn, _PULL if path == "Image" else _reads(arn)


def _secret(app: Assembly, value: Any) -> str | None:
    """Return the ARN of a secret or parameter: a name without an ARN is a parameter's, in the Region of the task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
    """
    text = pattern(app, value)
    secret = _SECRET.match(text)
    if secret is not None:  # with or without the six characters that Secrets Manager adds to the name
        return f"{secret[0].rstrip('*')}*"
    if text.startswith("arn:"):
        return text if ":parameter/" in text else None
    return f"arn:*:ssm:*:*:parameter/{text.removeprefix('/')}" if text and text[0] != "*" else None


def _reads(arn: str) -> tuple[str, ...]:
    return ("ssm:GetParameters",) if ":parameter/" in arn else ("secretsmanager:GetSecretValue",)
