"""Writes docs/guards.md: every rule with the error it prevents, a broken and a sound snippet, the fix and the sources.

All of it comes from the rules and from their fixtures. The table that compares the guards with other tools is kept as
`make compare` wrote it. A test keeps the page fresh.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from breakwater_guards.acknowledge import METADATA, MIN_REASON
from breakwater_guards.engine import all_rules
from breakwater_guards.facts import dated
from breakwater_guards.facts.freshness import MAX_AGE_DAYS
from breakwater_guards.reading.assemblies import QUALIFIER
from breakwater_guards.rule import Profile, Rule

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "guards.md"
FIXTURES = ROOT / "tests" / "guards" / "fixtures"
BEGIN, END = "<!-- compare: begin -->", "<!-- compare: end -->"
NOT_COMPARED = "Not compared yet: run `make compare`."
LANGUAGES = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
INTRODUCTION = f"""# Guards

<!-- Written by `python -m scripts.guards_docs` from guards/ and its fixtures: do not edit. -->

The guards read CloudFormation before anything is deployed: one template, a folder, or a `cdk.out` with every nested
stack, resolved together. Each rule stands for a failure that AWS would report minutes or hours into a deployment, or
never. A value that only the deployment decides never makes a rule fail.

## How to run them

| Where | How |
| --- | --- |
| CDK app | `GuardsPlugin` of `guards/plugin.py`, registered in `app.py`: a finding fails `cdk synth` and `cdk deploy` |
| Command line | `breakwater-guards check PATH`: exits 0 clean, 1 findings, 2 not judged; needs neither CDK nor Node |
| pytest | `guards.check(path).findings` is empty |

`python -m breakwater_guards list` prints the rules, `python -m breakwater_guards explain DR-…` one of them in full.

To accept a finding, say why, in {MIN_REASON} characters or more: in the `Metadata` of the resource, or of the template
for everything in it,

```yaml
Metadata:
  {METADATA}:
    DR-AURORA-01: the long-term support release stays until 2030
```

or in a CDK app for a construct and everything below it:

```python
Validations.of(construct).acknowledge(Acknowledgment(id="{QUALIFIER}DR-AURORA-01", reason="…"))
```
"""
PROFILES = f"""
Rules for one kind of platform say so: they run with that `--profile` ({", ".join(f"`{item}`" for item in Profile)}).
Facts that change, such as support dates, are dated; a run says when they are older than {MAX_AGE_DAYS} days.
"""


def page(comparison: str) -> str:
    """Returns the whole page as Markdown.

    Args:
        comparison: What stands between the markers.
    """
    rules = list(all_rules().values())
    parts = [INTRODUCTION, "## Compared with other tools\n", BEGIN, comparison, f"{END}\n", "## All rules"]
    counts = Counter(rule.severity.value for rule in rules)
    parts.append(f"\n{len(rules)} rules: {', '.join(f'{count} {name}s' for name, count in sorted(counts.items()))}.")
    parts += [PROFILES, row("Rule", "What must hold", "Severity"), row(*["---"] * 3)]
    parts += [row(link(rule.id), prose(rule.title), rule.severity.value) for rule in rules]
    for rule in rules:
        parts += section(rule)
    return "\n".join(parts) + "\n"


def section(rule: Rule) -> Iterator[str]:
    """Yields the lines of one rule."""
    # The id alone: links to a rule outlive its title.
    yield f"\n## {rule.id}\n"
    yield f"{prose(rule.title)}.\n"
    facts = [rule.severity.value.capitalize()]
    if rule.profiles != frozenset(Profile):
        facts.append(f"only with `--profile {' or '.join(sorted(rule.profiles))}`")
    if rule.data:
        facts.append(f"facts of {dated(rule.data).isoformat()} (`guards/data/{rule.data}.json`)")
    yield f"{'; '.join(facts)}.\n"
    yield f"**Prevents:** {prose(rule.prevents)}\n"
    yield f"**Fix:** {prose(rule.fix)}\n"
    for word, label in (("bad", "Broken"), ("good", "Sound")):
        yield from snippet(rule.id, word, label)
    yield "Sources:\n"
    yield from (f"- <{url}>" for url in rule.sources)


def snippet(rule_id: str, word: str, label: str) -> Iterator[str]:
    """Yields the plainest fixture of a rule that is broken (``bad``) or sound (``good``); a folder file by file."""
    found = (FIXTURES / rule_id).glob(f"{word}*")
    for path in sorted(found, key=lambda path: (path.stem != word, path.is_dir(), path.name))[:1]:
        files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
        for file in files:
            name = f" (`{file.relative_to(path)}`)" if path.is_dir() else ""
            text = file.read_text(encoding="utf-8").rstrip()
            yield f"{label}{name}:\n\n```{LANGUAGES.get(file.suffix, '')}\n{text}\n```\n"


def link(rule_id: str) -> str:
    """Returns a link to a rule's section of the page."""
    return f"[{rule_id}](#{rule_id.lower()})"


def prose(text: str) -> str:
    """Escapes what Markdown would take for markup; backticks stay what they mean."""
    pieces = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(piece if piece.startswith("`") else re.sub(r"([<*_\[\]])", r"\\\1", piece) for piece in pieces)


def row(*cells: str) -> str:
    """Returns one row of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def kept_comparison(text: str) -> str:
    """Returns what stands between the markers of a page; a placeholder where there is none yet."""
    found = re.search(f"{BEGIN}\n(.*?)\n{END}", text, re.DOTALL)
    return found[1] if found else NOT_COMPARED


def write(comparison: str | None = None) -> None:
    """Writes the page.

    Args:
        comparison: The new table; the present one is kept when not given.
    """
    if comparison is None:
        comparison = kept_comparison(PAGE.read_text(encoding="utf-8") if PAGE.exists() else "")
    PAGE.write_text(page(comparison), encoding="utf-8")


def compared_rules(comparison: str) -> Iterable[str]:
    """Returns the ids of the rules in a comparison table, in order."""
    return re.findall(r"^\| \[?(DR-[A-Z0-9]+-\d{2})\b", comparison, re.MULTILINE)


def main() -> int:
    """Writes the page.

    Returns:
        The exit code, always 0.
    """
    write()
    print(f"guards-docs: {len(all_rules())} rules -> {PAGE.parent.name}/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
