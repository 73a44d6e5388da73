"""`make local` runs the preflight checks first, and stops at one that fails."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ops.errors import OpsError
from ops.local import preflight
from ops.local.workspace import Workspace

SETTINGS = {"suffix": "x1", "environment": "dev"}


def _checkout(root: Path, program: str) -> Workspace:
    """Make a checkout whose preflight is this program."""
    (root / "ops").mkdir()
    (root / "ops" / "__main__.py").write_text(program)
    return Workspace(root=root, state=root / ".local")


def _printing(results: list[dict[str, Any]], code: int) -> str:
    return f"import sys\nprint({json.dumps(results)!r})\nsys.exit({code})\n"


def _result(identifier: str, status: str, *messages: str) -> dict[str, Any]:
    findings = [{"status": status, "message": message} for message in messages]
    findings.append({"status": "pass", "message": "something else"})
    return {"id": identifier, "status": status, "findings": findings, "fix": "Mend it."}


def test_it_counts_what_the_checks_found(tmp_path: Path) -> None:
    results = [_result("PF-A-01", "pass"), _result("PF-B-01", "pass"), _result("PF-C-01", "could-not-ask")]
    workspace = _checkout(tmp_path, _printing(results, 0))
    assert preflight.run(workspace, os.environ, SETTINGS) == "2 pass, 1 could-not-ask"


def test_a_check_that_fails_stops_with_its_fix(tmp_path: Path) -> None:
    results = [_result("PF-A-01", "pass"), _result("PF-B-01", "fail", "taken", "and gone")]
    with pytest.raises(OpsError, match=r"^preflight: PF-B-01: taken, and gone\. Mend it\.$"):
        preflight.run(_checkout(tmp_path, _printing(results, 1)), os.environ, SETTINGS)


def test_a_broken_check_stops_as_well(tmp_path: Path) -> None:
    results = [_result("PF-A-01", "broken", "the check itself is broken: KeyError")]
    with pytest.raises(OpsError, match=r"^preflight: PF-A-01: the check itself is broken: KeyError\. Mend it\.$"):
        preflight.run(_checkout(tmp_path, _printing(results, 3)), os.environ, SETTINGS)


def test_what_it_says_when_it_cannot_ask_is_passed_on(tmp_path: Path) -> None:
    program = "import sys\nsys.stderr.write('preflight: no credentials\\n')\nsys.exit(2)\n"
    with pytest.raises(OpsError, match="no credentials"):
        preflight.run(_checkout(tmp_path, program), os.environ, SETTINGS)


def test_one_that_dies_in_silence_is_named_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="it ended with code 7"):
        preflight.run(_checkout(tmp_path, "import sys\nsys.exit(7)\n"), os.environ, SETTINGS)


def test_it_is_asked_about_the_settings_of_the_deployment(tmp_path: Path) -> None:
    program = "import sys\nsys.stderr.write(' '.join(sys.argv[1:]))\nsys.exit(2)\n"
    with pytest.raises(OpsError, match="--format json -c suffix=x1 -c environment=dev"):
        preflight.run(_checkout(tmp_path, program), os.environ, SETTINGS)
