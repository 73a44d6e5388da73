"""Compare what the guards find in their fixtures with what four other scanners find, and write comparison.md.

python packages/guards/bench/compare.py     # needs checkov on PATH; cfn-lint, cdk-nag … in this environment
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill

from breakwater_guards.engine import all_rules
from breakwater_guards.formats import markdown
from scanners import SCANNERS, Findings, Fixture, Found, versions

HERE = Path(__file__).parent
PAGE = HERE / "comparison.md"
FIXTURES = HERE.parent / "tests" / "fixtures"
GUARDS = "guards"
# What these say is how a value is written, which is what the spellings of a fixture vary on purpose.
STYLE = {
    "W1020": "Fn::Sub without a variable",
    "W3002": "a path of a local file",
    "W9002": "an ARN written out",
    "W9003": "a number or boolean written as text",
}
SHOWN = 3
INTRODUCTION = """# The guards beside other scanners

<!-- Written by bench/compare.py: do not edit. -->

Compared on {day}: the guards with {tools}. Each runs the rules that are on by default, warnings included, cdk-nag its
AwsSolutions pack. These tools do much that the guards do not: the question here is these {rules} defects only.

Each rule has several broken fixtures, spellings of one defect. A cell says how many of them the tool catches, and by
which rules of its own. Two things count: what it says of `bad.yaml` and not of `good.yaml`, wherever it says so again;
and what it says of the resource that the guard names and of no sound resource of that type. What it says of how a
value is written does not count ({style}). *Not applicable*: it cannot read the template.

