"""Writes docs/preflight.md and docs/preflight-policy.json from the checks; a test keeps them current."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ops.preflight.account import iam_action
from ops.preflight.check import Check, all_checks
from ops.preflight.deployed import CALLS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, POLICY = DOCS / "preflight.md", DOCS / "preflight-policy.json"
# Called before any check, to learn the account of the credentials.
IDENTITY = "sts:GetCallerIdentity"
INTRODUCTION = """# Preflight

<!-- Written by `make preflight-docs` from ops/preflight/checks: do not edit. -->

Templates cannot show everything that makes a deployment fail. Preflight asks the account, within seconds and before
`cdk deploy` spends twenty minutes:

```sh
python -m ops preflight -c environment=prod -c suffix=eu1     # the settings of the deployment, as for cdk
python -m ops preflight --only PF-RDS --format json           # some of the checks, for a program
```

Every check answers *pass*, *warn* (it may cause trouble, now or later), *fail* (the deployment would fail) or
*could-not-ask*, which names the IAM action that is missing or the kind of policy that denies it. Exit status: 0 nothing
fails, 1 something fails (with `--strict` also what could not be asked), 2 nothing could be asked at all: no
credentials, no network, or a setting that cannot be used; 3 preflight itself is broken, which is a defect to report: a
check that is *broken* says nothing of the account, and the others still answer. `--format` is `text`, `json`, `junit`
or `github`.

Preflight changes nothing: a check can call only the operations that it declares, and all of them read.
[preflight-policy.json](preflight-policy.json) is the IAM policy that allows exactly these operations. Names, and
numbers that are compared with quotas, come from the synthesized templates. What the stack itself already owns counts
as deployed, not as a collision.

`make local` runs the checks against the embedded AWS first, which has no Service Quotas: those checks could not be
asked there.
"""
REPORT = """## The whole report before a deployment

`python -m ops check` (`make check`) asks these checks and everything else that can be known beforehand, side by side
and within a minute:

| Part | What it asks | Fails |
| --- | --- | --- |
| settings | files and `-c`, as `cdk` reads them | for a value that cannot be used |
| synthesis | `cdk validate --no-online`: the app with the gate of the guards | for what stops `cdk deploy` |
| guards | every rule, over root and nested templates | for an error |
| cfn-lint | root and nested templates | for an error or a warning |
| cdk-preflight | its rules and CloudFormation Validate, nested templates included | for an error |
| account | the checks of this page, but PF-CFN-03 | for a check that fails, or an expired session |
| changes | what is deployed against what is planned | for data, a network or a protection that would be lost |

What would be replaced comes from CloudFormation's resource schemas, which cfn-lint carries, and from there on to all
that refers to it; what becomes of the old resource comes from `DeletionPolicy` and `UpdateReplacePolicy`. A resource
with a name of its own is refused by CloudFormation, which the report says. Nested stacks are compared like the root.
`--change-set NAME` reads a prepared change set and those of its nested stacks instead
(`cloudformation:DescribeChangeSet`); the report says which of the two it used.

*weaken* is a change that switches a protection off or shortens it: point-in-time recovery, deletion protection, the
retention of backups, versions or logs, the lock of the vault, encryption with a key, a minimum of one task, an instance
that could take over, a policy that deletes what it kept. `ops/check/protections.toml` lists them. It is no go, and in
dev a warning.

`--accept PATH` lets through what is lost or weakened on purpose: the construct path that the report prints, with all
below it. One that lets nothing through is told as stale. What CloudFormation refuses cannot be accepted.

The last line is the verdict, and the exit status follows it: *GO* 0, *NO GO* 1, *INCOMPLETE* 3 where nothing was found
but cfn-lint or cdk-preflight is not installed (`make local` alone does not), and 2 for a wrong command line. Without
credentials the last two parts are not asked, which the verdict says; `--require-account` makes that a failure.
`--format` is `text`, `markdown`, `json`, or `github`: annotations, and the page in the summary of the run.
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = [f"| [{check.id}](#{check.id.lower()}) | {check.title} |" for check in all_checks().values()]
    table = "\n".join(["| Check | What must hold |", "| --- | --- |", *rows])
    return "\n".join([INTRODUCTION, table, "", REPORT, *map(_section, all_checks().values())])


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


def _section(check: Check) -> str:
    actions = ", ".join(f"`{action}`" for action in sorted({iam_action(call) for call in check.calls}))
    return "\n".join(
        [
            f"## {check.id}",
            "",
            f"{check.title}.",
            "",
            f"- Otherwise: {check.why}",
            f"- Fix: {check.fix}",
            f"- Asks: {actions or 'no AWS service'}",
            f"- Source: <{check.source}>",
            "",
        ]
    )


def main() -> int:
    """Write both files.

    Returns:
        The exit code.
    """
    PAGE.write_text(page(), encoding="utf-8")
    POLICY.write_text(policy(), encoding="utf-8")
    sys.stdout.write(f"preflight: {len(all_checks())} checks -> {PAGE.name}, {POLICY.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
