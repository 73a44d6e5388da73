"""The page of a run and the index of all runs: what they show, and that nothing in them runs but their own script."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from breakwater_drills import chart, evidence, report_page
from breakwater_drills.measure import Client, Sample
from breakwater_drills.result import Event, Result
from drills_testing.fakes import EMULATOR, target

EVIL = "<script>alert('x')</script>\"'&"


class Elements(HTMLParser):
    """Collects the elements of a page, and fails on one that is not closed."""

    VOID = ("meta", "input", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def of(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements of a kind that have some attributes."""
        return [
            attributes
            for name, attributes in self.found
            if name == tag and all(attributes.get(key.replace("_", "-")) == value for key, value in wanted.items())
        ]


def _report(result: Result, **options: Any) -> str:
    return report_page.report(evidence.as_json(result, target(**options)))


def test_the_page_fetches_nothing_and_allows_only_its_own_script_and_style(told_of_all: Result) -> None:
    html = _report(told_of_all)
    elements = Elements(html)
    assert not any({"src", "style", "onclick"} & set(attributes) for _, attributes in elements.found)
    assert elements.of("link") == elements.of("img") == []
    assert [each["href"] for each in elements.of("a")] == ["../index.html"]
    (policy,) = elements.of("meta", http_equiv="Content-Security-Policy")
    for kind in ("script", "style"):
        (text,) = re.findall(f"(?s)<{kind}>(.*?)</{kind}>", html)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in str(policy["content"])
    assert str(policy["content"]).startswith("default-src 'none'; ")
    assert "prefers-color-scheme: dark" in html


def test_names_from_outside_are_text(told_of_all: Result, tmp_path: Path) -> None:
    told = dataclasses.replace(
        told_of_all,
        drill=EVIL,
        samples=[Sample(EVIL, 0, told_of_all.fault, 0.1, EVIL)],
        events=[Event(told_of_all.fault, EVIL)],
        clients=[Client(EVIL, 1, 1, None, None, None, None)],
        recoveries=[dataclasses.replace(told_of_all.recoveries[0], name=EVIL)],
        losses=[dataclasses.replace(told_of_all.losses[1], name=EVIL, unread=EVIL)],
        checks=[dataclasses.replace(told_of_all.checks[1], where=EVIL, broken=EVIL)],
        parts={EVIL: EVIL},
        not_removed=[EVIL],
    )
    where = dataclasses.replace(target(), stack=EVIL, environment=EVIL, region=EVIL)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "report.json").write_text(json.dumps(evidence.as_json(told, where)))
    index = report_page.write_index(tmp_path).read_text()
    for html in (report_page.report(evidence.as_json(told, where)), index):
        assert len(Elements(html).of("script")) == 1
        assert "alert('x')" not in html
        assert "&lt;script&gt;" in html


def test_the_page_tells_what_the_text_tells(told_of_all: Result) -> None:
    html = _report(told_of_all, rto=1, rpo=0.5)
    for words in (
        "objectives missed",
        "2027-01-15 08:00:01 UTC, stack Breakwater-x1 (dev, eu-central-1), AWS account 123456789012, eu-central-1",
        "3 of 9 writes failed",
        "Missed: RTO 1.50 s, the objective is 1 s.",
        "<dt>RTO</dt><dd>1.50 s <small>objective 1 s</small>",
        "<dt>Acknowledged writes lost</dt><dd>unknown",
        "<td>copy</td>",
        "7.00 s (not judged)",
        "1 transfers are not: a is missing",
        "Unknown: items: nowhere",
        "<li>cluster drill-1: denied</li>",
        *(f"<td>{role}</td>" for role in report_page.ROLES),
    ):
        assert words in html, words
    assert "no figure here is one of AWS" not in html
    there = _report(told_of_all, endpoint=EMULATOR)
    assert "no figure here is one of AWS" in there


def test_what_did_not_happen_has_no_section(outage: Result) -> None:
    html = _report(outage)
    assert "objectives met" in html
    for words in ("<h2>Money", "<h2>Not removed", 'class="notice"', "Failed "):
        assert words not in html, words


