"""Text of tokens that nothing resolved, anywhere in a template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.tokens import unresolved
from breakwater_guards.rule import Breach, Outcome, breach, rule

# Properties that hold programs.
CODE = frozenset({"BuildSpec", "Code", "FunctionCode", "InlineCode", "Script", "UserData", "ZipFile"})
SECTIONS = ("Conditions", "Mappings", "Outputs", "Parameters")


@rule(
    "DR-IAM-03",
    title="A template contains no unresolved token",
    outcome=Outcome.SILENT,
    prevents="AWS takes the text for a value: Calling [toJSON] on an [Output<T>] is not supported, ${Token[TOKEN.9]} "
    "or [object Object] ends up in a policy, a name or an environment variable, and fails or matches nothing",
    fix="Pass the value on as the tool's own reference: in the CDK a string or Fn.join, never str() of a construct or "
    "json.dumps of tokens (Stack.to_json_string does that); in Pulumi apply or jsonStringify.",
    sources=(
        "https://docs.aws.amazon.com/cdk/v2/guide/tokens.html",
        "https://www.pulumi.com/docs/concepts/inputs-outputs/",
        "https://github.com/pulumi/pulumi/issues/15875",
    ),
)
def tokens_are_resolved(app: Assembly) -> Iterator[Breach]:
    """Find a placeholder of the CDK or of Pulumi, or how a language prints an object; principals have DR-IAM-01."""
    for template in app.templates.values():
        for resource in template.resources.values():
            if unresolved(resource.text):
                for path, found in _find(resource.body.get("Properties"), "", code=False):
                    yield breach(resource, path, f"{found!r} is the text of a token that was never resolved.")
        for section in SECTIONS:
            for path, found in _find(template.document.get(section), section, code=False):
                message = f"{path}: {found!r} is the text of a token that was never resolved."
                yield Breach(template=template, resource=None, path="", message=message)


def _find(node: Any, path: str, *, code: bool) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        principals = {"Principal", "NotPrincipal"} if "Effect" in node else frozenset()
        for key, child in node.items():
            if key not in principals:
                yield from _find(child, f"{path}.{key}".lstrip("."), code=code or key in CODE)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _find(child, f"{path}.{index}".lstrip("."), code=code)
    elif isinstance(node, str | int | float):
        found = unresolved(str(node), code=code)
        if found:
            yield path, found
