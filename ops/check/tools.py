"""The guards, cfn-lint and cdk-preflight: they judge the templates once, and each has a part of the report."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

from breakwater_guards.engine import examine
from breakwater_guards.report import Report
from breakwater_guards.rule import Finding, Severity
from breakwater_guards.tools import MissingToolError, loader
from ops import REPOSITORY
from ops.check.part import GUARDS, LINT, RULES, Line, Part, counted, not_installed, worst_first
from ops.preflight.check import Status
from ops.preflight.context import Plan

TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    GUARDS: (),
    LINT: ("cfn-lint",),
    RULES: ("cloudformation-validate", "cdk-preflight"),
}
# The findings that `make lint` accepts, each with its reason.
LISTED: Final = REPOSITORY / "scripts" / "scan" / "listed.toml"
LISTED_AS: Final = "CloudFormation Validate"


def judge(plan: Plan, names: Iterable[str]) -> Report:
    """Run the guards, and with them the tools of the other parts, as far as these are installed.

    Args:
        plan: the templates.
        names: of the parts that are wanted.
    """
    tools = [tool for name in names if not missing(name) for tool in TOOLS[name]]
    return examine(plan.assembly, strict=True, tools=tools)


def missing(name: str) -> str:
    """Return the tool that a part needs and that is not installed; empty where it has all.

    Args:
        name: of the part.
    """
    for tool in TOOLS[name]:
        try:
            loader(tool)
        except MissingToolError:
            return tool
    return ""


def rules(name: str, plan: Plan, judged: Callable[[], Report]) -> Part:
    """Tell what the guards found, or cfn-lint, or CloudFormation Validate with the rules of cdk-preflight.

    Args:
        name: of the part.
        plan: the templates.
        judged: returns what :func:`judge` found.

    Returns:
        The part. Every finding of cfn-lint fails, as in `make lint`; of the others an error does.
    """
    if tool := missing(name):
        return not_installed(name, tool)
    report = judged()
    tools = TOOLS[name]
    mine = tools or ("",)
    found = [each for each in report.findings if each.tool in mine]
    lines = [Line(_status(each, name), _told(each), each.fix) for each in found if not _listed(each)]
    accepted = len(found) - len(lines) + sum(item.finding.tool in mine for item in report.acknowledged)
    own = tools or tuple({item.rule for item in report.unjudged} - {tool for each in TOOLS.values() for tool in each})
    lines += [Line(Status.BROKEN, str(item)) for item in report.unjudged if item.rule in own]
    summary = f"{len(plan.assembly.templates)} templates, {counted(line.status for line in lines) or 'nothing found'}"
    return Part(name, summary + (f", {accepted} accepted" if accepted else ""), worst_first(lines))


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
