"""What a release is made of: notes that agree with the tag, bills of materials, and updates with their tests."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts import release_notes
from scripts.release_notes import ReleaseError, main, notes
from tests.assembly import ROOT

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Later.

## [1.2.0] - 2026-12-01

### Added

- A thing.

## [1.1.0] - 2026-11-01

- Before.

[1.2.0]: https://mycompany.com/
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a repository at version 1.2.0, with a package at version 2.0.0 that has no notes."""
    monkeypatch.setattr(release_notes, "ROOT", tmp_path)
    guards = tmp_path / "packages" / "guards"
    guards.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (guards / "pyproject.toml").write_text('[project]\nversion = "2.0.0"\n', encoding="utf-8")
    (guards / "CHANGELOG.md").write_text("## [2.0.0] - 2026-12-01\n\n## [1.0.0]\n\n- Old.\n", encoding="utf-8")


@pytest.mark.usefixtures("repository")
def test_the_notes_are_the_section_of_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert notes("v1.2.0") == "### Added\n\n- A thing.\n"
    assert main(["v1.2.0"]) == 0
    assert capsys.readouterr().out == "### Added\n\n- A thing.\n"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("v1.2", "v1.2 is no tag of a release: allowed is v1.2.0"),
        ("breakwater-other-v1.2.0", "is no tag of a release"),
        ("v1.2.0-rc1", "is no tag of a release"),
        ("v1.1.0", "v1.1.0 is not the version 1.2.0 of pyproject.toml"),
        ("breakwater-guards-v1.2.0", "is not the version 2.0.0 of packages/guards/pyproject.toml"),
        ("breakwater-guards-v2.0.0", "packages/guards/CHANGELOG.md has no section [2.0.0]"),
    ],
)
def test_a_tag_that_does_not_agree_is_refused(capsys: pytest.CaptureFixture[str], tag: str, message: str) -> None:
    with pytest.raises(ReleaseError, match=re.escape(message)):
        notes(tag)
    assert main([tag]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err


def test_one_tag_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m scripts.release_notes TAG\n"


def _planned(target: str) -> str:
    command = ["make", "--dry-run", "--old-file=install", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_an_update_is_locked_told_and_judged_by_all_that_ci_runs() -> None:
    planned = _planned("update")
    assert "uv pip compile" in planned
    assert "--upgrade " in planned
    assert ".ci/run" in planned
    # What changed can be told only from what was committed.
    assert planned.index("commit or restore the locked files first") < planned.index("uv pip compile")


def test_every_locked_file_has_a_bill_of_materials() -> None:
    planned = _planned("sbom")
    locked = [ROOT / "requirements.txt", *ROOT.glob("requirements/*.txt"), *ROOT.glob("*/requirements.txt")]
    for file in [*locked, *ROOT.glob("packages/*/requirements/*.txt")]:
        assert re.search(rf"(?<![\w/]){re.escape(str(file.relative_to(ROOT)))}\b", planned), file
    assert "npm sbom" in planned
