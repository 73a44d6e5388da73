"""Write docs/costs.md and its picture: what each environment and each way out of the VPC costs, and how long it takes.

All of it comes from synthesized templates and from `ops/estimate/data.toml`. A test keeps both files fresh.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from breakwater_guards.formats import markdown
from ops.estimate.bill import Bill, make_bill
from ops.estimate.cli import aurora_share, heads, long_steps, notes
from ops.estimate.data import Data, load_data
from ops.estimate.path import Step, critical_path, length
from ops.preflight.context import plan_of
from stacks.profiles import PROFILES
from stacks.settings import Settings, load_settings

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
PAGE, PICTURE = DOCS / "costs.md", DOCS / "costs.svg"
CASES: Final[Mapping[str, Mapping[str, str]]] = {
    "dev": PROFILES["dev"],
    "staging": PROFILES["staging"],
    "prod": PROFILES["prod"],
    "prod, `nat` per zone": {**PROFILES["prod"], "network.egress": "nat"},
    "prod, one `nat`": {**PROFILES["prod"], "network.egress": "nat", "network.nat_gateways": "one"},
    "prod, `public-ip`": {**PROFILES["prod"], "network.egress": "public-ip"},
}
SHOWN = "prod"
COLORS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#f0e442")
NUMBER = re.compile(r"[\d.,]+")
WIDTH, LEFT, ROW = 760, 150, 34

INTRODUCTION = """# What it costs and how long it takes

<!-- Written by `python -m scripts.costs_page` from the templates and ops/estimate/data.toml: do not edit. -->

```sh
python -m ops estimate "${settings[@]}"         # those of the deployment, as in the README
python -m ops estimate --assembly cdk.out --json bill.json
```

It asks no account: it multiplies what the templates create by list prices, which are data with a date and a source.
Nobody has compared it with a bill of AWS. Free tiers, discounts, taxes and support are not counted, nor are requests to
KMS, images in ECR, alarms that AWS makes for scaling, and what another account keeps of the backups. The fixed part is
what runs without any transfer; the other columns, of 1, 50 and 500 transfers a second, contain it. All are a month's
price once the longest retention of logs and backups has passed: the first months cost less.
"""


CHOICE = """Which `network.egress`: tasks need routes to AWS services for images, logs, secrets and keys. Amazon S3 and
DynamoDB are reached through gateway endpoints, which are free, in every mode.

