"""The IAM policy that allows the checks to ask, and nothing else."""

from __future__ import annotations

import json

from ops.preflight.account import iam_action
from ops.preflight.check import all_checks
from ops.preflight.deployed import CALLS

# Called before any check, to learn the account of the credentials.
IDENTITY = "sts:GetCallerIdentity"


def actions() -> list[str]:
    """Return every IAM action that preflight needs, sorted."""
    calls = {call for check in all_checks().values() for call in check.calls}
    return sorted({IDENTITY, *map(iam_action, {*calls, *CALLS})})


def policy() -> str:
    """Return the policy as JSON.

    Every action only reads, and most list resources, which no ARN can name: the resource is ``*``.
    """
    statement = {"Sid": "BreakwaterPreflight", "Effect": "Allow", "Action": actions(), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2) + "\n"
