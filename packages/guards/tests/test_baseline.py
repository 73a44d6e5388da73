"""A baseline lets old findings pass, and new ones fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakwater_guards.cli import CLEAN, FOUND, UNJUDGED, main
from guards_testing.build import resource, template, write


def zones(folder: Path, *names: str) -> Path:
    """Write a template with hosted zones of reserved domains."""
    return write(
        folder, a__json=template({name: resource("AWS::Route53::HostedZone", Name="example.com") for name in names})
    )


@pytest.fixture
def baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return the baseline of a folder with two findings."""
    assert main(["check", str(zones(tmp_path / "app", "One", "Two")), "--format", "json"]) == FOUND
    file = tmp_path / "baseline.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    return file


def run(baseline: Path) -> int:
    """Check the folder beside a baseline."""
    return main(["check", str(baseline.parent / "app"), "--baseline", str(baseline), "--format", "json"])


def test_what_is_in_it_fails_nothing(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(baseline) == CLEAN
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["findings"] == []
    assert [item["resource"] for item in report["known"]] == ["One", "Two"]
    assert shown.err == ""


def test_what_is_new_fails(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zones(baseline.parent / "app", "One", "Three", "Two")
    assert run(baseline) == FOUND
    assert [item["resource"] for item in json.loads(capsys.readouterr().out)["findings"]] == ["Three"]


def test_a_changed_value_is_no_new_finding(baseline: Path) -> None:
    changed = resource("AWS::Route53::HostedZone", Name="other.example.net")
    write(baseline.parent / "app", a__json=template({"One": changed, "Two": changed}))
    assert run(baseline) == CLEAN


def test_a_second_finding_at_the_same_place_is_new(baseline: Path) -> None:
    first, *_ = json.loads(baseline.read_text(encoding="utf-8"))["findings"]
    baseline.write_text(json.dumps({"findings": [first, first]}), encoding="utf-8")
    assert run(baseline) == FOUND, "the second zone is not in it, though the first one is twice"


def test_what_is_gone_is_told(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zones(baseline.parent / "app", "Two")
    assert run(baseline) == CLEAN
    assert f"1 findings of the baseline {baseline} are gone: write it anew" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"findings": 5}', '{"findings": [5]}', "[" * 100_000])
def test_what_is_no_baseline_is_one_line(baseline: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    baseline.write_text(text, encoding="utf-8")
    assert run(baseline) == UNJUDGED
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{baseline} is no baseline, which `--format json` prints; write one into another file: " in line
    # A file of another kind must not be named as the place to write to.
    assert line.endswith("check PATH --format json > baseline.json")
    baseline.unlink()
    assert run(baseline) == UNJUDGED
