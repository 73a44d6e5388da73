"""The integration suite's own promises: what it may leave out, and what it says when there is nothing to ask."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.assembly import ROOT
from tests.integration.conftest import leave_out

SUITE = ROOT / "tests" / "integration"


def test_nothing_is_left_out_in_an_account() -> None:
    leave_out(False, "rds:DescribeDBClusters", "no reason holds there")
    with pytest.raises(pytest.skip.Exception, match=r"^rds:DescribeDBClusters: not there$"):
        leave_out(True, "rds:DescribeDBClusters", "not there")


def test_what_is_left_out_is_documented_and_nothing_skips_otherwise() -> None:
    documented = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    sources = {path.name: path.read_text(encoding="utf-8") for path in SUITE.glob("check_*.py")}
    reasons = [found for text in sources.values() for found in re.findall(r'unanswered\("[^"]+", "([^"]+)"\)', text)]
    table = documented.partition("| API | Why not |")[2].split("\n\n")[0]
    assert len(reasons) == table.count("\n| `") + table.count("\n| a request") == 3
    for reason in reasons:
        assert reason.replace("LatestRestorableTime", "`LatestRestorableTime`") in documented
    for name, text in sources.items():
        assert not re.search(r"pytest\.(skip|xfail)|mark\.(skip|xfail)|except ", text), name


def test_make_test_leaves_the_suite_alone() -> None:
    assert list(SUITE.glob("test_*.py")) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory: write it with"),
        ("nonsense", "is not JSON: write it with"),
        ('{"Other": "x"}', "it is not of a Breakwater stack"),
    ],
)
def test_without_outputs_it_is_one_line_and_exit_code_2(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "outputs.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", str(SUITE), "-o", "python_files=check_*.py", "-p", "no:cacheprovider"]
    # pytest shortens what it says to the width of the terminal.
    environment = os.environ | {"BREAKWATER_OUTPUTS": str(file), "COLUMNS": "400"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    (line,) = [line for line in ended.stdout.splitlines() if "integration:" in line]
    assert ended.returncode == 2
    assert said in line
    assert "Traceback" not in ended.stdout + ended.stderr
