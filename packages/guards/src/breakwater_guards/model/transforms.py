"""Tell where a macro may change what a template says: then nothing follows from what is not in it."""

from __future__ import annotations

from breakwater_guards.model.template import Template
from breakwater_guards.reading.files import mapping

# They expand functions and properties of resources that are there, and add none that a rule misses.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html
_HARMLESS = frozenset({"AWS::LanguageExtensions", "AWS::SecretsManager-2020-07-23", "AWS::SecretsManager-2024-09-16"})
_SERVERLESS = "AWS::Serverless"


def may_change(template: Template, *, by_serverless: bool = True) -> bool:
    """Tell whether a macro of a template, or of a stack around it, may add resources or rewrite them.

    A template with serverless resources counts without its `Transform`, too: the tool that deploys it may add the line.

    Args:
        template: a template.
        by_serverless: whether AWS SAM counts: what it adds lets services in, and never a role.
    """
    here: Template | None = template
    while here is not None:
        if _has_macro(here, by_serverless=by_serverless):
            return True
        here = here.parent.template if here.parent else None
    return False


def _has_macro(template: Template, *, by_serverless: bool) -> bool:
    serverless = by_serverless and any(
        resource.type.startswith(f"{_SERVERLESS}::") for resource in template.resources.values()
    )
    written = template.document.get("Transform", [])
    for macro in written if isinstance(written, list) else [written]:
        name = str(macro.get("Name") if isinstance(macro, dict) else macro)
        if name not in _HARMLESS and not name.startswith(_SERVERLESS):
            return True
    return (
        serverless
        or "Fn::Transform" in template.document
        or "Fn::Transform" in mapping(template.document.get("Resources"))
    )
