"""Write what the table of recorded facts shows into docs/local.md; from records of a run, also what it called.

`EMBEDDED_AWS_OPERATIONS=FILE make local` (and any other command that starts an embedded AWS) adds every operation that
is called to FILE. `make facts-docs ARGS=FILE` takes them over, with those of the runbook's commands.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from embedded_testing.facts import TABLES

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "local.md"
OPERATIONS = TABLES / "operations.toml"
BEGIN, END = "<!-- Written by `make facts-docs`: do not edit. -->", "<!-- End of what `make facts-docs` writes. -->"
_COMMAND = re.compile(r"\baws ([a-z0-9-]+) (wait )?([a-z0-9-]+)")
_MODELS = Loader()  # remembers what it has read
# Commands of the AWS CLI that are not one operation, and services that it names in its own way.
_CUSTOM = {"logs tail": "logs FilterLogEvents", "cloudformation deploy": "cloudformation CreateChangeSet"}
_SERVICES = {"s3api": "s3"}


def section() -> str:
    """Return the generated part of the page as Markdown."""
    rows = [row for file in sorted(TABLES.glob("*.toml")) for row in read(file).get("fact", ())]
    known, hold = Counter(row["about"] for row in rows), Counter(row["about"] for row in rows if "differs" not in row)
    operations = read(OPERATIONS)
    covered = set(operations["called"]) & {row["call"] for row in rows}
    lines = [
        BEGIN,
        "",
        (
            f"{hold.total()} of {known.total()} facts hold. The platform, the CDK CLI, the drills and the runbook call "
            f"{len(operations['called'])} operations: {len(covered)} have a fact, "
            f"{len(operations['without_fact'])} are listed with the reason why they have none."
        ),
        "",
        "| About | Facts that hold | Known |",
        "|---|---|---|",
        *(f"| `{about}` | {hold[about]} | {known[about]} |" for about in sorted(known)),
        "",
        "What differs:",
        "",
        *(f"- `{row['call'].replace(' ', ':')}` ({row['id']}): {row['differs']}" for row in rows if "differs" in row),
        "",
        END,
    ]
    return "\n".join(lines)


def read(file: Path) -> dict[str, Any]:
    """Return the content of a table."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def runbook_operations() -> Iterator[str]:
    """Return the operations of the AWS CLI commands in README and docs.

    Raises:
        LookupError: a command is none of the AWS CLI.
    """
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    commands = {found.groups() for page in pages for found in _COMMAND.finditer(page.read_text(encoding="utf-8"))}
    for service, wait, command in sorted(commands, key=str):
        yield _CUSTOM.get(f"{service} {command}") or _operation(service, command, waits=bool(wait))


def _operation(service: str, command: str, *, waits: bool) -> str:
    service = _SERVICES.get(service, service)
    if waits:
        waiters = _MODELS.load_service_model(service, "waiters-2")["waiters"]
        named = {name.lower(): waiter["operation"] for name, waiter in waiters.items()}
    else:
        named = {name.lower(): name for name in _MODELS.load_service_model(service, "service-2")["operations"]}
    plain = command.replace("-", "")
    if plain not in named:
        raise LookupError(f"docs name `aws {service} {command}`, which is no operation of {service}")
    return f"{service} {named[plain]}"


def write_operations(records: Sequence[Path]) -> None:
    """Replace the called operations by those of the records and of the runbook."""
    recorded = {line for record in records for line in record.read_text(encoding="utf-8").splitlines() if line}
    called = "".join(f'    "{each}",\n' for each in sorted(recorded | set(runbook_operations())))
    text = OPERATIONS.read_text(encoding="utf-8")
    OPERATIONS.write_text(re.sub(r"called = \[.*?\]", f"called = [\n{called}]", text, flags=re.DOTALL), "utf-8")


def current(page: str) -> str:
    """Return the page with its generated part as it should be."""
    return page[: page.index(BEGIN)] + section() + page[page.index(END) + len(END) :]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the operations, if there are records, and the page.

    Returns:
        The exit code, always 0.
    """
    parser = argparse.ArgumentParser(prog="make facts-docs", description=__doc__)
    parser.add_argument("records", nargs="*", type=Path, help="files that EMBEDDED_AWS_OPERATIONS named")
    records = parser.parse_args(arguments).records
    if records:
        write_operations(records)
    PAGE.write_text(current(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"facts: docs/{PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
