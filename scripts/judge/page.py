"""The table of a run, and docs/compliance.md: every complaint that stays, with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rich.table import Table

from scripts.guards_docs import prose, row
from scripts.judge.model import Verdict
from scripts.parts import ROOT

PAGE = ROOT / "docs" / "compliance.md"
# CDK's hash at the end of a logical id says nothing to a reader.
_HASH = re.compile(r"[0-9A-F]{8}$")
INTRODUCTION = """# Compliance

<!-- Written by `make judge` from its last run: do not edit. -->

The platform is judged by rule sets that this project did not write: cdk-nag's packs AwsSolutions, NIST 800-53 r5, PCI
DSS 3.2.1, HIPAA Security and Serverless, checkov, cfn-lint, CloudFormation Validate, the proactive controls of AWS
Control Tower, and parliament over every IAM policy. Nothing here is a certificate: the packs look at templates, and a
template shows a part of what each standard asks for.

Nothing fails. What the judges complain of and what stays is below, each with its reason; what dev and staging have more
than prod are protections that they do without, by their settings. `make judge` fails on a complaint that is not here,
and on an acknowledgement that nothing complains of any more. Known vulnerabilities of the pinned packages are asked for
in every run and are not part of this page.
"""


def table(verdicts: Sequence[Verdict]) -> Table:
    """Draws judges by environments.

    Args:
        verdicts: All of a run.

    Returns:
        A row a judge; a cell says how many passed, failed and stay.
    """
    environments = [name for name in dict.fromkeys(verdict.environment for verdict in verdicts) if name]
    result = Table(title="passed / failed / acknowledged")
    result.add_column("judge")
    result.add_column("counts")
    for environment in environments:
        result.add_column(environment, justify="right")
    for judge in dict.fromkeys(verdict.judge for verdict in verdicts):
        cells = {verdict.environment: verdict for verdict in verdicts if verdict.judge == judge}
        unit = next(iter(cells.values())).unit
        shared = cells.get("")
        texts = [_cell(shared or cells.get(environment)) for environment in environments]
        result.add_row(judge, unit, *(texts[:1] + [""] * (len(texts) - 1) if shared else texts))
    return result


def _cell(verdict: Verdict | None) -> str:
    if verdict is None:
        return "-"
    if verdict.unasked:
        return f"[yellow]could not ask: {verdict.unasked}[/yellow]"
    style = "red" if verdict.failed else "green"
    return f"[{style}]{verdict.passed} / {len(verdict.failed)} / {len(verdict.acknowledged)}[/{style}]"


def page(verdicts: Sequence[Verdict]) -> str:
    """Returns the page as Markdown.

    Args:
        verdicts: Of every environment, without those that all of them share.
    """
    lines = [INTRODUCTION, *_summary(verdicts)]
    for judge in dict.fromkeys(verdict.judge for verdict in verdicts):
        mine = [verdict for verdict in verdicts if verdict.judge == judge]
        rows = list(_rows(mine))
        lines.append(f"\n## {judge}\n")
        if not rows:
            lines.append("Nothing is acknowledged.")
            continue
        lines += [row("Construct", "Rule", "Environments", "Reason"), row(*["---"] * 4), *rows]
    return "\n".join(lines) + "\n"


def _summary(verdicts: Sequence[Verdict]) -> Iterable[str]:
    environments = list(dict.fromkeys(verdict.environment for verdict in verdicts))
    yield row("Acknowledged", *environments)
    yield row("---", *["---:"] * len(environments))
    for judge in dict.fromkeys(verdict.judge for verdict in verdicts):
        counts = {verdict.environment: str(len(verdict.acknowledged)) for verdict in verdicts if verdict.judge == judge}
        yield row(judge, *(counts.get(environment, "-") for environment in environments))


def _rows(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """One row a construct and reason; the packs and environments that share it stand in one cell."""
    found: dict[tuple[str, str], tuple[set[str], dict[str, None]]] = {}
    for verdict in verdicts:
        for entry in verdict.acknowledged:
            key = (_HASH.sub("", entry.finding.where.removesuffix("/Resource")), entry.reason)
            rules, environments = found.setdefault(key, (set(), {}))
            rules.add(entry.finding.rule)
            environments[verdict.environment] = None
    for (where, reason), (rules, environments) in sorted(found.items()):
        names = "<br>".join(f"`{rule}`" for rule in sorted(rules))
        yield row(f"`{where}`", names, ", ".join(environments), prose(reason))