Together the other {others} tools catch {together} of the {rules} defects in at least one spelling.
"""


class Scanner:
    """What one scanner finds in all fixtures, and which of it tells broken fixtures from sound ones.

    A scanner finds many things in a small template, sound or not. Two of them count:

    - what it finds in the rule's plainest broken fixture and not in the plainest sound one, which differ in the defect
      and in nothing else, and wherever it finds that again;
    - what it finds in the resource that the guard names, unless it finds the same in that type of resource in a sound
      fixture of any rule, or in any type where no sound fixture has this one. Here doubt favors the other scanner: two
      fixtures may differ in more than the defect.

    Args:
        found: What the scanner finds in each fixture.
        guards: What the guards find.
    """

    def __init__(self, found: Findings, guards: Findings) -> None:
        self._guards = guards
        self._found = {
            fixture: None if pairs is None else frozenset(pair for pair in pairs if pair[0] not in STYLE)
            for fixture, pairs in found.items()
        }
        sound = [fixture for fixture in found if not fixture.broken]
        self._noise = {
            (rule, fixture.types.get(resource, ""))
            for fixture in sound
            for rule, resource in self._found[fixture] or ()
        }
        self._sound_types = {kind for fixture in sound for kind in fixture.types.values()}

    def caught(self, fixture: Fixture) -> frozenset[Found] | None:
        """Return what the scanner finds in a broken fixture because of its defect; ``None`` when it cannot read it."""
        found = self._found[fixture]
        if found is None:
            return None
        rules, noise = self._contrast(fixture.rule)
        named = {resource for _, resource in self._guards[fixture] or ()} & set(fixture.types)
        return frozenset(
            (rule, resource)
            for rule, resource in found
            if (rule in rules and (rule, resource) not in noise)
            or (resource in named and not self._is_noise(rule, fixture.types[resource]))
        )

    def _is_noise(self, rule: str, kind: str) -> bool:
        if kind in self._sound_types:
            return (rule, kind) in self._noise
        return rule in {noisy for noisy, _ in self._noise}

    def _contrast(self, rule: str) -> tuple[set[str], frozenset[Found]]:
        """Return the rules that find more in ``bad.yaml`` than in ``good.yaml``, and what is found in both."""
        plain = {fixture.path.stem: found for fixture, found in self._found.items() if fixture.rule == rule}
        broken, sound = plain.get("bad"), plain.get("good")
        if broken is None or sound is None:
            return set(), frozenset()
        return {own for own, _ in broken - sound}, broken & sound


@dataclass(frozen=True)
class Row:
    """One rule: what each scanner finds because of the defect, by broken fixture; ``None`` for one it cannot read."""

    rule: str
    caught: Mapping[str, Sequence[frozenset[Found] | None]]

    @property
    def size(self) -> int:
        """Number of broken fixtures."""
        return len(self.caught[GUARDS])

    def count(self, scanner: str) -> int:
        """Return how many broken fixtures a scanner catches."""
        return sum(map(bool, self.caught[scanner]))

    def cell(self, scanner: str) -> str:
        """Return what the table says of a scanner: how many fixtures, and by which rules of its own."""
        found = self.caught[scanner]
        if all(pairs is None for pairs in found):
            return "not applicable"
        if not self.count(scanner):
            return "-"
        own = sorted({rule for pairs in found for rule, _ in pairs or ()} - {self.rule})
        more = f" and {len(own) - SHOWN} more" if len(own) > SHOWN else ""
        return f"{self.count(scanner)}/{self.size} {', '.join(own[:SHOWN])}{more}".strip()


def all_fixtures() -> list[Fixture]:
    """Return every fixture of every rule, by rule."""
    return [Fixture(rule, path) for rule in all_rules() for path in sorted((FIXTURES / rule).glob("*"))]


def compare(found: Mapping[str, Findings]) -> list[Row]:
    """Work out what each scanner caught: one row for each rule."""
    scanners = {name: Scanner(findings, found[GUARDS]) for name, findings in found.items()}
    broken = [fixture for fixture in found[GUARDS] if fixture.broken]
    return [
        Row(rule, {name: [one.caught(item) for item in broken if item.rule == rule] for name, one in scanners.items()})
        for rule in dict.fromkeys(fixture.rule for fixture in broken)
    ]


def page(rows: Sequence[Row], tools: Mapping[str, str]) -> str:
    """Return the comparison as Markdown.

    Args:
        rows: One for each rule.
        tools: Version of each scanner but the guards.
    """
    names = list(rows[0].caught)
    fixtures = sum(row.size for row in rows)
    introduction = INTRODUCTION.format(
        day=datetime.now(UTC).date().isoformat(),
        tools=", ".join(f"{name} {version}" for name, version in tools.items()),
        rules=len(rows),
        style=", ".join(f"{rule}: {meaning}" for rule, meaning in STYLE.items()),
        others=len(tools),
        together=sum(any(row.count(name) for name in tools) for row in rows),
    )
    every = {name: sum(row.count(name) == row.size for row in rows) for name in names}
    one = {name: sum(bool(row.count(name)) for row in rows) for name in names}
    single = {name: sum(row.count(name) for row in rows) for name in names}
    totals = (
        ("Rules, every spelling", every, len(rows)),
        ("Rules, at least one", one, len(rows)),
        ("Broken fixtures", single, fixtures),
    )
    lines = [
        *(f"{fill(paragraph, 120)}\n" for paragraph in introduction.strip().split("\n\n")),
        markdown.row("Rule", *names),
        markdown.row(*["---"] * (len(names) + 1)),
        *(markdown.row(row.rule, *map(row.cell, names)) for row in rows),
        *(
            markdown.row(f"**{title}**", *(f"**{count[name]} of {all_}**" for name in names))
            for title, count, all_ in totals
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Compare, and write the page.

    Returns:
        0 when the guards catch every broken fixture, else 1.
    """
    fixtures = all_fixtures()
    found: dict[str, Findings] = {}
    for name, scan in SCANNERS.items():
        started = time.monotonic()
        found[name] = scan(fixtures)
        print(f"compare: {name}, {len(fixtures)} fixtures, {time.monotonic() - started:.0f} s", flush=True)
    rows = compare(found)
    PAGE.write_text(page(rows, versions()), encoding="utf-8")
    print(f"compare: {len(rows)} rules -> {PAGE}")
    return 0 if all(row.count(GUARDS) == row.size for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
