"""The parts of the report: each asks one of the tools, and says what it found or why it could not ask."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from breakwater_guards.engine import examine
from breakwater_guards.rule import Finding, Severity
from breakwater_guards.tools import MissingToolError
from ops import REPOSITORY
from ops.check.changes import CHANGE_SET_CALL, Action, Change, of_change_set
from ops.check.part import ACCOUNT, CHANGES, GUARDS, LINT, RULES, SYNTHESIS, Line, Part, not_asked
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
TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    GUARDS: (),
    LINT: ("cfn-lint",),
    RULES: ("cloudformation-validate", "cdk-preflight"),
}
NO_CREDENTIALS: Final = "not asked: no credentials"
HOW_TO_LOG_IN: Final = (
    "Log in, or set AWS_PROFILE; for the embedded AWS: `python -m ops local run -- python -m ops check …`"
)
# The findings that `make lint` accepts, each with its reason.
LISTED: Final = REPOSITORY / "scripts" / "scan" / "listed.toml"
LISTED_AS: Final = "CloudFormation Validate"
INSTALL: Final = "Run `make install`, or `make check`."
HOW_TO_SEE: Final = (
    "The IAM actions are in docs/preflight-policy.json; what an emulator cannot answer, an account does."
)
HOW_TO_PREPARE: Final = "Make it: `cdk deploy --method prepare-change-set --change-set-name …`"
FIXED: Final = frozenset({Status.WARN, Status.FAIL})
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


def rules(name: str, plan: Plan) -> Part:
    """Ask the guards, cfn-lint, or CloudFormation Validate with the rules of cdk-preflight.

    Args:
        name: of the part.
        plan: the templates.

    Returns:
        The part. Every finding of cfn-lint fails, as in `make lint`; of the others an error does.
    """
    tools = TOOLS[name]
    try:
        report = examine(plan.assembly, strict=True, tools=tools)
    except MissingToolError as error:
        return not_asked(name, f"{error}".partition("; ")[0], INSTALL, Status.FAIL)
    mine = tools or ("",)
    found = [each for each in report.findings if each.tool in mine]
    lines = [Line(_status(each, name), _told(each), each.fix) for each in found if not _listed(each)]
    accepted = len(found) - len(lines) + sum(item.finding.tool in mine for item in report.acknowledged)
    lines += [Line(Status.BROKEN, str(item)) for item in report.unjudged if not tools or item.rule in tools]
    summary = f"{len(plan.assembly.templates)} templates, {counted(line.status for line in lines) or 'nothing found'}"
    return Part(name, summary + (f", {accepted} accepted" if accepted else ""), _worst_first(lines))


def counted(statuses: Iterable[Status]) -> str:
    """Return how often each status occurs, in words, the gravest first."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if counts[status])


@cache
def _entries(file: Path) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))["listed"]
    return entries


def _listed(found: Finding) -> bool:
    """Tell whether the repository has a reason for a warning of CloudFormation Validate or cdk-preflight."""
    stack = "/".join((found.construct or "").split("/")[1:2])
    where = f"{stack}/{found.resource or '.'.join(found.path.split('.')[1:2])}"
    named = [each for each in _entries(LISTED) if each["scanner"] == LISTED_AS and each["rule"] == found.rule]
    return found.severity is Severity.WARNING and any(fnmatchcase(where, each["where"]) for each in named)


def _status(found: Finding, name: str) -> Status:
    return Status.FAIL if found.severity is Severity.ERROR or name == LINT else Status.WARN


def _told(found: Finding) -> str:
    where = found.construct or f"{found.template} {found.resource}".strip()
    return f"{found.rule} {where}{f' ({found.path})' if found.path else ''}: {found.message}"


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
    return Part(ACCOUNT, f"account {identity['Account']}, {settings.region}: {told}", _worst_first(lines))


def changes(
    asked: Account, settings: Settings, plan: Plan, *, change_set: str = "", accepted: Sequence[str] = ()
) -> Part:
    """Tell what the deployment would add, change, replace and remove.

    Args:
        asked: in the Region of the settings.
        settings: of the deployment.
        plan: the templates.
        change_set: name of one that was made of the same templates; empty to compare templates.
        accepted: beginnings of the paths of what may be lost on purpose.

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
            return Part(CHANGES, f"first deployment, {every} resources")
        try:
            found = of_templates(deployed, plan.assembly)
        except ModuleNotFoundError as error:
            return not_asked(CHANGES, f"{error.name} is not installed", INSTALL, Status.FAIL)
        source = f"templates of {len(deployed.templates)} stacks compared, schemas of cfn-lint {version('cfn-lint')}"
    ordered = tuple(sorted(found, key=lambda change: change.order))
    lines = [_line(change, accepted) for change in ordered if change.status is not Status.PASS]
    counts = Counter(change.action for change in ordered)
    told = ", ".join(f"{counts[action]} {action}" for action in Action if counts[action])
    return Part(CHANGES, f"{told or 'nothing changes'} ({source})", _worst_first(lines), ordered)


def _line(change: Change, accepted: Sequence[str]) -> Line:
    if change.same_name:
        return Line(change.status, str(change), f"Give it another {change.same_name} as well, or set it back.")
    if change.status is Status.FAIL and change.where.startswith(tuple(filter(None, accepted))):
        return Line(Status.WARN, f"{change} (accepted)")
    fix = f"Set it back, move the data first, or accept it: --accept {change.where}"
    return Line(change.status, str(change), fix if change.status is Status.FAIL else "")


def _worst_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: -list(Status).index(line.status)))
