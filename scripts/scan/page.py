"""The table of a run, and docs/compliance.md: every accepted finding with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.table import Table

from breakwater_guards.formats.markdown import prose, row
from scripts.parts import ROOT
from scripts.scan.model import ScanResult

PAGE = ROOT / "docs" / "compliance.md"
# The hash that CDK puts at the end of a logical id.
_HASH = re.compile(r"[0-9A-F]{8}$")
INTRODUCTION = """# Compliance

<!-- Written by `make scan` from its last run: do not edit. -->

Rule sets that this project did not write scan the platform: cdk-nag's packs AwsSolutions, NIST 800-53 r5, PCI DSS
3.2.1, HIPAA Security and Serverless, checkov, cfn-lint, CloudFormation Validate, the proactive controls of AWS Control
Tower, and parliament for every IAM policy. This page is no certificate: the packs read templates, and a template shows
only a part of what each standard requires.

No finding is open. The accepted findings are below, each with its reason. The further ones of dev and staging are
protections that these environments do without, by their settings. `make scan` fails on a finding that is not here, and
on an acknowledgement without a finding. It also checks the pinned packages for known vulnerabilities, in every run and
not on this page.
"""


def table(results: Sequence[ScanResult]) -> Table:
    """Draw scanners by environments.

    Returns:
        One row for each scanner; a cell holds the numbers of passed, failed and accepted.
    """
    environments = [name for name in dict.fromkeys(result.environment for result in results) if name]
    result = Table(title="passed / failed / acknowledged")
    result.add_column("scanner")
    result.add_column("counts")
    for environment in environments:
        result.add_column(environment, justify="right")
    for scanner in dict.fromkeys(result.scanner for result in results):
        cells = {result.environment: result for result in results if result.scanner == scanner}
        unit = next(iter(cells.values())).unit
        shared = cells.get("")
        texts = [_cell(shared or cells.get(environment)) for environment in environments]
        result.add_row(scanner, unit, *(texts[:1] + [""] * (len(texts) - 1) if shared else texts))
    return result


def _cell(result: ScanResult | None) -> str:
    if result is None:
        return "-"
    if result.unavailable:
        return f"[yellow]no result: {result.unavailable}[/yellow]"
    style = "red" if result.failed else "green"
    return f"[{style}]{result.passed} / {len(result.failed)} / {len(result.acknowledged)}[/{style}]"


def page(results: Sequence[ScanResult]) -> str:
    """Return the page as Markdown."""
    lines = [INTRODUCTION, *_summary(results)]
    for scanner in dict.fromkeys(result.scanner for result in results):
        mine = [result for result in results if result.scanner == scanner]
        rows = list(_rows(mine))
        lines.append(f"\n## {scanner}\n")
        if not rows:
            lines.append("Nothing is acknowledged.")
            continue
        lines += [row("Construct", "Rule", "Environments", "Reason"), row(*["---"] * 4), *rows]
    return "\n".join(lines) + "\n"


def _summary(results: Sequence[ScanResult]) -> Iterable[str]:
    environments = list(dict.fromkeys(result.environment for result in results))
    yield row("Acknowledged", *environments)
    yield row("---", *["---:"] * len(environments))
    for scanner in dict.fromkeys(result.scanner for result in results):
        counts = {result.environment: str(len(result.acknowledged)) for result in results if result.scanner == scanner}
        yield row(scanner, *(counts.get(environment, "-") for environment in environments))


def _rows(results: Sequence[ScanResult]) -> Iterable[str]:
    """Yield one row for each construct and reason; the rules and environments that share it stand in one cell."""
    found: dict[tuple[str, str], tuple[set[str], dict[str, None]]] = {}
    for result in results:
        for entry in result.acknowledged:
            key = (_HASH.sub("", entry.finding.where.removesuffix("/Resource")), entry.reason)
            rules, environments = found.setdefault(key, (set(), {}))
            rules.add(entry.finding.rule)
            environments[result.environment] = None
    for (where, reason), (rules, environments) in sorted(found.items()):
        names = "<br>".join(f"`{rule}`" for rule in sorted(rules))
        yield row(f"`{where}`", names, ", ".join(environments), prose(reason))
