"""Checkers of others whose findings join the report of the guards, as `check --with` asks for.

Each judges one template at a time, so it is handed every template of an assembly, nested ones included, the way
CloudFormation reads it: short forms spelled out, and of two equal keys the last. What only one template at a time can
get wrong is corrected here, by `_corrected`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template
from breakwater_guards.reading.files import InputError, mapping
from breakwater_guards.rule import MAX_MESSAGE, Finding, OtherRule, Severity, shorten

TOOLS = {
    "cfn-lint": "cfn_lint",
    "cloudformation-validate": "validate",
    "cdk-preflight": "validate",
}
"""The module of each tool; the extra of the guards that installs it is called like the tool."""
NEEDS = {
    "cfn-lint": ("cfn-lint",),
    "cloudformation-validate": ("cloudformation-validate",),
    "cdk-preflight": ("cdk-preflight", "cloudformation-validate"),
}
"""The distributions of each tool."""

_FOREIGN = re.compile(r"[A-Z]\d{4}|pf-[a-z0-9-]+")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html: a local
# path is replaced by `cdk deploy` or `aws cloudformation package`, which uploads the template of the assembly.
_LOCAL_PATH = frozenset({"pf-cfn-nested-templateurl-scheme", "W3002", "E3043"})
# `AWS::Serverless` without `Transform`: the tool that deploys may add the line.
_MAY_BE_ADDED = frozenset({"E3038"})
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html: a policy may do without.
_NO_VERSION = ("pf-iam-policy-version", "__pf_absent")


class MissingToolError(InputError):
    """A tool that was asked for is not installed."""


class ToolError(Exception):
    """A tool could not judge a template to the end; the message names it."""


class Told(NamedTuple):
    """What a tool says of a template.

    Attributes:
        rule: the tool's id of the rule.
        severity: how severe the tool calls it.
        message: in the tool's words.
        resource: logical id; empty when the resource is not known.
        path: dotted path of the property, or of the section of the template.
        title: what the rule is about.
        fix: how to correct it; empty when the tool does not say.
        source: a page about the rule; empty when there is none.
    """

    rule: str
    severity: Severity
    message: str
    resource: str = ""
    path: str = ""
    title: str = ""
    fix: str = ""
    source: str = ""


class Judge(Protocol):
    """A tool that is ready to judge."""

    def __call__(self, text: str, name: str, region: str | None) -> Iterable[Told]:
        """Judge one template, given as JSON, for a Region; the name is for messages."""


Load = Callable[[str, frozenset[str]], Judge]
"""Get a tool ready: its name, and the resource types that occur."""


def loader(tool: str) -> Load:
    """Return what gets a tool ready.

    Raises:
        MissingToolError: it is not installed.
    """
    # Here: whoever asks no other tool need not wait for what it imports.
    from importlib.metadata import distribution  # noqa: PLC0415

    try:
        for needed in NEEDS[tool]:
            distribution(needed)
        load: Load = import_module(f"{__name__}.{TOOLS[tool]}").load
    except ImportError as error:
        raise MissingToolError(
            f"--with {tool}: {error.name} is not installed; run: pip install {' '.join(NEEDS[tool])}"
        ) from None
    return load


def is_foreign(rule: str) -> bool:
    """Tell whether an id has the form of those of the tools."""
    return _FOREIGN.fullmatch(rule) is not None


def findings(tool: str, load: Load, app: Assembly) -> Iterator[tuple[Finding, OtherRule]]:
    """Judge every template of an assembly with a tool.

    Args:
        tool: its name.
        load: gets it ready.
        app: the assembly.

    Yields:
        Each finding, and the rule behind it.

    Raises:
        ToolError: the tool did not get to the end of a template; it comes after the findings of all templates.
    """
    templates = list({(item.file, item.region): item for item in app.templates.values() if item.resources}.values())
    types = frozenset(resource.type for template in templates for resource in template.resources.values())
    judge = load(tool, types)
    failed: list[str] = []
    for template in templates:
        try:
            for told in judge(_text(template), template.file, template.region):
                corrected = _corrected(template, told)
                if corrected is not None:
                    yield _finding(tool, template, corrected), _rule(tool, corrected)
        except Exception as error:  # noqa: BLE001 (what a tool fails on must not hide what it finds elsewhere)
            failed.append(f"{template.file}: {str(error) or type(error).__name__}")
    if failed:
        raise ToolError("; ".join(failed))


def first_told(found: Sequence[Finding]) -> list[Finding]:
    """Leave out what a tool says of a resource when another one has said it under the same id."""
    by: dict[tuple[str, str, str], str] = {}
    return [item for item in found if by.setdefault((item.rule, item.template, item.resource), item.tool) == item.tool]


def _text(template: Template) -> str:
    """Return a template as JSON, without empty condition names, which CloudFormation takes for none."""
    document = dict(template.document)
    for section in ("Resources", "Outputs"):
        if isinstance(document.get(section), dict):
            document[section] = {name: _unconditional(body) for name, body in document[section].items()}
    return json.dumps(document)


def _unconditional(body: Any) -> Any:
    if mapping(body).get("Condition") != "":
        return body
    return {name: value for name, value in body.items() if name != "Condition"}


def _corrected(template: Template, told: Told) -> Told | None:
    """Return what is left of a statement when the whole assembly is known."""
    if told.rule in _LOCAL_PATH and template.child(told.resource) is not None:
        return None
    if told.rule == _NO_VERSION[0] and _NO_VERSION[1] in told.message:
        return None
    return told._replace(severity=Severity.WARNING) if told.rule in _MAY_BE_ADDED else told


def _finding(tool: str, template: Template, told: Told) -> Finding:
    resource = template.resources.get(told.resource)
    return Finding(
        rule=told.rule,
        severity=told.severity,
        template=template.file,
        resource=told.resource if resource else "",
        path=told.path,
        message=shorten(told.message, MAX_MESSAGE),
        fix=told.fix,
        source=told.source,
        construct=resource.construct_path if resource else template.construct_path,
        tool=tool,
    )


def _rule(tool: str, told: Told) -> OtherRule:
    return OtherRule(id=told.rule, tool=tool, title=told.title, severity=told.severity, source=told.source)
