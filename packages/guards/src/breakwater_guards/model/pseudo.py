"""Pseudo parameters: known where a cloud assembly fixes Region, account or stack name."""

from __future__ import annotations

from typing import Any

from breakwater_guards.model.scope import Scope
from breakwater_guards.model.values import ABSENT, Opaque

_PARTITIONS = {"cn-": ("aws-cn", "amazonaws.com.cn"), "us-gov-": ("aws-us-gov", "amazonaws.com")}


def pseudo_parameter(template: Scope, name: str) -> Any:
    """Return the value of a pseudo parameter in a template, or a mark that compares equal where the value would."""
    if name == "AWS::NoValue":
        return ABSENT
    if name in ("AWS::Region", "AWS::AccountId"):
        kind, value = ("region", template.region) if name == "AWS::Region" else ("account", template.account)
        return value or Opaque(kind, "")
    if name in ("AWS::Partition", "AWS::URLSuffix"):
        if template.region is None:
            return Opaque(name, "")
        known = next((pair for prefix, pair in _PARTITIONS.items() if template.region.startswith(prefix)), None)
        return (known or ("aws", "amazonaws.com"))[0 if name == "AWS::Partition" else 1]
    if name == "AWS::StackName" and template.stack_name:
        return template.stack_name
    return Opaque(name, template.key)
