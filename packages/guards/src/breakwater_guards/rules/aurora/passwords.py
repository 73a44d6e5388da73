"""Tell where a password can be read: in the template, in the stack's parameters, or in a plain SSM parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.values import ABSENT, Text

_DYNAMIC = re.compile(r"^\{\{resolve:(secretsmanager|ssm-secure|ssm):")
_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_PASSWORD_FIELD = re.compile(r'"(?:password|MasterUserPassword)"\s*:\s*"[^"]')
MAX_DEPTH = 20


def exposures(app: Assembly, template: Template, written: Any, depth: int = 0) -> Iterator[str]:
    """Yield why a password can be read by somebody who should not.

    Args:
        app: the assembly, for secrets that the password refers to.
        template: template of the property.
        written: the property as written, intrinsic functions included.
        depth: how many choices and nested stacks were followed so far.

    Yields:
        One reason per path; nothing when the password comes from Secrets Manager, or cannot be determined.
    """
    if depth > MAX_DEPTH:
        return
    if isinstance(written, dict) and len(written) == 1:
        (function, argument), *_ = written.items()
        if function == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            for arm in argument[1:]:
                yield from exposures(app, template, arm, depth + 1)
            return
        if function == "Ref" and isinstance(argument, str) and argument in template.parameters:
            yield from _parameter(app, template, argument, depth)
            return
    value = template.resolver.deep(written)
    names = [name for name in _references(written) if name in template.parameters]
    if isinstance(value, str) and not names:
        yield from _literal(value)
    elif not (isinstance(value, str | Text) and _DYNAMIC.match(_known(value))):
        for name in names:
            yield from _parameter(app, template, name, depth)
    elif isinstance(value, Text):
        yield from _secret(app, value)


def _parameter(app: Assembly, template: Template, name: str, depth: int) -> Iterator[str]:
    declared = template.parameters[name]
    declared = declared if isinstance(declared, dict) else {}
    default = declared.get("Default", "")
    passed = _passed(template, name)
    if isinstance(default, str) and _DYNAMIC.match(default) and passed is ABSENT:
        yield from _literal(default)
    elif str(declared.get("Type", "")).startswith("AWS::SSM::"):
        yield f"parameter {name} reads a plain String from the SSM Parameter Store"
    elif as_bool(declared.get("NoEcho")) is not True and not _is_dynamic(template, passed):
        yield f"parameter {name} has no NoEcho: DescribeStacks shows it"
    elif default != "" and passed is ABSENT:
        yield f"parameter {name} has a default, which the template shows"
    if passed is not ABSENT and template.parent is not None:
        yield from exposures(app, template.parent.template, passed, depth + 1)


def _passed(template: Template, name: str) -> Any:
    """Return what the parent stack passes for a parameter, as written there."""
    properties = template.parent.body.get("Properties") if template.parent else None
    parameters = properties.get("Parameters") if isinstance(properties, dict) else None
    return parameters.get(name, ABSENT) if isinstance(parameters, dict) else ABSENT


def _is_dynamic(template: Template, passed: Any) -> bool:
    """Tell whether a value is a dynamic reference, which a parameter may pass on: only CloudFormation resolves it."""
    value = template.parent.template.resolver.deep(passed) if template.parent and passed is not ABSENT else ABSENT
    return isinstance(value, str | Text) and _DYNAMIC.match(_known(value)) is not None


def _literal(value: str) -> Iterator[str]:
    dynamic = _DYNAMIC.match(value)
    if dynamic is None:
        yield "the password stands in the template as plain text"
    elif dynamic[1] == "ssm":
        yield "a plain String of the SSM Parameter Store; only secretsmanager and ssm-secure keep it secret"


def _secret(app: Assembly, value: Text) -> Iterator[str]:
    """Yield how a secret that is referred to is exposed: its value must not stand in a template either."""
    yield from _literal(_known(value))
    secret: Resource | None = app.target(value)
    if secret is None or secret.type != "AWS::SecretsManager::Secret":
        return
    for content in secret.given("SecretString"):
        if isinstance(content, str) and _PASSWORD_FIELD.search(content):
            yield f"secret {secret.logical_id} has the password in its SecretString as plain text"


def _known(value: str | Text) -> str:
    return value.known if isinstance(value, Text) else value


def _references(written: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names that `Ref` and `Fn::Sub` mention inside a value."""
    if depth > MAX_DEPTH:
        return
    if isinstance(written, list):
        for item in written:
            yield from _references(item, depth + 1)
    elif isinstance(written, dict):
        for key, item in written.items():
            if key == "Ref" and isinstance(item, str):
                yield item
            elif key == "Fn::Sub":
                text = item[0] if isinstance(item, list) and item else item
                yield from _PLACEHOLDER.findall(text) if isinstance(text, str) else ()
                yield from _references(item, depth + 1)
            else:
                yield from _references(item, depth + 1)
