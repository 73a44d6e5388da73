"""Compares the guards with cfn-lint, CloudFormation Validate, checkov and cdk-nag on every fixture of every rule.

The table goes into docs/guards.md. When a judge may be said to have caught a fixture: see `compare_guards_cases`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from textwrap import fill

from breakwater_guards.engine import all_rules
from breakwater_guards.facts.clock import today
from scripts import guards_docs
from scripts.compare_guards_cases import STYLE, Bench, Case, Complaints, Verdicts, all_cases
from scripts.compare_guards_judges import JUDGES
from scripts.parts import InstallError
from scripts.scan.model import ScanError
from scripts.scanners_install import REQUIREMENTS, scanners_environment

GUARDS = "guards"
NOTES = 3
INTRODUCTION = """Written by `make compare` on {day}: the guards beside {tools}. Each runs the rules that it has on by
default, warnings included, cdk-nag its AwsSolutions pack. These tools do much that the guards do not: the question here
is these {rules} defects only.

Each rule has several broken fixtures, spellings of one defect. A cell says how many of them the tool catches, and by
which rules of its own. Two things count: what it says of `bad.yaml` and not of `good.yaml`, wherever it says so again;
and what it says of the resource that the guard blames and of no sound resource of that type. What it says of how a
value is written does not count ({style}). *Not applicable*: it cannot read the template.

Together the other {others} tools catch {together} of the {rules} defects in at least one spelling."""
WIDTH = 120


@dataclass(frozen=True)
class Row:
    """One rule: what each judge says because of the defect, by broken fixture.

    Attributes:
        rule: Id of the guard.
        judged: Complaints that tell broken from sound by judge and fixture; None where the judge cannot read it.
    """

    rule: str
    judged: Mapping[str, Sequence[Complaints | None]]

    def count(self, judge: str) -> int:
        """Returns how many broken fixtures a judge catches."""
        return sum(bool(complaints) for complaints in self.judged[judge])

    @property
    def size(self) -> int:
        """Number of broken fixtures."""
        return len(self.judged[GUARDS])

    def cell(self, judge: str) -> str:
        """Returns what the table says of a judge: how many fixtures, and by which rules of its own."""
        verdicts = self.judged[judge]
        if all(complaints is None for complaints in verdicts):
            return "not applicable"
        if not self.count(judge):
            return "-"
        own = sorted({complaint.rule for complaints in verdicts for complaint in complaints or ()} - {self.rule})
        more = f" and {len(own) - NOTES} more" if len(own) > NOTES else ""
        return " ".join([f"{self.count(judge)}/{self.size}", ", ".join(own[:NOTES]) + more]).strip()


def compare(cases: Sequence[Case], verdicts: Mapping[str, Verdicts]) -> list[Row]:
    """Works out what each judge caught.

    Args:
        cases: All fixtures.
        verdicts: What each judge says of each.

    Returns:
        One row a rule, in the order of the fixtures.
    """
    benches = {name: Bench(said, verdicts[GUARDS]) for name, said in verdicts.items()}
    broken = [case for case in cases if case.broken]
    return [
        Row(
            rule,
            {name: [bench.caught(case) for case in broken if case.rule == rule] for name, bench in benches.items()},
        )
        for rule in dict.fromkeys(case.rule for case in broken)
    ]


def markdown(rows: Sequence[Row], versions: Mapping[str, str]) -> str:
    """Returns the comparison as it stands in the page.

    Args:
        rows: One a rule.
        versions: Version of each judge but the guards.
    """
    judges = list(rows[0].judged)
    others = [name for name in judges if name != GUARDS]
    fixtures = sum(row.size for row in rows)
    everywhere = {name: sum(row.count(name) == row.size for row in rows) for name in judges}
    anywhere = {name: sum(bool(row.count(name)) for row in rows) for name in judges}
    total = {name: sum(row.count(name) for row in rows) for name in judges}
    introduction = INTRODUCTION.format(
        day=today().isoformat(),
        tools=", ".join(f"{name} {versions[name]}" for name in others),
        rules=len(rows),
        style=", ".join(f"{name}: {meaning}" for name, meaning in STYLE.items()),
        others=len(others),
        together=sum(any(row.count(name) for name in others) for row in rows),
    )
    lines = [
        *(f"{fill(paragraph, WIDTH)}\n" for paragraph in introduction.split("\n\n")),
        guards_docs.row("Rule", *judges),
        guards_docs.row(*["---"] * (len(judges) + 1)),
        *(guards_docs.row(guards_docs.link(row.rule), *map(row.cell, judges)) for row in rows),
        guards_docs.row("**Rules, every spelling**", *(f"**{everywhere[name]} of {len(rows)}**" for name in judges)),
        guards_docs.row("**Rules, at least one**", *(f"**{anywhere[name]} of {len(rows)}**" for name in judges)),
        guards_docs.row("**Broken fixtures**", *(f"**{total[name]} of {fixtures}**" for name in judges)),
    ]
    return "\n".join(lines)


def versions() -> dict[str, str]:
    """Returns the version of each judge but the guards."""
    locked = dict(
        line.split(" ")[0].split("==") for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if "==" in line
    )
    return {
        "cfn-lint": version("cfn-lint"),
        "CloudFormation Validate": version("cloudformation-validate"),
        "checkov": locked["checkov"],
        "cdk-nag": version("cdk-nag"),
    }


def judge(cases: Sequence[Case], programs: Path) -> dict[str, Verdicts]:
    """Asks every judge, one after the other, with progress."""
    verdicts: dict[str, Verdicts] = {}
    for name, ask in JUDGES.items():
        print(f"compare: {name}, {len(cases)} fixtures", flush=True)
        started = time.monotonic()
        verdicts[name] = ask(cases, programs)
        print(f"    {time.monotonic() - started:4.0f} s", flush=True)
    return verdicts


def main() -> int:
    """Compares, prints the table and writes it into the page.

    Returns:
        The exit code: 0 when the guards catch every broken fixture, 1 otherwise or when a judge does not run.
    """
    rules = [rule for rule in all_rules() if (guards_docs.FIXTURES / rule).is_dir()]
    cases = all_cases(guards_docs.FIXTURES, rules)
    try:
        rows = compare(cases, judge(cases, scanners_environment()))
    except (InstallError, ScanError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    table = markdown(rows, versions())
    guards_docs.write(table)
    print(table, f"-> {os.path.relpath(guards_docs.PAGE)}", sep="\n\n")
    return 0 if all(row.count(GUARDS) == row.size for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
