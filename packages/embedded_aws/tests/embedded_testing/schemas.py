"""CloudFormation's resource schemas, which cfn-lint carries."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

_SCHEMAS = files("cfnlint") / "data" / "schemas"


@cache
def _names() -> dict[str, str]:
    found: dict[str, str] = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    return found


@cache
def schema(resource_type: str) -> dict[str, Any]:
    """Return the schema of a type of CloudFormation's registry.

    Raises:
        KeyError: there is no such type.
    """
    file = _SCHEMAS / "resources" / f"{_names()[resource_type]}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def listed(resource_type: str, key: str) -> list[str]:
    """Return the properties that a list of the schema names, e.g. of `createOnlyProperties`, as dotted paths."""
    pointers = schema(resource_type).get(key, ())
    return [pointer.removeprefix("/properties/").replace("/", ".") for pointer in pointers]
