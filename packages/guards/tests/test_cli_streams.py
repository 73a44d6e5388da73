"""The command line where the path or a stream is unusable: one line on standard error, never a traceback."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest

from breakwater_guards.cli import CLEAN, FOUND, UNJUDGED, main
from guards_testing.process import run

ONE_LINE = re.compile(r"guards: [^\n]+\n")


def _list(redirection: str) -> subprocess.CompletedProcess[str]:
    """`python -m breakwater_guards list` with a redirection of the shell."""
    return run("sh", "-c", f'"$0" -m breakwater_guards list {redirection}', sys.executable)


def _unusable(folder: Path, kind: str) -> str:
    path = folder / kind
    if kind == "fifo.yaml":
        os.mkfifo(path)
    elif kind == "link.json":
        path.symlink_to(path)
    elif kind == "alias.yaml":
        path.write_text("Resources: &a\n  A: {Type: 'AWS::S3::Bucket', Properties: {P: *a}}\n", encoding="utf-8")
    else:
        path.mkdir()
        (path / "package.json").write_text("{}", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["fifo.yaml", "link.json", "alias.yaml", "folder"])
def test_a_path_that_cannot_be_judged_is_one_line(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _unusable(tmp_path, kind)
    assert main(["check", path]) == UNJUDGED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ONE_LINE.fullmatch(shown.err)
    assert path in shown.err


def test_an_empty_path_is_not_the_current_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", ""]) == UNJUDGED
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ONE_LINE.fullmatch(shown.err)
    assert "''" in shown.err


@pytest.mark.parametrize(
    ("redirection", "says"), [(">/dev/full", "No space left on device"), (">&-", "standard output is closed")]
)
def test_output_that_cannot_be_written_is_no_finding(redirection: str, says: str) -> None:
    done = _list(redirection)
    assert done.returncode == UNJUDGED
    assert ONE_LINE.fullmatch(done.stderr), done.stderr
    assert says in done.stderr


def _stdout(monkeypatch: pytest.MonkeyPatch, file: int) -> TextIO:
    stream = os.fdopen(file, "w", encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", stream)
    return stream


def test_a_reader_that_is_gone_has_seen_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with _stdout(monkeypatch, writing):
        assert main(["list"]) == FOUND
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with _stdout(monkeypatch, os.open("/dev/full", os.O_WRONLY)):
        assert main(["list"]) == UNJUDGED
    assert capsys.readouterr().err == "guards: cannot write to standard output: No space left on device\n"


def test_a_closed_standard_output_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["list"]) == UNJUDGED
    assert capsys.readouterr().err == "guards: standard output is closed: nowhere to write to\n"


def test_the_module_ends_with_the_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words, status in ((["list"], CLEAN), (["check", ""], UNJUDGED)):
        monkeypatch.setattr(sys, "argv", ["breakwater-guards", *words])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("breakwater_guards", run_name="__main__")
        assert ended.value.code == status
    assert "''" in capsys.readouterr().err
