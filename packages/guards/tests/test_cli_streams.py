"""The command line where the path or a stream is unusable: one line on standard error, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from breakwater_guards.cli import UNJUDGED, main
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
