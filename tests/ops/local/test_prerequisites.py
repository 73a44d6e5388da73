"""What `make local` needs of this machine: a free port, programs, their environment, and the preflight checks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.choice import choose_port
from embedded_aws.emulator import Emulator, EmulatorError, Running
from embedded_testing.hostile import HOSTILE
from embedded_testing.ports import free_port
from ops import REPOSITORY
from ops.errors import OpsError
from ops.local import port, preflight, prerequisites
from ops.local.workspace import Workspace
from tests.ops.conftest import NODE, Install


def test_it_is_the_one_asked_for_that_of_the_last_one_or_the_default(
    workspace: Workspace,
) -> None:
    default, last, asked = free_port(), free_port(), free_port()
    assert choose_port(workspace.emulator, None, default) == default
    workspace.state.mkdir(parents=True)
    workspace.emulator.lock.write_text(json.dumps({"pid": 1, "port": last, "key": "k"}))
    assert choose_port(workspace.emulator, None, default) == last
    assert choose_port(workspace.emulator, asked, default) == asked


@pytest.mark.parametrize("written", ["", "{", "[]", "{}", '{"port": null}'])
def test_one_that_was_killed_before_it_knew_its_port_is_forgotten(workspace: Workspace, written: str) -> None:
    workspace.state.mkdir(parents=True)
    workspace.emulator.lock.write_text(written)
    assert workspace.emulator.last_port() is None


def test_a_running_one_keeps_its_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 4600, "k"))
    for asked in (None, 4600):
        assert choose_port(workspace.emulator, asked, 4566) == 4600
    with pytest.raises(EmulatorError, match="already runs on port 4600: leave --port out, or stop it first"):
        choose_port(workspace.emulator, 4700, 4566)


def test_a_taken_one_is_one_line_that_names_a_free_one_and_the_way_to_give_it(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        assert port.main(["-c", "environment=prod", "--port", str(taken)], workspace) == 1
    told = capsys.readouterr().err
    assert told.startswith(
        f"error: port {taken} is taken by another program: stop that, or choose another port: `make "
    )
    assert told.endswith('"`\n')
    named = int(told.partition('ARGS="--port ')[2].partition('"')[0])
    assert taken < named <= 65535


def test_a_free_one_is_no_word(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert port.main(["--port", str(free_port()), "-c", "a.b=c"], workspace) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("words", [["--port"], ["--port", "no"]])
def test_arguments_that_are_wrong_are_left_to_the_command(workspace: Workspace, words: list[str]) -> None:
    assert port.main(words, workspace) == 0


def test_it_needs_nothing_that_is_installed() -> None:
    """Run it as `make local` does before the installation: no site packages, only the sources of this repository."""
    command = [sys.executable, "-I", "-S", "-c", "import sys; sys.path[:0] = sys.argv[1:]; import ops.local.port"]
    paths = [str(REPOSITORY), str(REPOSITORY / "packages" / "embedded_aws" / "src")]
    ended = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def check(workspace: Workspace) -> str:
    tools = workspace.root / "node_modules" / ".bin"
    return prerequisites.check(workspace, {"PATH": f"{tools}"})


def test_the_versions_found_are_one_line(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    install("node", NODE.format(version="24.3.0"))
    assert check(workspace).endswith(", Node 24.3.0, cdk 2.1148.1")


def test_a_missing_emulator_says_how_to_get_it(workspace: Workspace) -> None:
    with pytest.raises(OpsError) as error:
        check(workspace)
    assert str(error.value) == (
        "the embedded AWS is not installed (.local/emulator-venv/bin/python is missing): run `make install`"
    )


def test_a_missing_node_says_how_to_get_it(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    with pytest.raises(OpsError, match=r"^Node 22 \|\| 24 is missing: run `make install`, which brings one"):
        check(workspace)


@pytest.mark.parametrize(
    ("script", "shown"),
    [(NODE.format(version="20.20.2"), "20.20.2"), ("import sys; sys.exit(1)", "of an unknown version")],
)
def test_another_node_is_refused(workspace: Workspace, install: Install, script: str, shown: str) -> None:
    install("emulator", "")
    install("node", script)
    with pytest.raises(OpsError, match=rf"^Node {shown} \(.*node\) is not 22 \|\| 24: run `make install`$"):
        check(workspace)


def test_another_cli_is_refused(workspace: Workspace, install: Install) -> None:
    install("emulator", "")
    install("node", NODE.format(version="22.1.0"))
    cli = workspace.root / "node_modules" / "aws-cdk" / "package.json"
    cli.write_text(json.dumps({"version": "3.0.0"}))
    with pytest.raises(OpsError, match=r"^the cdk CLI is 3\.0\.0, and 2\.1148\.1 is pinned in package\.json"):
        check(workspace)
    os.remove(cli)  # noqa: PTH107
    with pytest.raises(OpsError, match=r"^the cdk CLI is not installed: run `make install`$"):
        check(workspace)


def test_only_listed_variables_come_in(workspace: Workspace) -> None:
    made = workspace.variables(4600, "a-key", HOSTILE)
    assert {name for name, value in HOSTILE.items() if made.get(name) == value} == {"HOME"}
    assert (made["CDK_HOME"], made["CDK_DISABLE_CLI_TELEMETRY"]) == (str(workspace.state / "cdk-home"), "true")


def test_the_pinned_tools_come_first_and_the_users_path_last(workspace: Workspace) -> None:
    path = workspace.variables(4600, "a-key", HOSTILE)["PATH"].split(os.pathsep)
    assert path[1:] == [str(workspace.root / "node_modules" / ".bin"), "/usr/bin"]
    assert os.access(os.path.join(path[0], "python3"), os.X_OK)  # noqa: PTH118


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
    assert preflight.run(workspace, os.environ, SETTINGS) == (
        "2 pass, 1 could-not-ask; why: `python -m ops local run -- python -m ops preflight`"
    )


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
