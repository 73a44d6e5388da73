"""What `make install` puts where, and that everything it installs is pinned."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path

import pytest

from scripts import parts
from scripts.parts import InstallError, Part, only_one, run_quietly


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project folder, so that no test touches the real installation."""
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setattr(parts, "LOCAL", tmp_path / ".local")
    (tmp_path / ".local").mkdir()
    return tmp_path


def _part(folder: Path, variant: str = "3.11", *, inputs: tuple[Path, ...] = (), fails: bool = False) -> Part:
    def build() -> None:
        folder.mkdir(exist_ok=True)
        if fails:
            raise InstallError("no network")
        (folder / "proof").write_text("built")

    return Part(folder, "a part", inputs, variant, folder / "proof", build)


def test_a_built_part_is_current_until_its_inputs_change(tmp_path: Path) -> None:
    part = _part(tmp_path / "part")
    assert not part.is_current()
    part.run()
    assert part.is_current()
    assert not _part(tmp_path / "part", "3.12").is_current()


def test_a_part_without_its_proof_is_built_again(tmp_path: Path) -> None:
    part = _part(tmp_path / "part")
    part.run()
    part.proof.unlink()
    assert not part.is_current()


def test_a_failed_update_is_not_taken_for_the_old_success(tmp_path: Path) -> None:
    _part(tmp_path / "part").run()
    with pytest.raises(InstallError, match="no network"):
        _part(tmp_path / "part", fails=True).run()
    assert not _part(tmp_path / "part").is_current()


def test_the_fingerprint_follows_content_and_variant_alone(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("a==1\n")
    first = _part(tmp_path, inputs=(file,)).fingerprint()
    renamed = file.rename(tmp_path / "renamed.txt")
    assert _part(tmp_path, inputs=(renamed,)).fingerprint() == first
    assert _part(tmp_path, "3.12", inputs=(renamed,)).fingerprint() != first
    renamed.write_text("a==2\n")
    assert _part(tmp_path, inputs=(renamed,)).fingerprint() != first


def test_a_missing_requirements_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"requirements\.txt is missing: restore it with `git checkout"):
        _part(tmp_path, inputs=(tmp_path / "requirements.txt",)).fingerprint()


def test_a_command_gets_its_variables_and_its_output_is_not_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = "import os, pathlib; print('token'); pathlib.Path('seen').write_text(os.environ['WORD'])"
    run_quietly(sys.executable, "-c", program, WORD="breakwater")
    assert (tmp_path / "seen").read_text() == "breakwater"
    assert capfd.readouterr() == ("", "")


def test_a_failed_command_shows_the_end_of_its_output_only() -> None:
    program = "for number in range(20): print('line', number)\nraise SystemExit(3)"
    with pytest.raises(InstallError) as caught:
        run_quietly(sys.executable, "-c", program)
    message = str(caught.value)
    assert "failed:" in message
    assert "line 19" in message
    assert "line 7\n" not in message


def test_a_long_command_shows_that_it_lives(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parts, "HEARTBEAT_SECONDS", 0.05)
    run_quietly(sys.executable, "-u", "-c", "import time; print('resolving', flush=True); time.sleep(0.6)")
    assert "resolving" in capsys.readouterr().out


def test_a_second_installation_waits_for_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def second() -> None:
        with only_one():
            order.append("second")

    with only_one():
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 10
        printed = ""
        while "waiting for another installation" not in printed:
            assert time.monotonic() < deadline, "the second installation did not wait"
            time.sleep(0.01)
            printed += capsys.readouterr().out
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]


ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "requirements", ROOT / "packages" / "embedded_aws" / "requirements", ROOT / "service")
SOURCES = [file for folder in FOLDERS for file in sorted(folder.glob("*.in"))]
COMPILED = [ROOT / "requirements.txt", *(file for folder in FOLDERS for file in sorted(folder.glob("*.txt")))]
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


def test_all_ten_files_are_there() -> None:
    assert [str(file.relative_to(ROOT)) for file in COMPILED] == [
        "requirements.txt",
        "requirements/dev.txt",
        "requirements/docs.txt",
        "requirements/node.txt",
        "requirements/sbom.txt",
        "requirements/scanners.txt",
        "requirements/uv.txt",
        "requirements/witnesses.txt",
        "packages/embedded_aws/requirements/emulator.txt",
        "service/requirements.txt",
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
    source = (ROOT / "requirements/runtime.in" if file.parent == ROOT else file.with_suffix(".in")).read_text()
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
        ("packages/embedded_aws/requirements/emulator.txt", "ministack", "1.5.33"),
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
