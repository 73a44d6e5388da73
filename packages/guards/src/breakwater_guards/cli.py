"""Find what breaks a CloudFormation deployment, or a recovery, before it happens.

Exit status: 0 clean, 1 findings, 2 could not check.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from breakwater_guards import __version__
from breakwater_guards.baseline import read_baseline, without_known
from breakwater_guards.engine import UnknownRuleError, all_rules, examine, select
from breakwater_guards.facts import dated, facts
from breakwater_guards.facts.freshness import stale_data
from breakwater_guards.formats import FORMATS
from breakwater_guards.reading.files import InputError, template_or_none
from breakwater_guards.report import Report, merge
from breakwater_guards.rule import Profile, Severity
from breakwater_guards.silence import explain_silence
from breakwater_guards.tools import TOOLS, loader

CLEAN, FOUND, UNJUDGED = 0, 1, 2
STRICT = "strict"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: words after the program's name; the process's own when not given.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    if sys.stdout is None:  # Python's way to say that the process was started with the stream closed
        _tell("standard output is closed: nowhere to write to")
        return UNJUDGED
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except (InputError, UnknownRuleError) as error:
        _tell(str(error))
        return UNJUDGED
    except BrokenPipeError:
        # The reader, e.g. `head`, has seen enough; Python would complain when it flushes at exit.
        _discard_output()
        return FOUND
    except OSError as error:
        # Trouble with the input is an InputError; what is left is the output, e.g. a full disk.
        _discard_output()
        _tell(f"cannot write to standard output: {error.strerror or error}")
        return UNJUDGED
    return status


def run() -> None:
    """Entry point of the command ``breakwater-guards``."""
    status = main()
    gc.freeze()  # else Python looks for garbage once more in all that it is about to drop
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="breakwater-guards", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    # With `prog`, argparse need not measure the terminal to work out the same.
    commands = parser.add_subparsers(required=True, metavar="command", prog=parser.prog)
    check = commands.add_parser("check", help="check templates, folders or cloud assemblies (cdk.out)")
    check.add_argument(
        "paths",
        nargs="+",
        metavar="path",
        help="a template (JSON or YAML), a folder with templates, or a cdk.out; several are checked one by one",
    )
    check.add_argument(
        "--skip-other-files",
        action="store_true",
        help="leave out files that are no CloudFormation templates instead of refusing them",
    )
    check.add_argument("--format", choices=sorted(FORMATS), default="text", help="how to print (default: text)")
    check.add_argument(
        "--rules",
        nargs="+",
        action="extend",
        default=[],
        metavar="ID",
        help="rule ids or their beginnings, e.g. DR-AURORA (default: all)",
    )
    check.add_argument(
        "--fail-on",
        choices=[item.value for item in Severity],
        default=Severity.WARNING.value,
        help="least severity that makes the exit status 1 (default: warning)",
    )
    check.add_argument(
        "--profile",
        choices=[*(item.value for item in Profile), STRICT],
        action="append",
        default=[],
        help="what the platform is built for (default: single-region); strict: policies count as errors; repeatable",
    )
    check.add_argument(
        "--with",
        dest="tools",
        choices=list(TOOLS),
        action="append",
        default=[],
        help="ask another checker as well, for one report; repeatable",
    )
    check.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="the output of an earlier run with --format json: what is in it is counted and fails nothing",
    )
    check.add_argument(
        "--explain-silence",
        nargs=2,
        metavar=("RULE", "RESOURCE"),
        help="instead of a report, say why a rule does not report a resource",
    )
    check.set_defaults(run=_check)
    commands.add_parser("list", help="print every rule").set_defaults(run=_list)
    explain = commands.add_parser("explain", help="print one rule in full")
    explain.add_argument("rule", help="its id, e.g. DR-AURORA-01")
    explain.set_defaults(run=_explain)
    return parser


def _discard_output() -> None:
    """Send what is still buffered nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check(options: argparse.Namespace) -> int:
    if "" in options.paths:
        # An unset variable of a CI script; pathlib would take it for the current folder.
        raise InputError("the path '' is empty; name a template, a folder with templates, or a cdk.out")
    if options.explain_silence:
        for path in options.paths:
            print("\n".join(explain_silence(path, *options.explain_silence)))
        return CLEAN
    baseline = read_baseline(options.baseline) if options.baseline else None
    report, refused = _judge(options)
    if baseline is not None:
        report = without_known(report, baseline, str(options.baseline))
    sys.stdout.write(FORMATS[options.format](report))
    for notice in (*report.notices, *stale_data(report.rules)):
        _tell(f"warning: {notice}")
    for failure in report.unjudged:
        _tell(f"{failure}; please report it with the template")
    for refusal in refused:
        _tell(str(refusal))
    if report.unjudged or refused:
        return UNJUDGED
    return FOUND if report.failed() else CLEAN


def _judge(options: argparse.Namespace) -> tuple[Report, list[InputError]]:
    """Judge every path, and return one report and why some could not be judged."""
    patterns = [pattern for word in options.rules for pattern in word.split(",") if pattern]
    (profile,) = {Profile(item) for item in options.profile if item != STRICT} or {Profile.SINGLE_REGION}
    chosen: dict[str, Any] = {"rules": patterns, "profile": profile, "strict": STRICT in options.profile}
    for tool in options.tools:
        loader(tool)
    reports: list[Report] = []
    refused: list[InputError] = []
    for path in options.paths:
        try:
            if not (options.skip_other_files and _is_other_file(Path(path))):
                reports.append(examine(path, **chosen, tools=options.tools))
        except InputError as error:
            refused.append(error)
    if refused and not reports:
        for refusal in refused[:-1]:
            _tell(str(refusal))
        raise refused[-1]
    report = merge(reports or [Report(findings=(), acknowledged=(), rules=select(**chosen))])
    return report._replace(fail_on=Severity(options.fail_on)), refused


def _is_other_file(path: Path) -> bool:
    try:
        return path.is_file() and template_or_none(path) is None
    except (OSError, ValueError):  # e.g. a name that is too long: reading the path says so
        return False


def _list(_: argparse.Namespace) -> int:
    width = max(map(len, all_rules()))
    for rule in all_rules().values():
        print(f"{rule.id:<{width}}  {rule.severity.value:<7}  {rule.title}")
    return CLEAN


def _explain(options: argparse.Namespace) -> int:
    rule = all_rules().get(options.rule.upper())
    if rule is None:
        raise UnknownRuleError(f"{options.rule}: no such rule; see the command `list`")
    profiles = ", ".join(profile.value for profile in Profile if profile in rule.profiles)
    print(f"{rule.id} ({rule.severity.value}; {profiles}): {rule.title}")
    print(f"\nWithout it: {rule.outcome.text}.\nPrevents: {rule.prevents}\nFix: {rule.fix}")
    if rule.data:
        print(f"Facts: of {dated(rule.data).isoformat()}, {', '.join(facts(rule.data)['sources'])}")
    print("Sources:", *rule.sources, sep="\n  ")
    return CLEAN


def _tell(text: str) -> None:
    print(f"guards: {' '.join(text.split())}", file=sys.stderr)
