"""Fingerprints, markers, commands and the lock of the installation."""

from __future__ import annotations

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
