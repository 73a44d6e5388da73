"""Everything that is installed is pinned to content, and nothing names a place to install it from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "requirements").glob("*.in"))
COMPILED = [ROOT / "requirements.txt", *sorted((ROOT / "requirements").glob("*.txt"))]
ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


def _entries(file: Path) -> list[tuple[str, str]]:
    """Return names and versions; fail on a line that is neither an entry with hashes nor a comment."""
    entries: list[tuple[str, str]] = []
    hashes = 1
    for line in file.read_text().splitlines():
        if HASH.match(line):
            hashes += 1
        elif entry := ENTRY.match(line):
            assert hashes, f"{file.name}: {entries[-1][0]} has no hash"
            entries.append((entry["name"], entry["version"]))
            hashes = 0
        else:
            assert line.lstrip().startswith("#"), f"{file.name}: {line}"
    assert hashes, f"{file.name}: {entries[-1][0]} has no hash"
    return entries


def test_all_seven_files_are_there() -> None:
    assert [str(file.relative_to(ROOT)) for file in COMPILED] == [
        "requirements.txt",
        "requirements/dev.txt",
        "requirements/docs.txt",
        "requirements/emulator.txt",
        "requirements/node.txt",
        "requirements/scanners.txt",
        "requirements/uv.txt",
    ]
    assert len(SOURCES) == len(COMPILED)


@pytest.mark.parametrize("file", COMPILED, ids=lambda file: file.name)
def test_every_entry_is_exactly_pinned_and_hashed(file: Path) -> None:
    entries = _entries(file)
    assert entries
    for name, version in entries:
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}=={version}"


@pytest.mark.parametrize("file", COMPILED, ids=lambda file: file.name)
def test_every_direct_requirement_is_compiled(file: Path) -> None:
    compiled = {name for name, _ in _entries(file)}
    name = "runtime" if file.parent == ROOT else file.stem
    source = (ROOT / "requirements" / f"{name}.in").read_text()
    direct = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", source, flags=re.MULTILINE)
    assert direct
    assert {name.lower() for name in direct} <= compiled


@pytest.mark.parametrize("file", [*COMPILED, *SOURCES], ids=lambda file: file.name)
def test_no_file_names_an_index(file: Path) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", file.read_text())


def test_development_and_runtime_agree_on_what_they_share() -> None:
    runtime = dict(_entries(ROOT / "requirements.txt"))
    for name, version in _entries(ROOT / "requirements/dev.txt"):
        assert runtime.get(name, version) == version


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("requirements.txt", "aws-cdk-lib", "2.275.0"),
        ("requirements.txt", "constructs", "10.8.1"),
        ("requirements/dev.txt", "moto", "5.2.5"),
        ("requirements/dev.txt", "cfn-lint", "1.58.0"),
        ("requirements/emulator.txt", "ministack", "1.5.33"),
        ("requirements.txt", "cdk-nag", "3.0.2"),
        ("requirements/scanners.txt", "checkov", "3.3.30"),
    ],
)
def test_versions_that_were_chosen_with_care(file: str, name: str, version: str) -> None:
    assert dict(_entries(ROOT / file))[name] == version


def test_node_packages_are_pinned_exactly_and_by_content() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    # What deploys is one package; `make local` installs no other.
    assert package["dependencies"] == {"aws-cdk": "2.1148.1"}
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version
    for name, entry in locked.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name


def test_the_lock_file_keeps_out_hosts_when_npm_writes_it_again() -> None:
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text().splitlines()
