"""How a run is judged and told: the report."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from breakwater_drills import evidence, summary, timeline
from breakwater_drills.errors import DrillError
from breakwater_drills.invariant import MONEY, THERE, Check
from breakwater_drills.measure import Client, Loss, Sample, unknown
from breakwater_drills.result import Result
from breakwater_drills.runner import run
from drills_testing.clock import SimulatedClock
from drills_testing.fakes import COMMITTED, TIMING, FakeDrill, Store, target

PNG = b"\x89PNG\r\n\x1a\n"


def test_what_cannot_be_read_back_is_evidence_too_and_never_met(tmp_path: Path) -> None:
    class Gone(FakeDrill):
        def losses(self, samples: Sequence[Sample]) -> list[Loss]:
            return [*super().losses(samples), unknown("copy", samples, "nowhere")]

    found = run(Gone(Store(), target(), clock=SimulatedClock()), TIMING)
    assert found.misses(300, 300) == ["RPO unknown, not every store could be compared: copy: nowhere"]
    place = evidence.write(tmp_path, found, target())
    told = json.loads((place / "report.json").read_text())
    assert (told["met"], told["measured"]["rpo_seconds"]) == (False, None)
    assert told["measured"]["acknowledged_writes_lost"] is None
    text = (place / "report.md").read_text()
    assert "| RPO | 300 s | unknown | **no** |" in text
    acknowledged = found.losses[0].acknowledged
    assert f"| rows | {acknowledged} | 0 | 0 | 0.00 s |" in text
    assert f"| copy | {acknowledged} | unknown | unknown | unknown |" in text
    assert "Unknown: copy: nowhere" in text
    assert "not every store could be compared" in timeline.title(found, "AWS")


def test_a_drill_that_compares_nothing_met_nothing(outage: Result) -> None:
    nothing = dataclasses.replace(outage, losses=[])
    assert nothing.rpo == "unknown"
    assert nothing.misses(300, 300) == ["RPO unknown, not every store could be compared: no store was read"]
    assert dataclasses.replace(outage, recoveries=[]).rto_seconds is None


def test_what_the_fault_is_not_meant_to_touch_is_told_and_not_judged(outage: Result) -> None:
    (found,) = outage.recoveries
    copy = dataclasses.replace(found, name="copy", rto_seconds=0.2)
    told = dataclasses.replace(outage, recoveries=[copy, dataclasses.replace(found, rto_seconds=900.0, judged=False)])
    assert told.rto_seconds == 0.2
    assert "| 900.00 s, not judged |" in "\n".join(evidence.as_markdown(told, target()))
    assert summary.of_run(told, target()).rows[1][3] == "(900.00 s)"


def test_the_folder_for_the_evidence_is_made_and_may_be_there_already(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "evidence"
    evidence.make_folder(folder)
    evidence.make_folder(folder)
    assert list(folder.iterdir()) == []


def test_a_folder_in_which_nothing_can_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(DrillError) as refusal:
        evidence.make_folder(file)
    assert str(refusal.value) == f"no evidence can be written to {file}: File exists; name another folder"

    def full(**asked: object) -> None:
        assert asked == {"dir": tmp_path}
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(DrillError, match=r"^no evidence can be written to .*: No space left on device; name another"):
        evidence.make_folder(tmp_path)


@pytest.mark.usefixtures("far_east")
def test_the_evidence_is_complete_checksummed_and_says_what_is_missed(outage: Result, tmp_path: Path) -> None:
    hard = target(rto=1, rpo=1)
    place = evidence.write(tmp_path, outage, hard)
    assert place == tmp_path / "fake-20270115T080001Z-run1"
    assert {path.name for path in place.iterdir()} == {
        "report.html",
        "report.json",
        "report.md",
        "timeline.png",
        "SHA256SUMS",
    }
    for line in (place / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((place / name).read_bytes()).hexdigest() == digest
    told = json.loads((place / "report.json").read_text())
    assert told["met"] is True
    assert told["objectives"] == {"rto_seconds": 1, "rpo_seconds": 1}
    assert told["measured"]["rto_seconds"] == outage.rto_seconds
    assert told["measured"]["acknowledged_writes_lost"] == 0
    assert len(told["samples"]) == len(outage.samples)
    assert (place / "timeline.png").read_bytes().startswith(PNG)
    assert f'href="{place.name}/report.html"' in (tmp_path / "index.html").read_text()


@pytest.mark.usefixtures("far_east")
def test_the_evidence_is_as_committed(told_of_all: Result, tmp_path: Path) -> None:
    place = evidence.write(tmp_path / "new" / "folder", told_of_all, target(rto=1, rpo=0.5))
    report = (place / "report.json").read_text().replace(version("boto3"), "the version of boto3")
    assert report == (COMMITTED / "report.json").read_text()
    assert (place / "report.md").read_text() == (COMMITTED / "report.md").read_text()
    sums = (place / "SHA256SUMS").read_text()
    assert [line.split("  ")[1] for line in sums.splitlines()] == [
        "report.html",
        "report.json",
        "report.md",
        "timeline.png",
    ]
    assert sums.endswith("timeline.png\n")
    size = (place / "timeline.png").read_bytes()[16:24]
    assert size == (1440).to_bytes(4, "big") + (900).to_bytes(4, "big")
    with pytest.raises(DrillError) as refusal:
        evidence.write(tmp_path / "new" / "folder", told_of_all, target())
    refused = refusal.value
    assert str(refused) == f"the evidence cannot be written to {place}: File exists"


def test_the_report_of_a_miss_says_so_in_words(outage: Result) -> None:
    hard = target(rto=1)
    slow = dataclasses.replace(outage, restored=False)
    text = "\n".join(evidence.as_markdown(slow, hard))
    assert "| RTO | 1 s | not recovered | **no** |" in text
    assert "| RPO | 300 s | 0.00 s | yes |" in text
    assert "**Missed:** not everything recovered" in text
    assert "| store | AWS |" in text
    assert "Sign-off" in text


@pytest.mark.parametrize(
    ("endpoint", "where"),
    [
        (None, "AWS"),
        ("http://127.0.0.1:4566", "the embedded AWS on one machine: **no figure here is one of AWS**"),
    ],
)
def test_the_report_names_where_it_was(outage: Result, endpoint: str | None, where: str) -> None:
    lines = "\n".join(evidence.as_markdown(outage, target(endpoint=endpoint)))
    assert f", stack Breakwater-x1 (dev, eu-central-1), in {where}.\n" in lines


def test_the_report_begins_with_what_a_client_saw_and_judges_the_money(outage: Result) -> None:
    seen = Client("transfer", 812, 3, 0.014, 0.12, 1.9, 2.2)
    checks = [Check("the database", MONEY), Check("the copy", THERE, "1 transfers are not: drill-1 is missing")]
    told = dataclasses.replace(outage, clients=[seen, Client("balance", 9, 1, None, None, None, None)], checks=checks)
    headline = "3 of 812 transfers failed, p50 14 ms, p99 120 ms, slowest 1.90 s, longest gap 2.20 s"
    lines = "\n".join(evidence.as_markdown(told, target()))
    assert f"\n**{headline}.**\n" in lines
    assert f"| the database | {MONEY} | yes |" in lines
    assert f"| the copy | {THERE} | **no**: 1 transfers are not: drill-1 is missing |" in lines
    miss = f"the copy: not true that {THERE}: 1 transfers are not: drill-1 is missing"
    found = evidence.as_json(told, target())
    assert (found["headline"], found["met"], found["misses"]) == (headline, False, [miss])
    assert f"\n**Missed:** {miss}." in lines
    assert (found["clients"][0]["failed"], found["checks"][1]["where"]) == (3, "the copy")
    assert dataclasses.replace(told, clients=told.clients[1:]).headline == (
        "1 of 9 balances failed, p50 unknown, p99 unknown, slowest unknown, longest gap unknown"
    )


@pytest.mark.parametrize(("late", "told"), [(0.999, ""), (1.0, "1.00 s"), (2.5, "2.50 s")])
def test_a_client_that_was_late_itself_says_so(outage: Result, late: float, told: str) -> None:
    seen = Client("transfer", 812, 0, 0.014, 0.12, 1.9, 2.2)
    found = dataclasses.replace(outage, clients=[seen], late_seconds=late)
    busy = f"; this machine was busy: it began a request {told} late, which the times contain" if told else ""
    assert (
        found.headline == f"0 of 812 transfers failed, p50 14 ms, p99 120 ms, slowest 1.90 s, longest gap 2.20 s{busy}"
    )
    assert evidence.as_json(found, target())["late_seconds"] == late


def test_more_failed_requests_than_the_drill_may_cause_are_a_miss(outage: Result) -> None:
    seen = [Client("transfer", 812, 3, 0.014, 0.12, 1.9, 2.2), Client("balance", 9, 1, None, None, None, None)]
    told = dataclasses.replace(outage, clients=seen)
    assert told.misses(300, 300) == []
    assert dataclasses.replace(told, failures_allowed=4).misses(300, 300) == []
    assert dataclasses.replace(told, failures_allowed=3).misses(300, 300) == [
        "4 requests of the service failed, fake may fail 3"
    ]


def test_the_report_names_what_could_not_be_removed(outage: Result) -> None:
    told = dataclasses.replace(outage, not_removed=["cluster drill-1: denied"])
    assert "## Not removed\n\n- cluster drill-1: denied" in "\n".join(evidence.as_markdown(told, target()))