def test_the_timeline_has_each_request_and_numbers_the_events(told_of_all: Result) -> None:
    told = evidence.as_json(told_of_all, target())
    elements = Elements("".join(chart.timeline(told)))
    marks = [each for each in elements.of("rect") if each.get("data-probe")]
    assert len(marks) == len(told["samples"])
    failed = [each for each in marks if each["class"] == "bad"]
    assert len(failed) == sum(bool(each["error"]) for each in told["samples"])
    assert str(failed[0]["data-tip"]).startswith("write, ")
    assert str(failed[0]["data-tip"]).endswith("1 of which 1 failed\nslowest 20 ms\n503")
    assert [each["data-tip"] for each in elements.of("g")] == [
        "-1.50 s: event -1.5", "+0.00 s: event 0.0", "+0.10 s: event 0.1", "+3.00 s: event 3.0", "+6.00 s: late"
    ]  # fmt: skip
    assert len(elements.of("line", **{"class": "fault"})) == 1
    page = Elements(_report(told_of_all))
    assert [each["value"] for each in page.of("input", name="probe")] == ["0", "1"]
    assert len(page.of("input", name="failed")) == 1


def test_a_run_of_many_requests_has_a_mark_for_each_moment(told_of_all: Result) -> None:
    many = [Sample("write", n, told_of_all.fault + n / 100, 0.01, "503" if n == 5000 else "") for n in range(20_000)]
    elements = Elements(
        "".join(chart.timeline(evidence.as_json(dataclasses.replace(told_of_all, samples=many), target())))
    )
    marks = [each for each in elements.of("rect") if each.get("data-probe")]
    assert 250 < len(marks) < 300
    (failed,) = [each for each in marks if each["class"] == "bad"]
    assert "of which 1 failed" in str(failed["data-tip"])


@pytest.mark.parametrize("rto", [None, 0.0, 2.5])
def test_the_time_without_recovery_is_shaded(told_of_all: Result, rto: float | None) -> None:
    told = evidence.as_json(told_of_all, target())
    told["measured"]["rto_seconds"] = rto
    shaded = Elements("".join(chart.timeline(told))).of("rect", **{"class": "away"})
    assert len(shaded) == (rto != 0.0)


def test_a_run_without_requests_has_a_timeline(told_of_all: Result) -> None:
    assert Elements(_report(dataclasses.replace(told_of_all, samples=[]))).of("svg")


def _kept(folder: Path, result: Result, **measured: Any) -> Path:
    told = evidence.as_json(result, target())
    told["measured"].update(measured)
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(told))
    return folder


def test_the_index_has_all_runs_with_their_trends(outage: Result, tmp_path: Path) -> None:
    place = evidence.write(tmp_path, outage, target())
    early = dataclasses.replace(outage, fault=outage.fault - 86400.0)
    _kept(tmp_path / "javascript:early", early, rto_seconds=900.0, rpo_seconds=None)
    _kept(tmp_path / "other", dataclasses.replace(outage, drill="other"))
    html = report_page.write_index(tmp_path).read_text()
    elements = Elements(html)
    assert [each["href"] for each in elements.of("a") if "data-tip" not in each] == [
        f"{place.name}/report.html", "javascript%3Aearly/report.md", "other/report.md"
    ]  # fmt: skip
    tips = [str(each["data-tip"]) for each in elements.of("a") if "data-tip" in each]
    assert tips[0] == "2027-01-14 08:00:01: RTO 900.00 s, objective 300 s"
    assert tips[2] == "2027-01-14 08:00:01: RPO unknown, objective 300 s"
    assert [each["class"] for each in elements.of("circle")] == ["bad", "good", "bad", "good", "good", "good"]
    assert len(elements.of("svg")) == 4
    assert "3 runs, 0 of which missed an objective" in html


def test_the_index_names_what_it_cannot_read(tmp_path: Path) -> None:
    for name, text in (("broken", "{"), ("empty", "{}"), ("list", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(text)
    html = report_page.write_index(tmp_path).read_text()
    assert "0 runs" in html
    assert [f"Cannot be read: {name}: {error}" in html for name, error in (
        ("broken", "JSONDecodeError"), ("empty", "KeyError"), ("list", "TypeError")
    )] == [True] * 3  # fmt: skip


def test_evidence_from_before_it_named_its_place_is_listed(outage: Result, tmp_path: Path) -> None:
    for name, emulated in (("here", True), ("there", False)):
        told = {**evidence.as_json(outage, target()), "embedded_aws": emulated}
        del told["where"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(told))
    html = report_page.write_index(tmp_path).read_text()
    assert "stack Breakwater-x1, the embedded AWS" in html
    assert "stack Breakwater-x1, AWS, eu-central-1" in html