- `public-ip`, where cost matters most: each task has a public address, and only the load balancer may connect to it.
- `nat`, where tasks call the internet; with `network.nat_gateways=one` they may lose it with a zone.
- `endpoints`, where tasks reach AWS services only; `compute.exec_enabled` adds an endpoint.
"""


@dataclass(frozen=True)
class Estimate:
    """What the page shows of one case."""

    settings: Settings
    bill: Bill
    path: list[Step]


def estimate(context: Mapping[str, str], folder: Path | None = None) -> Estimate:
    """Return the estimate of one case, from a folder with its templates or by synthesizing them."""
    data, settings = load_data(), load_settings(context)
    with plan_of(folder, settings) as plan:
        return Estimate(settings, make_bill(plan, data), critical_path(plan, data))


def page(estimates: Mapping[str, Estimate]) -> str:
    """Return the whole page as Markdown.

    Args:
        estimates: of each of `CASES`.
    """
    data, shown = load_data(), estimates[SHOWN]
    columns = heads(shown.bill)
    parts = [INTRODUCTION, f"{notes(shown.bill, shown.settings, data)[0]}\n", "## By environment and way out\n"]
    parts += _table(
        ["Deployment", *columns],
        ([f"{name} (`{each.settings.network.egress}`)" if "," not in name else name, *_dollars(each.bill.total)]
         for name, each in estimates.items()),
    )  # fmt: skip
    parts += [
        f"- {name}: {note}" for name, each in estimates.items() for note in notes(each.bill, each.settings, data)[1:]
    ]
    parts += ["", CHOICE]
    parts += [f"\n![The fixed price of each deployment by stack]({PICTURE.name})\n", "## prod by stack\n"]
    parts += _table(["Stack", *columns], ([name, *_dollars(row)] for name, row in shown.bill.stacks.items()))
    parts += ["## prod by price\n", "The ten largest at the highest load, and what they are paid for.\n"]
    largest = sorted(shown.bill.prices, key=lambda key: -shown.bill.prices[key][-1])[:10]
    parts += _table(["Unit", *columns], ([data.prices[key].unit, *_dollars(shown.bill.prices[key])] for key in largest))
    parts += _duration(shown, data)
    parts += _data(data)
    return "\n".join(parts)


def _duration(shown: Estimate, data: Data) -> Iterator[str]:
    yield "## How long the first deployment takes\n"
    yield "The longest chain of resources of prod that wait for one another: by references, by `DependsOn`, and because"
    yield "a nested stack begins when all that its parameters name is there.\n"
    yield from _table(
        ["Stack", "Type", "Minutes"],
        ([step.stack, f"`{step.kind}`", f"{step.seconds / 60:.1f}"] for step in long_steps(shown.path, data)),
    )
    rest = length(shown.path) - length(long_steps(shown.path, data))
    share = aurora_share(shown.path)
    total = length(shown.path) / 60
    yield f"With {rest / 60:.1f} minutes for short steps and nested stacks that is {total:.0f} minutes, of which Aurora"
    yield f"takes {share:.0%}. Most of the rest is the load balancer and the service: their stack waits for the whole"
    yield "database.\n"


def _data(data: Data) -> Iterator[str]:
    yield "## What is assumed\n"
    assumed = ([f"{each.value:,g} {each.unit}", each.what] for each in data.assumptions.values())
    yield from _table(["How much", "Of what"], assumed)
    yield "## Prices\n"
    yield f"Of {data.region} on {data.date}. *Found in*: a page that tells the price; without one it is known from"
    yield "AWS's public price list, and nobody has compared it with the page since.\n"
    yield from _table(
        ["US dollars", "For one", "Page", "Found in"],
        (
            [
                f"{each.usd:.10f}".rstrip("0").rstrip("."),
                each.unit,
                f"<{each.page}>",
                f"<{each.read}>" if each.read else "-",
            ]
            for each in data.prices.values()
        ),
    )
    yield "## Without a charge of its own\n"
    yield from _table(["Type", "Why"], ([f"`{kind}`", why] for kind, why in data.free.items()))
    yield "## Durations\n"
    yield "Where no page tells one, it is what people report, and not documented.\n"
    yield from _table(
        ["Type", "Seconds", "Found in"],
        (
            [f"`{kind}`", f"{each.seconds:g}", f"<{each.read}>" if each.read else "-"]
            for kind, each in data.durations.items()
        ),
    )


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = [*columns]
    yield markdown.row(*head)
    kept = [[*cells] for cells in rows]
    numbers = [all(NUMBER.fullmatch(cell) for cell in column) for column in zip(*kept, strict=True)]
    yield markdown.row(*("---:" if each else "---" for each in numbers))
    yield from (markdown.row(*cells) for cells in kept)
    yield ""


def _dollars(values: Iterable[float]) -> list[str]:
    return [f"{value:,.0f}" for value in values]


def picture(estimates: Mapping[str, Estimate]) -> str:
    """Return the fixed price of each case as bars, a color for each stack, as SVG."""
    names = [name for name in estimates[SHOWN].bill.stacks if name != "Root"]
    most = max(each.bill.total[0] for each in estimates.values())
    scale = (WIDTH - LEFT - 70) / most
    parts = []
    for place, (name, each) in enumerate(estimates.items()):
        x, y = float(LEFT), 40 + place * ROW
        parts.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end">{name.replace("`", "")}</text>')
        for color, stack in zip(COLORS, names, strict=True):
            width = each.bill.stacks[stack][0] * scale
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="22" fill="{color}"/>')
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 16}">${each.bill.total[0]:,.0f}</text>')
    for place, (color, stack) in enumerate(zip(COLORS, names, strict=True)):
        x = 8 + place * 93
        parts.append(
            f'<rect x="{x}" y="8" width="12" height="12" fill="{color}"/><text x="{x + 16}" y="19">{stack}</text>'
        )
    height = 50 + len(estimates) * ROW
    style = "text{font:13px sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"><style>{style}</style>'
    return "\n".join([head, *parts, "</svg>", ""])


def main() -> int:
    """Write both files.

    Returns:
        The exit code, always 0.
    """
    estimates = {name: estimate(context) for name, context in CASES.items()}
    PAGE.write_text(page(estimates), encoding="utf-8")
    PICTURE.write_text(picture(estimates), encoding="utf-8")
    print(f"costs: {len(estimates)} deployments -> {PAGE.name}, {PICTURE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
