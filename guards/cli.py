"""Command line: ``check`` a path, ``list`` the rules, ``explain`` one. Exit 0 clean, 1 findings, 2 could not judge."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from guards.engine import all_rules, check
from guards.formats import FORMATS
from guards.freshness import stale_data
from guards.loading import InputError
from guards.rule import Profile, Severity

CLEAN, FOUND, UNJUDGED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: words after the program's name; the process's own when not given.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (InputError, ValueError) as error:
        print(f"guards: {error}", file=sys.stderr)
        return UNJUDGED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m guards", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    judge = commands.add_parser("check", help="judge a template, a folder or a cdk.out")
    judge.add_argument("path")
    judge.add_argument("--format", choices=sorted(FORMATS), default="text")
    judge.add_argument("--rules", nargs="+", default=[], metavar="ID", help="rule ids or their beginnings")
    judge.add_argument("--fail-on", choices=[item.value for item in Severity], default=Severity.WARNING.value)
    judge.add_argument("--profile", choices=[item.value for item in Profile], default=Profile.SINGLE_REGION.value)
    judge.set_defaults(run=_check)
    commands.add_parser("list", help="print every rule").set_defaults(run=_list)
    explain = commands.add_parser("explain", help="print one rule in full")
    explain.add_argument("rule")
    explain.set_defaults(run=_explain)
    return parser


def _check(options: argparse.Namespace) -> int:
    report = check(options.path, rules=options.rules, profile=Profile(options.profile))
    sys.stdout.write(FORMATS[options.format](report))
    for notice in stale_data(report.rules):
        print(f"guards: {notice}", file=sys.stderr)
    return FOUND if report.failed(Severity(options.fail_on)) else CLEAN


def _list(_: argparse.Namespace) -> int:
    for rule in all_rules().values():
        print(f"{rule.id:<16}{rule.severity.value:<9}{rule.title}")
    return CLEAN


def _explain(options: argparse.Namespace) -> int:
    rule = all_rules().get(options.rule.upper())
    if rule is None:
        raise ValueError(f"{options.rule}: no such rule; see `python -m guards list`")
    print(f"{rule.id} ({rule.severity.value}): {rule.title}\n\nPrevents: {rule.prevents}\nFix: {rule.fix}")
    print("Sources:", *rule.sources, sep="\n  ")
    return CLEAN
