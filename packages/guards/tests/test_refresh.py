"""`python -m breakwater_guards.facts.refresh`: facts follow cfn-lint and botocore, curated ones stay."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from breakwater_guards.facts import DATA, facts, refresh, refresh_sources

DAY = date(2027, 1, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a private copy of the package's data."""
    return Path(shutil.copytree(DATA, tmp_path / "facts"))


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def test_the_facts_are_those_of_the_installed_packages(folder: Path) -> None:
    assert refresh.refresh(folder, DAY) == [], "run python -m breakwater_guards.facts.refresh and commit what it writes"


def test_a_refresh_changes_nothing_but_the_dates(folder: Path) -> None:
    for name in refresh.DERIVED:
        assert (folder / f"{name}.json").read_text(encoding="utf-8").rstrip() == refresh.render(read(folder, name))
    refresh.refresh(folder, DAY)
    for name in refresh.DERIVED:
        assert read(folder, name) == {**facts(name), "date": "2027-01-02"}


def test_a_difference_is_written_and_reported(folder: Path) -> None:
    document = read(folder, "aurora_versions")
    document["versions"]["aurora-postgresql"].remove("17.7")
    document["versions"]["aurora-postgresql"].append("17.8")
    (folder / "aurora_versions.json").write_text(json.dumps(document), encoding="utf-8")
    assert refresh.refresh(folder, DAY) == [
        "aurora_versions: - versions.aurora-postgresql.17.8",
        "aurora_versions: + versions.aurora-postgresql.17.7",
    ]
    assert read(folder, "aurora_versions")["versions"] == facts("aurora_versions")["versions"]


def test_a_value_that_changed_is_reported_with_both_values(folder: Path) -> None:
    document = read(folder, "lambda")
    document["runtimes"]["python3.13"]["deprecated"] = "2001-01-01"
    (folder / "lambda.json").write_text(json.dumps(document), encoding="utf-8")
    lines = refresh.refresh(folder, DAY)
    assert lines[0] == "lambda: - runtimes.python3.13.deprecated = 2001-01-01"
    assert lines[1].startswith("lambda: + runtimes.python3.13.deprecated = 20")


def test_curated_facts_in_a_derived_file_stay(folder: Path) -> None:
    refresh.refresh(folder, DAY)
    assert read(folder, "fargate")["public_registries"] == facts("fargate")["public_registries"]
    assert read(folder, "fargate")["sources"] == facts("fargate")["sources"]


def test_files_without_derived_facts_are_not_touched(folder: Path) -> None:
    before = (folder / "aurora_support.json").read_bytes()
    refresh.refresh(folder, DAY)
    assert (folder / "aurora_support.json").read_bytes() == before


def test_what_is_left_to_people_is_listed_with_its_pages() -> None:
    lines = refresh.by_hand(DATA)
    assert any(line.startswith("by hand: aurora_support.json of ") and "floors" in line for line in lines)
    assert not any("aurora_versions" in line for line in lines)
    assert all(line.startswith(("by hand: ", "    https://")) for line in lines)


@pytest.mark.parametrize(
    ("content", "reason"),
    [({"allOf": []}, "no longer lists both Aurora engines"), ({}, "have no allOf any more")],
)
def test_data_of_another_shape_stop_the_refresh_before_it_writes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, Any], reason: str
) -> None:
    schema = tmp_path / "data/schemas/extensions/aws_rds_dbcluster/engine_version.json"
    schema.parent.mkdir(parents=True)
    schema.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(refresh_sources, "_package", lambda name: tmp_path if name == "cfnlint" else None)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(refresh_sources.SourceError, match=reason):
        refresh.refresh(folder, DAY)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_without_the_packages_the_command_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Path:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(refresh_sources, "_package", missing)
    assert refresh.main() == 2
    error = capsys.readouterr().err
    assert error == "breakwater_guards.facts.refresh: No module named 'cfnlint'; nothing was written\n"


def test_the_command_prints_changes_and_what_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(refresh, "DATA", folder)
    assert refresh.main() == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "no fact changed"
    assert out[1].startswith("by hand: ")


def test_long_term_support_releases_are_offered_and_retired_ones_are_not() -> None:
    offered = refresh_sources.aurora_versions()["versions"]["aurora-postgresql"]
    assert {"14.6", "15.10", "16.8", "17.7"} <= set(offered)
    assert {"13.7", "15.4", "15.6", "16.1"}.isdisjoint(offered)
    assert offered.index("17.9") < offered.index("17.10"), "in the order of versions, not of text"


def test_support_and_floors_are_of_versions_that_can_exist() -> None:
    support = facts("aurora_support")
    offered = facts("aurora_versions")["versions"]["aurora-postgresql"]
    assert set(support["minor_ends"]) <= set(offered), "an end of support of a version that nobody can create"
    assert {version.split(".")[0] for version in offered} <= set(support["major_ends"])
    for floors in support["floors"].values():
        assert all(floor.startswith(f"{major}.") for major, floor in floors.items())


def test_a_package_without_its_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh_sources, "_package", lambda _: tmp_path)
    with pytest.raises(refresh_sources.SourceError, match=r"cfn-lint no longer has .*engine_version.json"):
        refresh_sources.aurora_versions()
    with pytest.raises(refresh_sources.SourceError, match="botocore has no model of rds"):
        refresh_sources.log_types()


def test_a_documentation_of_other_words_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = {"CreateDBClusterMessage": {"members": {"EnableCloudwatchLogsExports": {"documentation": "Aurora MySQL"}}}}
    monkeypatch.setattr(refresh_sources, "_botocore_shapes", lambda _: shapes)
    with pytest.raises(refresh_sources.SourceError, match="no longer documents the log types of Aurora MySQL"):
        refresh_sources.log_types()


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "cfnlint", None)
    monkeypatch.delitem(sys.modules, refresh.__name__)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(refresh.__name__, run_name="__main__")
    assert ended.value.code == 2
    assert "cfnlint" in capsys.readouterr().err
