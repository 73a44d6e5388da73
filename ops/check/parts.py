"""The synthesis, the account and the changes: each asks, and says what it found or why it could not ask."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from ops import REPOSITORY
from ops.check.changes import CHANGE_SET_CALL, Action, Change, of_change_set
from ops.check.part import (
    ACCOUNT,
    CHANGES,
    INSTALL,
    SYNTHESIS,
    Line,
    Part,
    counted,
    not_asked,
    not_installed,
    worst_first,
)
from ops.check.templates import of_templates
from ops.errors import aws_answer
from ops.preflight import cli as preflight
from ops.preflight.account import Account, Ask
from ops.preflight.check import Status
from ops.preflight.context import Plan
from ops.preflight.deployed import TEMPLATE_CALLS, deployed_templates
from ops.preflight.engine import choose
from ops.preflight.formats import how_to_see
from stacks.names import Names
from stacks.settings import Settings

# What `changes` answers in more detail.
LEFT_TO_CHANGES: Final = "PF-CFN-03"
NO_CREDENTIALS: Final = "not asked: no credentials"
HOW_TO_LOG_IN: Final = (
    "Log in, or set AWS_PROFILE; for the embedded AWS: `python -m ops local run -- python -m ops check …`"
)
HOW_TO_SEE: Final = (
    "The IAM actions are in docs/preflight-policy.json; what an emulator cannot answer, an account does."
)
HOW_TO_PREPARE: Final = "Make it: `cdk deploy --method prepare-change-set --change-set-name …`"
FIXED: Final = frozenset({Status.WARN, Status.FAIL})
# The environment for trying things out: there a weakened protection is a warning.
UNPROTECTED: Final = "dev"
SYNTHESIS_SECONDS: Final = 120.0


def synthesis(context: Sequence[str], given: Path | None, folder: Path) -> Part:
    """Run `cdk validate`, without its online part, which would make a change set.

    It synthesizes the app, guards included, and judges the root template with CloudFormation Validate.

    Args:
        context: settings, each `key=value`.
        given: a cloud assembly to judge in place of a new one.
        folder: receives the cloud assembly.

    Returns:
        The part; where it fails, there may be no assembly.
    """
    source = ["--app", str(given.resolve())] if given else ["--output", str(folder)]
    # The pinned tools of this checkout, whether or not its environment is active in the shell.
    tools = (Path(sys.executable).parent, REPOSITORY / "node_modules" / ".bin")
    path = os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)])
    settings = [word for each in context for word in ("-c", each)]
    options = ("--unstable=validate", "--no-online", "--no-notices", "--ci", "--no-color")
    try:
        done = subprocess.run(
            ["cdk", "validate", *options, *source, *settings],
            capture_output=True,
            text=True,
            check=False,
            timeout=SYNTHESIS_SECONDS,
            stdin=subprocess.DEVNULL,
            cwd=REPOSITORY,
            env={**os.environ, "PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"},
        )
    except FileNotFoundError:
        return not_asked(SYNTHESIS, "cdk is not on the PATH", INSTALL, Status.FAIL)
    except subprocess.TimeoutExpired:
        return not_asked(SYNTHESIS, f"no synthesis within {SYNTHESIS_SECONDS:g} s", "Try `make synth`.", Status.FAIL)
    told = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    if done.returncode:
        shown = [line for line in told if not re.search(r"Synthesis time|Subprocess exited", line)]
        text = "\n".join(shown[:40]) or f"cdk ended with code {done.returncode}"
        return Part(SYNTHESIS, "the app cannot be synthesized", (Line(Status.FAIL, text),))
    return Part(SYNTHESIS, "cdk validate finds nothing; the guards let it through")


def account(asked: Account, identity: Mapping[str, str], settings: Settings, plan: Plan) -> Part:
    """Run the preflight checks.

    Args:
        asked: in the Region of the settings.
        identity: ``Account`` and ``Arn`` of its credentials.
        settings: of the deployment.
        plan: the templates.
    """
    checks = choose((), (LEFT_TO_CHANGES,))
    results = preflight.examine(asked, identity, settings, plan, checks)
    lines = [
        Line(each.status, f"{result.check.id} {each.message}", result.check.fix if each.status in FIXED else "")
        for result in results
        for each in result.outcomes
        if each.status is not Status.PASS
    ]
    if unseen := [result.check.id for result in results if result.status is Status.COULD_NOT_ASK]:
        lines.append(Line(Status.COULD_NOT_ASK, how_to_see(unseen)))
    asking = [result for result in results if result.check.calls]
    if asking and all(result.status is Status.COULD_NOT_ASK for result in asking):
        lines.append(Line(Status.FAIL, "the account answered nothing: its permissions allow no check"))
    told = counted(result.status for result in results)
    return Part(ACCOUNT, f"account {identity['Account']}, {settings.region}: {told}", worst_first(lines))


def changes(
    asked: Account, settings: Settings, plan: Plan, *, change_set: str = "", accepted: Sequence[str] = ()
) -> Part:
    """Tell what the deployment would add, change, replace and remove.

    Args:
        asked: in the Region of the settings.
        settings: of the deployment.
        plan: the templates.
        change_set: name of one that was made of the same templates; empty to compare templates.
        accepted: construct paths of what may be lost or weakened on purpose, with what is below them.

    Raises:
        CouldNotAsk: CloudFormation does not answer.
    """
    stack = Names(settings.suffix, settings.region).stack
    if change_set:
        try:
            found = list(of_change_set(Ask(asked, (CHANGE_SET_CALL,)), stack, change_set))
        except ClientError as error:
            return not_asked(CHANGES, f"change set {change_set}: {aws_answer(error)}", HOW_TO_PREPARE, Status.FAIL)
        source = f"change set {change_set}"
    else:
        deployed = deployed_templates(Ask(asked, TEMPLATE_CALLS), stack, plan.assembly.roots[0])
        if deployed is None:
            every = sum(len(template.resources) for template in plan.assembly.templates.values())
            return Part(CHANGES, f"first deployment, {every} resources", tuple(_stale((), accepted)))
        try:
            found = of_templates(deployed, plan.assembly)
        except ModuleNotFoundError as error:
            return not_installed(CHANGES, f"{error.name}")
        source = f"templates of {len(deployed.templates)} stacks compared, schemas of cfn-lint {version('cfn-lint')}"
    ordered = tuple(sorted(found, key=lambda change: change.order))
    lines = [_line(change, accepted, settings) for change in ordered if change.status is not Status.PASS]
    lines += _stale(ordered, accepted)
    counts = Counter(change.action for change in ordered)
    told = ", ".join(f"{counts[action]} {action}" for action in Action if counts[action])
    return Part(CHANGES, f"{told or 'nothing changes'} ({source})", worst_first(lines), ordered)


def _line(change: Change, accepted: Iterable[str], settings: Settings) -> Line:
    if change.same_name:
        return Line(change.status, str(change), f"Give it another {change.same_name} as well, or set it back.")
    if change.status is Status.FAIL and any(_within(change, path) for path in accepted):
        return Line(Status.WARN, f"{change} (accepted)")
    if change.weakened and not change.old and settings.environment == UNPROTECTED:
        return Line(Status.WARN, str(change))
    fix = f"Set it back, {'move the data first, ' if change.old else ''}or accept it: --accept {change.where}"
    return Line(change.status, str(change), fix if change.status is Status.FAIL else "")


def _within(change: Change, path: str) -> bool:
    """Tell whether a change is at a construct path or below it; an unset variable of a pipeline names none."""
    return bool(path) and f"{change.where}/".startswith(f"{path.rstrip('/')}/")


def _stale(changes: Iterable[Change], accepted: Iterable[str]) -> Iterator[Line]:
    """Yield what is accepted and does not happen: kept, it would let a later loss through."""
    failing = [change for change in changes if change.status is Status.FAIL and not change.same_name]
    for path in dict.fromkeys(filter(None, accepted)):
        if not any(_within(change, path) for change in failing):
            yield Line(Status.WARN, f"--accept {path} is stale: nothing there would be lost or weakened", "Remove it.")
