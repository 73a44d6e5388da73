"""Check every synthesized template with the guards, cfn-lint, CloudFormation Validate and the rules of cdk-preflight.

One process synthesizes every profile that the tests use: all environments, all egress modes.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import NestedStack
from rich.console import Console
from rich.table import Table

from app import register_nag
from scripts.scan.linters import ASKED, judge
from scripts.scan.model import LISTED, VALIDATE, Finding, Listed, ScanError, Template, load_listed
from stacks import profiles
from stacks.profiles import PROFILES
from stacks.settings import load_settings

Found = tuple[str, Template, Finding]
"""The name of a tool, a template, and what it says of it."""


def synthesize(profile: str, context: Mapping[str, str], folder: Path, *, nag: bool = False) -> list[Template]:
    """Synthesize one deployment.

    Args:
        profile: Name of the settings profile.
        context: What a user would give with `-c`.
        folder: An empty folder for the cloud assembly.
        nag: Let cdk-nag judge it; what it finds is in the validation report, and does not stop the synthesis.

    Returns:
        The root template and every nested one.
    """
    settings = load_settings(context)
    report_only = {"@aws-cdk/core:failSynthOnValidationErrors": False} if nag else {}
    root = profiles.synthesize(settings, folder, context=report_only, configure=register_nag if nag else None)
    stacks = {"Root": root} | {child.node.id: child for child in root.node.children if isinstance(child, NestedStack)}
    return [Template(profile, name, settings.region, folder / stack.template_file) for name, stack in stacks.items()]


def table(templates: Sequence[Template], findings: Sequence[Found]) -> Table:
    """Draw stacks by profiles; a cell holds the findings of each tool."""
    counts = Counter((template, tool) for tool, template, _ in findings)
    profiles = list(dict.fromkeys(template.profile for template in templates))
    result = Table(title=f"Findings: {' / '.join(ASKED)}")
    result.add_column("template")
    for profile in profiles:
        result.add_column(profile, justify="center")
    cells = {(template.stack, template.profile): template for template in templates}
    for stack in dict.fromkeys(template.stack for template in templates):
        row = [cells.get((stack, profile)) for profile in profiles]
        result.add_row(stack, *("-" if one is None else _cell(counts, one) for one in row))
    return result


def _cell(counts: Counter[tuple[Template, str]], template: Template) -> str:
    numbers = [counts[template, tool] for tool in ASKED]
    style = "red" if any(numbers) else "green"
    return f"[{style}]{'/'.join(map(str, numbers))}[/{style}]"


def report(
    console: Console, templates: Sequence[Template], findings: Sequence[Found], entries: Sequence[Listed]
) -> int:
    """Print findings, stale entries and the table.

    Args:
        console: Where to print.
        templates: All that were judged.
        findings: Of all tools.
        entries: Accepted findings.

    Returns:
        The exit code: 0 when all that was found is accepted and every accepted finding still occurs.
    """
    remaining = [each for each in findings if not any(entry.covers(each[0], each[2]) for entry in entries)]
    for tool, template, finding in remaining:
        console.print(f"{finding.severity} {template.profile}: {finding} [{tool}]", markup=False, highlight=False)
    stale = [entry for entry in entries if not any(entry.covers(tool, finding) for tool, _, finding in findings)]
    for entry in stale:
        told = f"error {LISTED.name}: {entry.rule} in {entry.where} occurs no longer; remove it"
        console.print(told, markup=False)
    console.print(table(templates, remaining))
    accepted = f"{len(findings) - len(remaining)} accepted with a reason in {LISTED.name}"
    console.print(f"{len(templates)} templates, {len(remaining)} findings, {accepted}")
    return 1 if remaining or stale else 0


def main() -> int:
    """Synthesize, judge and print.

    Returns:
        The exit code, as `report` gives it.
    """
    console = Console()
    try:
        entries = [entry for entry in load_listed() if entry.scanner == VALIDATE]
    except ScanError as error:
        print(f"lint-templates: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="breakwater-lint-") as folder:
        templates: list[Template] = []
        for profile, context in PROFILES.items():
            console.print(f"synth {profile}")
            templates += synthesize(profile, context, Path(folder, profile))
        console.print(f"{', '.join(ASKED)}: {len(templates)} templates")
        findings = list(judge(templates))
    return report(console, templates, findings, entries)


if __name__ == "__main__":
    sys.exit(main())
