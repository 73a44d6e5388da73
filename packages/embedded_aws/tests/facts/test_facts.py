"""The embedded AWS answers as AWS was recorded to answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from embedded_testing import facts_page
from embedded_testing.facts import Fact, called_operations, facts, read
from embedded_testing.fixtures import FACT_HOLDS
from embedded_testing.models import contradictions
from embedded_testing.replay import Replay

_PAGES = ("https://docs.aws.amazon.com/", "https://github.com/")


@pytest.mark.emulator
@pytest.mark.xdist_group("facts")
@pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact.id)
def test_a_recorded_answer(replay: Replay, fact: Fact, record_property: Callable[[str, object], None]) -> None:
    found = replay.differences(fact)
    record_property(FACT_HOLDS, not found)
    if fact.differs:
        assert found, f"{fact.id} holds now: remove its `differs`, and raise `hold` in sources.toml"
    else:
        assert found == []


def test_the_number_of_facts_that_hold_only_rises() -> None:
    hold = sum(not fact.differs for fact in facts())
    assert hold == read("sources")["hold"], "raise `hold` in sources.toml; a lower number needs a reason in its review"
    assert hold >= 0.95 * len(facts())


def test_every_fact_has_a_name_of_its_own_and_a_source_that_can_be_looked_up() -> None:
    repositories = read("sources")["repository"]
    assert [name for name, times in Counter(fact.id for fact in facts()).items() if times > 1] == []
    for fact in facts():
        origin, _, path = fact.source.partition(":")
        assert path, fact.id
        assert origin in repositories or fact.source.startswith(_PAGES), fact.id
    for repository in repositories.values():
        assert re.fullmatch(r"[0-9a-f]{40}", repository["commit"])
        assert repository["license"]


@pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact.id)
def test_a_fact_is_about_what_the_model_of_its_operation_has(fact: Fact) -> None:
    assert list(contradictions(fact)) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"code": "ValidationException"}, "ValidationException is no error of the operation, and no common error of"),
        ({"status": 400}, "DBClusterNotFoundFault has status 404"),
        ({"source": f"{_PAGES[0]}AmazonRDS/latest/APIReference/API_DeleteDBCluster.html"}, "about DeleteDBCluster"),
        ({"with_": {"Name": "a"}}, "Name is no parameter"),
        ({"code": "", "answer": {"DBClusters/0/State": "a"}}, "DBCluster has no State"),
        ({"code": "", "answer": {"DBClusters/0/Status/Now": "a"}}, "there is nothing in Now"),
    ],
)
def test_what_the_model_does_not_have_is_found(changed: dict[str, Any], said: str) -> None:
    sound = Fact(
        id="a", about="rds", source="localstack:a", recorded=date(2026, 1, 1), call="rds DescribeDBClusters",
        status=404, code="DBClusterNotFoundFault",
    )  # fmt: skip
    assert list(contradictions(sound)) == []
    assert said in "; ".join(contradictions(replace(sound, **changed)))


def test_every_fact_says_what_is_expected() -> None:
    for fact in facts():
        assert fact.answer or fact.code, fact.id
        assert bool(fact.code) == (fact.status >= 400), fact.id
        assert not (fact.message and not fact.code), fact.id
        assert not fact.differs or fact.differs.endswith("."), fact.id


def test_every_called_operation_has_a_fact_or_is_listed_with_a_reason() -> None:
    listed = read("operations")["without_fact"]
    covered = {fact.call for fact in facts()}
    assert sorted(called_operations() - covered - listed.keys()) == []
    assert sorted(listed.keys() & covered) == []
    assert sorted(listed.keys() - called_operations()) == []
    assert all(reason.endswith(".") for reason in listed.values())


def test_the_committed_page_shows_the_facts() -> None:
    page = facts_page.PAGE.read_text(encoding="utf-8")
    assert page == facts_page.current(page), "run `make facts-docs`"


def test_the_commands_of_the_documentation_are_operations() -> None:
    assert facts_page._operation("s3api", "list-object-versions", waits=False) == "s3 ListObjectVersions"
    assert {"rds FailoverDBCluster", "rds DescribeDBClusters", "logs FilterLogEvents"} <= set(
        facts_page.runbook_operations()
    )


def test_records_replace_the_called_operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, page, record = tmp_path / "operations.toml", tmp_path / "local.md", tmp_path / "record"
    table.write_text('called = ["old One"]\n[without_fact]\n"s3 GetObject" = "Kept."\n')
    page.write_text(f"before {facts_page.BEGIN} old {facts_page.END} after")
    record.write_text("sts GetCallerIdentity\nsts GetCallerIdentity\n")
    monkeypatch.setattr(facts_page, "OPERATIONS", table)
    monkeypatch.setattr(facts_page, "PAGE", page)
    assert facts_page.main([str(record)]) == 0
    written = facts_page.read(table)
    assert written["called"] == sorted({"sts GetCallerIdentity", *facts_page.runbook_operations()})
    assert written["without_fact"] == {"s3 GetObject": "Kept."}
    assert page.read_text().startswith("before <!--")
    assert page.read_text().endswith("--> after")
    assert "old" not in page.read_text().split()


def test_a_command_that_is_none_is_named() -> None:
    with pytest.raises(LookupError, match="`aws rds fail-over`, which is no operation of rds"):
        facts_page._operation("rds", "fail-over", waits=False)
