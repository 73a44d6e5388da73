"""`check` with several paths, as pre-commit and shells hand them over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from breakwater_guards import engine
from breakwater_guards.cli import CLEAN, FOUND, UNJUDGED, main
from breakwater_guards.formats import FORMATS
from breakwater_guards.report import merge
from guards_testing.build import resource, template, write

BROKEN = template({"Zone": resource("AWS::Route53::HostedZone", Name="example.com.")})
SOUND = template({"Zone": resource("AWS::Route53::HostedZone", Name="breakwater.dev.")})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the working directory: two broken templates of one name, a sound one, and files of another kind."""
    monkeypatch.chdir(tmp_path)
    other = {"package__json": {"name": "package"}, "settings__yaml": "Resources: 5\n", "notes__yaml": "{"}
    return write(tmp_path, a___stack__json=BROKEN, b___stack__json=BROKEN, sound__json=SOUND, **other)


def findings(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    found = json.loads(capsys.readouterr().out)["findings"]
    return [(one["template"], one["rule"]) for one in found]


@pytest.mark.usefixtures("folder")
def test_each_finding_names_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a/stack.json", "sound.json", "b", "--format", "json"]) == FOUND
    assert findings(capsys) == [("a/stack.json", "DR-ROUTE53-01"), ("b/stack.json", "DR-ROUTE53-01")]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_place(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a/stack.json", str(folder / "b"), "--format", name]) == FOUND
    out = capsys.readouterr().out
    assert "a/stack.json" in out
    assert "b/stack.json" in out


@pytest.mark.usefixtures("folder")
def test_a_path_below_another_one_counts_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a", "a/stack.json", "--format", "json"]) == FOUND
    assert findings(capsys) == [("a/stack.json", "DR-ROUTE53-01")]


@pytest.mark.usefixtures("folder")
def test_several_clean_paths_are_clean() -> None:
    assert main(["check", "sound.json", "sound.json"]) == CLEAN


@pytest.mark.usefixtures("folder")
def test_a_path_that_cannot_be_judged_hides_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "missing.json", "a/stack.json", "package.json"]) == UNJUDGED
    shown = capsys.readouterr()
    assert "DR-ROUTE53-01" in shown.out
    assert [line.split(":")[1].strip() for line in shown.err.splitlines()] == ["missing.json", "package.json"]


@pytest.mark.usefixtures("folder")
def test_nothing_that_can_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "missing.json", "package.json"]) == UNJUDGED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("more", "status"), [([], CLEAN), (["sound.json"], CLEAN), (["a/stack.json"], FOUND)])
def test_files_of_another_kind_are_skipped_when_asked(more: list[str], status: int) -> None:
    others = ["package.json", "settings.yaml", "notes.yaml"]
    assert main(["check", "--skip-other-files", *others, *more]) == status
    assert main(["check", *others, *more]) == UNJUDGED


def test_a_template_that_is_broken_is_not_skipped(tmp_path: Path) -> None:
    write(tmp_path, cut__yaml="AWSTemplateFormatVersion: '2010-09-09'\nResources: {A: {Type: AWS::S3::Bucket")
    assert main(["check", "--skip-other-files", str(tmp_path / "cut.yaml")]) == UNJUDGED


def test_merged_reports_keep_acknowledgements_notices_and_failures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = {"breakwater:guards": {"DR-ROUTE53-01": "delegated to us by its owner", "DR-NONE-01": "x"}}
    for name in "ab":
        write(folder / name, stack__json={**BROKEN, "Metadata": metadata})
    error = KeyError("x")
    run = engine._run
    monkeypatch.setattr(engine, "_run", lambda rule, app: ([], error) if rule.id == "DR-IAM-01" else run(rule, app))
    report = merge([engine.examine(folder / name) for name in "ab"])
    files = [(folder / name / "stack.json").as_posix() for name in "ab"]
    assert [item.finding.template for item in report.acknowledged] == files
    assert report.findings == ()
    assert [item.rule for item in report.unjudged] == ["DR-IAM-01"]
    assert [notice.partition(": ")[0] for notice in report.notices] == [str(folder / name) for name in "ab"]


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"], ids=["long", "nul"])
def test_a_name_that_no_file_can_have_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--skip-other-files", name]) == UNJUDGED
    assert len(capsys.readouterr().err.splitlines()) == 1
