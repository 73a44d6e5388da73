"""The page says how many recorded refusals the embedded AWS refuses as AWS does, and names the others."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_has_the_figure_and_every_gap() -> None:
    rows = tomllib.loads((ROOT / "packages/embedded_aws/tests/refusals.toml").read_text(encoding="utf-8"))["refusal"]
    page = (ROOT / "docs/local.md").read_text(encoding="utf-8")
    gaps = [row["id"] for row in rows if "gap" in row]
    assert f"**{len(rows) - len(gaps)} of {len(rows)} are refused as AWS does.**" in page
    section = page.partition("## What it refuses")[2].partition("\n## ")[0]
    assert [line.split("`")[1] for line in section.splitlines() if line.startswith("- `")] == gaps
