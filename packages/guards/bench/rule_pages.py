"""Write docs/guards.md, the index of the rules of the guards by service.

With ``--pages FOLDER`` write a full page for each service there instead, for the documentation site: every rule with
what it prevents, the fix, the sources, and its plainest broken and sound fixture.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from breakwater_guards.engine import all_rules
from breakwater_guards.facts import dated
from breakwater_guards.formats.markdown import prose, row
from breakwater_guards.rule import Outcome, Profile, Rule

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "guards.md"
PACKAGE = ROOT / "packages" / "guards"
FIXTURES = PACKAGE / "tests" / "fixtures"
COMPARISON = PACKAGE / "bench" / "comparison.md"
LANGUAGES = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
RULES = "breakwater_guards.rules."
INTRODUCTION = """# Guards

<!-- Written by `make guards-docs` from the rules in packages/guards: do not edit. -->

The guards read CloudFormation before anything is deployed: a template, a folder, or a `cdk.out` with its nested stacks.
Each rule stands for a failure that AWS would report minutes or hours into a deployment, or never. The guards are a
package of their own; its [README](../packages/guards/README.md) says how to run them and how to accept a finding, and
`breakwater-guards explain DR-AURORA-01` prints a rule in full: what it prevents, how to fix it, and where AWS says so.

{count} rules: {severities}. {others} other scanners together catch {caught} of these defects:
[comparison](../packages/guards/bench/comparison.md).

An error is what AWS refuses, or what deploys while the platform or its recovery fails without an error. A warning
works, and can fail or cost money later. A policy works, too: it is a warning, and an error with `--profile strict`,
which this platform uses.

## Which kind of defect is whose

`breakwater-guards check --with cfn-lint --with cdk-preflight` gives one report of three checkers. A rule is written
here only where the others cannot know.

| Kind | Whose |
| --- | --- |
| names, types and values of properties, against the schema | cfn-lint, CloudFormation Validate |
| functions, conditions and parameters of one template | cfn-lint, CloudFormation Validate |
| properties of one resource that exclude or require each other; its limits | cdk-preflight, cfn-lint |
| two resources: a key and who uses it, a role and its user, a security group and a port | guards |
| several stacks: what a parent passes, exports, a network or a key elsewhere | guards |
| the code in an asset: handlers, modules, missing files | guards |
| what deploys and never works: alarms, backups, events | guards |
| facts with a date: engine versions, families, runtimes | guards; cfn-lint: retired engine versions |
| policies of security | cdk-nag, checkov; guards: what a recovery needs |
"""


def by_service() -> dict[str, list[Rule]]:
    """Return the rules by the module or folder that declares those of a service."""
    found: dict[str, list[Rule]] = {}
    for rule in all_rules().values():
        module = rule.check.__module__.removeprefix(RULES).partition(".")[0]
        found.setdefault(module, []).append(rule)
    return found


def title(module: str) -> tuple[str, str]:
    """Return the name of a service and what its rules are about, from the docstring of their module."""
    text = importlib.import_module(RULES + module).__doc__ or ""
    name, _, subject = " ".join(text.split()).partition(": ")
    return name, subject[:1].upper() + subject[1:]


def index() -> str:
    """Return the index as Markdown."""
    rules = all_rules()
    counts = Counter(rule.severity.value for rule in rules.values())
    severities = ", ".join(f"{count} {name}s" for name, count in sorted(counts.items()))
    compared = COMPARISON.read_text(encoding="utf-8")
    others, caught = re.findall(r"^Together the other (\d+) tools catch (\d+) of", compared, re.MULTILINE)[0]
    lines = [INTRODUCTION.format(count=len(rules), severities=severities, others=others, caught=caught)]
    for module, declared in by_service().items():
        name, subject = title(module)
        lines += [f"## {name}", "", subject, "", row("Rule", "What must hold", "Severity"), row(*["---"] * 3)]
        lines += [row(f'<a id="{rule.id.lower()}"></a>{rule.id}', prose(rule.title), _kind(rule)) for rule in declared]
        lines.append("")
    return "\n".join(lines)


def page(module: str) -> str:
    """Return the full page of a service as Markdown."""
    name, subject = title(module)
    parts = [f"# {name}\n", f"{subject}\n"]
    for rule in by_service()[module]:
        parts += _section(rule)
    return "\n".join(parts)


def _section(rule: Rule) -> Iterator[str]:
    yield f"## {rule.id}\n"  # the id alone: links to a rule outlive its title
    facts = f" Facts of {dated(rule.data).isoformat()}." if rule.data else ""
    yield f"{prose(rule.title)}. ({_kind(rule)}){facts}\n"
    yield f"**Without it:** {rule.outcome.text}.\n"
    yield f"**Prevents:** {prose(rule.prevents)}\n"
    yield f"**Fix:** {prose(rule.fix)}\n"
    for word, label in (("bad", "Broken"), ("good", "Sound")):
        yield from _snippet(rule.id, word, label)
    yield "Sources:\n"
    yield from (f"- <{url}>" for url in rule.sources)
    yield ""


def _kind(rule: Rule) -> str:
    only = "" if rule.profiles == frozenset(Profile) else f", {' or '.join(sorted(rule.profiles))} only"
    policy = ", policy" if rule.outcome is Outcome.POLICY else ""
    return f"{rule.severity.value}{policy}{only}"


def _snippet(rule_id: str, word: str, label: str) -> Iterator[str]:
    """Yield the plainest fixture of a rule that is broken (``bad``) or sound (``good``); a folder file by file."""
    found = (FIXTURES / rule_id).glob(f"{word}*")
    for path in sorted(found, key=lambda path: (path.stem != word, path.is_dir(), path.name))[:1]:
        files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        for file in files:
            name = f" (`{file.relative_to(path)}`)" if path.is_dir() else ""
            text = file.read_text(encoding="utf-8").rstrip()
            yield f"{label}{name}:\n\n```{LANGUAGES.get(file.suffix, '')}\n{text}\n```\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the index, or the full pages where they are asked for.

    Args:
        arguments: Command line; the process's own when not given.

    Returns:
        The exit code, always 0.
    """
    parser = argparse.ArgumentParser(prog="make guards-docs", description=__doc__)
    parser.add_argument("--pages", type=Path, metavar="FOLDER", help="write a full page for each service here instead")
    options = parser.parse_args(arguments)
    if options.pages is None:
        PAGE.write_text(index(), encoding="utf-8")
        print(f"guards-docs: {len(all_rules())} rules -> {PAGE.relative_to(ROOT)}")
        return 0
    options.pages.mkdir(parents=True, exist_ok=True)
    for module in by_service():
        (options.pages / f"{module}.md").write_text(page(module), encoding="utf-8")
    print(f"guards-docs: {len(by_service())} pages -> {options.pages}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
