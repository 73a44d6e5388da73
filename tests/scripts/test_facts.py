"""The page that shows how true the emulator's answers are, and the operations that are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import facts


def test_the_committed_page_shows_the_facts() -> None:
    page = facts.PAGE.read_text(encoding="utf-8")
    assert page == facts.current(page), "run `make facts-docs`"


def test_the_commands_of_the_documentation_are_operations() -> None:
    assert {"rds FailoverDBCluster", "rds DescribeDBClusters", "logs FilterLogEvents"} <= set(
        facts.runbook_operations()
    )


def test_records_replace_the_called_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, page, record = tmp_path / "operations.toml", tmp_path / "local.md", tmp_path / "record"
    table.write_text('called = ["old One"]\n[without_fact]\n"s3 GetObject" = "Kept."\n')
    page.write_text(f"before {facts.BEGIN} old {facts.END} after")
    record.write_text("sts GetCallerIdentity\nsts GetCallerIdentity\n")
    monkeypatch.setattr(facts, "OPERATIONS", table)
    monkeypatch.setattr(facts, "PAGE", page)
    assert facts.main([str(record)]) == 0
    written = facts.read(table)
    assert written["called"] == sorted({"sts GetCallerIdentity", *facts.runbook_operations()})
    assert written["without_fact"] == {"s3 GetObject": "Kept."}
    assert page.read_text().startswith("before <!--")
    assert page.read_text().endswith("--> after")
    assert "old" not in page.read_text().split()


def test_a_command_that_is_none_is_named() -> None:
    with pytest.raises(LookupError, match="`aws rds fail-over`, which is no operation of rds"):
        facts._operation("rds", "fail-over", waits=False)
