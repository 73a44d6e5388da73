"""Check every synthesized template, nested ones included, with cfn-lint and CloudFormation Validate.

CloudFormation Validate runs the rules of cdk-preflight beside its own. `cdk synth` validates root templates only, so a
mistake in a nested stack shows in the account and not before. One process synthesizes every profile that the tests use:
all environments, all egress modes.
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
from scripts.template_tools import (
    CFN_LINT,
    VALIDATE,
    Accepted,
    Finding,
    Template,
    cfn_lint,
    cloudformation_validate,
    load_accepted,
    split,
)
from stacks import profiles
from stacks.profiles import PROFILES
from stacks.settings import load_settings

Uses = Mapping[Accepted, int]
EXCEPTIONS = Path(__file__).with_name("lint_exceptions.toml")


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


def table(templates: Sequence[Template], findings: Sequence[Finding]) -> Table:
    """Draw stacks by profiles; a cell holds the findings of each tool."""
    counts = Counter((finding.template, finding.tool) for finding in findings)
    profiles = list(dict.fromkeys(template.profile for template in templates))
    result = Table(title=f"Findings: {CFN_LINT} / {VALIDATE}")
    result.add_column("template")
    for profile in profiles:
        result.add_column(profile, justify="center")
    cells = {(template.stack, template.profile): template for template in templates}
    for stack in dict.fromkeys(template.stack for template in templates):
        row = [cells.get((stack, profile)) for profile in profiles]
        result.add_row(stack, *("-" if one is None else _cell(counts, one) for one in row))
    return result


def _cell(counts: Counter[tuple[Template, str]], template: Template) -> str:
    numbers = [counts[template, tool] for tool in (CFN_LINT, VALIDATE)]
    style = "red" if any(numbers) else "green"
    return f"[{style}]{numbers[0]} / {numbers[1]}[/{style}]"


def report(console: Console, templates: Sequence[Template], findings: Sequence[Finding], uses: Uses) -> int:
    """Print findings, stale exceptions and the table.

    Returns:
        The exit code: 0 when nothing was found and every accepted warning still occurs.
    """
    for finding in findings:
        console.print(str(finding), markup=False, highlight=False)
    stale = [entry for entry, count in uses.items() if count == 0]
    for entry in stale:
        console.print(
            f"error {EXCEPTIONS.name}: {entry.rule} in {entry.stack} ({entry.logical_id}) occurs no longer; remove it",
            markup=False,
        )
    console.print(table(templates, findings))
    accepted = f"{sum(uses.values())} accepted with a reason in {EXCEPTIONS.name}"
    console.print(f"{len(templates)} templates, {len(findings)} findings, {accepted}")
    return 1 if findings or stale else 0


def main() -> int:
    """Synthesizes, judges and prints.

    Returns:
        The exit code, as `report` gives it.
    """
    console = Console()
    try:
        accepted = load_accepted(EXCEPTIONS)
    except ValueError as error:
        print(f"lint-templates: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="breakwater-lint-") as folder:
        templates: list[Template] = []
        for profile, context in PROFILES.items():
            console.print(f"synth {profile}")
            templates += synthesize(profile, context, Path(folder, profile))
        console.print(f"{VALIDATE}: {len(templates)} templates")
        findings = list(cloudformation_validate(templates))
        console.print(f"{CFN_LINT}: {len(templates)} templates")
        findings += cfn_lint(templates)
    return report(console, templates, *split(findings, accepted))


if __name__ == "__main__":
    sys.exit(main())
