"""Print what a deployment costs a month, by stack and at several loads, and how long its first deployment takes.

List prices without free tiers, from `ops/estimate/data.toml`; docs/costs.md tells what is assumed. Asks no account.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from breakwater_guards.reading.files import InputError
from ops.arguments import Commands, add_assembly, add_context
from ops.console import new_table, print_table
from ops.errors import OpsError
from ops.estimate.bill import Bill, make_bill
from ops.estimate.data import Data, load_data
from ops.estimate.path import NESTED, Step, critical_path, length
from ops.local.workspace import Workspace
from ops.preflight.context import plan_of
from ops.settings import parse_context
from stacks.settings import Settings, SettingsError, load_settings

AURORA = "AWS::RDS::"


def add_to(commands: Commands) -> None:
    """Add `estimate` to the commands of `python -m ops`."""
    parser = commands.add_parser(
        "estimate", help="what a deployment costs a month, and how long it takes", description=__doc__
    )
    add_context(parser)
    add_assembly(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it to this file as well")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, _workspace: Workspace, console: Console) -> int:
    data = load_data()
    try:
        settings = load_settings(parse_context(options.context))
        with plan_of(options.assembly, settings) as plan:
            bill, path = make_bill(plan, data), critical_path(plan, data)
    except (InputError, SettingsError) as error:
        raise OpsError(str(error)) from None
    if options.json is not None:
        text = json.dumps(as_json(bill, path, settings, data), indent=2) + "\n"
        try:
            options.json.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OpsError(f"--json {options.json}: {error.strerror}") from None
    _print(console, bill, path, settings, data)
    return 0


def heads(bill: Bill) -> list[str]:
    """Return the head of each column of dollars."""
    return [f"{rate:g}/s" if rate else "fixed" for rate in bill.rates]


def notes(bill: Bill, settings: Settings, data: Data) -> list[str]:
    """Return what a reader of the bill has to know."""
    found = [f"US dollars a month of {data.hours:g} hours, list prices of {data.region} on {data.date}."]
    if settings.region != data.region:
        found.append(f"{settings.region} has other prices, often higher ones; those of {data.region} are shown.")
    for rate, limits in bill.limits.items():
        if limits:
            found.append(f"{rate:g}/s asks for more than {' and '.join(limits)}: the price is that of the limit.")
    if bill.unknown:
        named = ", ".join(f"{kind} ({count})" for kind, count in sorted(bill.unknown.items()))
        found.append(f"Without a price, and in no sum: {named}. Add them to ops/estimate.")
    return found


def aurora_share(path: list[Step]) -> float:
    """Return which part of the path Aurora takes, from 0 to 1."""
    return length([step for step in path if step.kind.startswith(AURORA)]) / length(path) if path else 0.0


def long_steps(path: list[Step], data: Data) -> list[Step]:
    """Return the steps that take longer than what nobody measured, without the nested stacks around them."""
    least = data.durations["default"].seconds
    return [step for step in path if step.seconds > least and step.kind != NESTED]


def as_json(bill: Bill, path: list[Step], settings: Settings, data: Data) -> dict[str, Any]:
    """Return everything that is printed, and the sums by price, for programs."""
    return {
        "environment": settings.environment,
        "region": settings.region,
        "prices_of": {"region": data.region, "date": data.date},
        "transfers_per_second": list(bill.rates),
        "stacks": bill.stacks,
        "prices": bill.prices,
        "total": bill.total,
        "unknown": bill.unknown,
        "notes": notes(bill, settings, data),
        "critical_path": {
            "seconds": length(path),
            "aurora_share": aurora_share(path),
            "steps": [dataclasses.asdict(step) for step in path],
        },
    }


def _print(console: Console, bill: Bill, path: list[Step], settings: Settings, data: Data) -> None:
    table = new_table(
        f"{settings.environment}, {settings.network.egress}", "Stack", *heads(bill), right=(*heads(bill),)
    )
    for stack, dollars in bill.stacks.items():
        table.add_row(stack, *(f"{each:,.2f}" for each in dollars))
    table.add_row("Total", *(f"{each:,.2f}" for each in bill.total))
    print_table(console, table)
    for note in notes(bill, settings, data):
        console.print(note, highlight=False, markup=False)
    steps = new_table("Critical path of the first deployment", "Stack", "Type", "Minutes", right=("Minutes",))
    for step in long_steps(path, data):
        steps.add_row(step.stack, step.kind, f"{step.seconds / 60:.1f}")
    steps.add_row("Total", "with short steps", f"{length(path) / 60:.0f}")
    print_table(console, steps)
    console.print(f"Aurora takes {aurora_share(path):.0%} of it.", highlight=False)
