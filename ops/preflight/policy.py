"""The IAM policy that lets the checks ask, and nothing else."""

from __future__ import annotations

import json

from ops.preflight.account import iam_action
from ops.preflight.check import all_checks
from ops.preflight.deployed import CALLS

# Who asks is found out before any check.
IDENTITY = "sts:GetCallerIdentity"


def actions() -> list[str]:
    """Return every IAM action that a check can call for, sorted."""
    calls = {call for check in all_checks().values() for call in check.calls}
    return sorted({IDENTITY, *map(iam_action, {*calls, *CALLS})})


def policy() -> str:
    """Return the policy as JSON.

    Every action reads, most of them lists that have no resource to name: the resource is everything.
    """
    statement = {"Sid": "BreakwaterPreflight", "Effect": "Allow", "Action": actions(), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2) + "\n"
