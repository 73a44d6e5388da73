"""Where the paths of AWS managed policies come from: moto's copy of what `iam:ListPolicies` returns."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib import import_module
from typing import Any

from breakwater_guards.facts.refresh_sources import SourceError

MOTO = "https://github.com/getmoto/moto/blob/master/moto/iam/aws_managed_policies.py"


def managed_policies() -> dict[str, Any]:
    """Return the names of AWS managed policies by path, e.g. ``service-role/``; empty for no path."""
    text = getattr(import_module("moto.iam.aws_managed_policies"), "aws_managed_policies_data", None)
    if not isinstance(text, str):
        raise SourceError("moto no longer has the text aws_managed_policies_data")
    policies = json.loads(text)
    by_path: dict[str, list[str]] = defaultdict(list)
    for name, policy in policies.items():
        by_path[policy.get("Path", "/").removeprefix("/")].append(name)
    return {"names_by_path": {path: sorted(by_path[path]) for path in sorted(by_path)}}
