"""The command line: what is understood, what is refused, and with which exit code."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.emulator import Emulator, Running
from embedded_testing.ports import free_port
from embedded_testing.standin import EMULATOR
from ops import REPOSITORY
from ops.__main__ import main
from ops.local import cli, up
from ops.local.workspace import Workspace
from tests.environments.conftest import alone
from tests.ops.conftest import NODE, Install


def run(capsys: pytest.CaptureFixture[str], workspace: Workspace, *arguments: str) -> tuple[int, str, str]:
    code = main(["local", *arguments], workspace)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_up_takes_a_port_and_settings(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> None:
    called: list[dict[str, Any]] = []
    monkeypatch.setattr(cli, "up", lambda *_positional, **named: called.append(named))
    assert main(["local", "up", "--port", "4600", "-c", "a=1", "--context", "b.c=2"], workspace) == 0
    assert main(["local", "up"], workspace) == 0
    assert called == [{"port": 4600, "context": ["a=1", "b.c=2"]}, {"port": None, "context": []}]


@pytest.mark.parametrize("port", ["80", "65536", "no", "-1", "4566.0"])
def test_a_port_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], workspace: Workspace, port: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["local", "up", f"--port={port}"], workspace)
    assert f"'{port}' is not a port from 1024 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["local"], ["local", "sideways"], ["elsewhere"]])
def test_an_unknown_command_exits_with_2(workspace: Workspace, arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments, workspace)


def test_settings_are_passed_on_and_the_fixed_ones_added() -> None:
    fixed = {"account": "000000000000", "region": "us-east-1"}
    assert up.local_settings([]) == {"environment": "dev", "suffix": "dev", **fixed}
    given = ["suffix=x", "a.b=c=d", "environment=prod", "account=000000000000"]
    assert up.local_settings(given) == {"environment": "prod", "suffix": "x", "a.b": "c=d", **fixed}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("plain", "-c plain: expected key=value, e.g. -c environment=prod"),
        ("=1", "-c =1: expected key=value, e.g. -c environment=prod"),
        (
            "environment=test",
            (
                "environment = \"test\" cannot be used: allowed is 'dev', 'prod' or 'staging'. "
                "Change it in -c environment=… (or in the context of cdk.json)."
            ),
        ),
        (
            "operations.validation_minimum_items=101",
            (
                "operations.validation_minimum_items = 101 cannot be held locally: the restore test of `make local` "
                "writes at most 100 items; give another value with -c operations.validation_minimum_items=1"
            ),
        ),
        ("account=111111111111", "-c account=111111111111: the local deployment is always account=000000000000"),
        ("region=eu-west-1", "-c region=eu-west-1: the local deployment is always region=us-east-1"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, setting: str, said: str
) -> None:
    assert run(capsys, workspace, "up", "-c", setting) == (1, "", f"error: {said}\n")
    assert not workspace.state.exists()


def test_up_without_an_installation_is_one_line(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    code, _, error = run(capsys, workspace, "up", "--port", str(free_port()))
    assert code == 1
    assert error == (
        "error: the embedded AWS is not installed (.local/emulator-venv/bin/python is missing): run `make install`\n"
    )


def test_up_on_a_taken_port_is_one_line(
    capsys: pytest.CaptureFixture[str], workspace: Workspace, install: Install
) -> None:
    install("emulator", EMULATOR.format(before=""))
    install("node", NODE.format(version="24.0.0"))
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        code, _, error = run(capsys, workspace, "up", "--port", str(port))
    assert code == 1
    told = f"error: port {port} is taken by another program: stop that, or choose another port: "
    assert re.fullmatch(rf'{told}`make local ARGS="--port [0-9]+"`\n', error)
    assert not workspace.state.exists()


def test_status_and_down_without_a_running_emulator(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    assert run(capsys, workspace, "status") == (1, "", "error: the embedded AWS does not run: run `make local`\n")
    assert run(capsys, workspace, "down") == (0, "The embedded AWS was not running.\n", "")


def test_status_of_one_that_has_ended(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    workspace.state.mkdir(parents=True)
    workspace.emulator.lock.write_text('{"pid": 1, "port": 4566}')
    workspace.emulator.log.write_text("MemoryError\n")
    code, _, error = run(capsys, workspace, "status")
    assert code == 1
    assert error.startswith(
        "error: the embedded AWS has ended (MemoryError): its state is gone; run `make local` again"
    )


@pytest.mark.parametrize("words", [[], ["--"]])
def test_run_wants_a_command(capsys: pytest.CaptureFixture[str], workspace: Workspace, words: list[str]) -> None:
    code, _, error = run(capsys, workspace, "run", *words)
    assert code == 1
    assert error == "error: no command: write it after --, e.g. `python -m ops local run -- pytest`\n"


def test_run_wants_a_running_emulator(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    code, _, error = run(capsys, workspace, "run", "--", "true")
    assert (code, error) == (1, "error: the embedded AWS does not run: run `make local`\n")


# The command takes the place of the process, so the process is one of its own.
RUN = """
import sys
from pathlib import Path
from embedded_aws.emulator import Emulator, Running
from ops.__main__ import main
from ops.local.workspace import Workspace
Emulator.running = lambda _: Running(1, 4600, "k")
sys.exit(main(["local", "run", *sys.argv[2:]], Workspace(state=Path(sys.argv[1]))))
"""


def begin_run(workspace: Workspace, *words: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(workspace.state), *words]
    return subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True)


def test_run_gives_the_command_the_embedded_aws_and_passes_its_exit_code_on(workspace: Workspace) -> None:
    theirs = {
        "AWS_PROFILE": "theirs", "BREAKWATER_CONTEXT": "database.max_acu=4", "BREAKWATER_OUTPUTS": "theirs.json",
    }  # fmt: skip
    said = "echo $AWS_ENDPOINT_URL ${AWS_PROFILE-none} $BREAKWATER_CONTEXT $BREAKWATER_OUTPUTS $0 $1; exit 7"
    child = begin_run(workspace, "--", "sh", "-c", said, "--", "-x", **theirs)
    told = f"http://127.0.0.1:4600 none database.max_acu=4 {workspace.flat_outputs} -- -x\n"
    assert (child.communicate(timeout=60)[0], child.returncode) == (told, 7)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_run_leaves_the_command_the_time_to_clean_up(workspace: Workspace, number: signal.Signals) -> None:
    # Ctrl-C reaches the whole process group, so nothing may be between the terminal and the command that kills it.
    cleaning = "trap 'sleep 1; echo cleaned; exit 3' INT TERM HUP; echo ready $$; while :; do sleep 0.05; done"
    child = begin_run(workspace, "sh", "-c", cleaning)
    assert child.stdout is not None
    assert child.stdout.readline() == f"ready {child.pid}\n"
    child.send_signal(number)
    assert (child.communicate(timeout=60)[0], child.returncode) == ("cleaned\n", 3)


def test_run_does_not_ignore_a_broken_pipe(workspace: Workspace) -> None:
    child = begin_run(workspace, "sh", "-c", "kill -PIPE $$; echo ignored")
    assert (child.communicate(timeout=60)[0], child.returncode) == ("", -signal.SIGPIPE)


def deployed(workspace: Workspace, **settings: dict[str, str]) -> None:
    workspace.state.mkdir(parents=True)
    for stack, given in settings.items():
        workspace.keep_settings(f"Breakwater-{stack}", given)


def test_run_repeats_the_settings_of_the_only_stack_or_of_the_one_that_is_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Workspace
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 4600, "k"))
    monkeypatch.delenv("BREAKWATER_CONTEXT", raising=False)
    said = ["--", "sh", "-c", 'echo "$BREAKWATER_CONTEXT,${BREAKWATER_STACK-none}"']
    deployed(workspace, eu1={"environment": "prod", "backup.restore_test_schedule": "cron(30 11 ? * WED *)"})
    told = "environment=prod 'backup.restore_test_schedule=cron(30 11 ? * WED *)'"
    assert begin_run(workspace, *said).communicate(timeout=60)[0] == f"{told},Breakwater-eu1\n"

    workspace.keep_settings("Breakwater-dev", {"environment": "dev"})
    assert begin_run(workspace, *said).communicate(timeout=60)[0] == ",none\n"
    chosen = begin_run(workspace, "--stack", "Breakwater-dev", *said)
    assert chosen.communicate(timeout=60)[0] == "environment=dev,Breakwater-dev\n"
    told = "error: `make local` deployed no stack Breakwater-x: there is Breakwater-eu1, Breakwater-dev\n"
    assert run(capsys, workspace, "run", "--stack", "Breakwater-x", *said) == (1, "", told)


def test_two_at_once_are_one_clear_line(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    told = (
        f"error: another `make local` or `make local-down` runs in this checkout (process {os.getpid()}): "
        "wait until it has ended\n"
    )
    with workspace.only_one():
        assert run(capsys, workspace, "up", "--port", str(free_port())) == (1, "", told)
        assert run(capsys, workspace, "down") == (1, "", told)
    assert run(capsys, workspace, "down") == (0, "The embedded AWS was not running.\n", "")


def test_two_runs_of_make_environments_at_once_are_one_clear_line(tmp_path: Path) -> None:
    told = f"another `make environments` runs in this checkout (process {os.getpid()}): wait until it has ended"
    with alone(tmp_path / "lives"):
        with pytest.raises(pytest.exit.Exception) as refused, alone(tmp_path / "lives"):
            raise AssertionError("two at once")
        assert (str(refused.value), refused.value.returncode) == (f"error: {told}", 1)
    with alone(tmp_path / "lives"):
        assert (tmp_path / "lives.lock").exists()


def test_env_prints_what_a_shell_needs_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Workspace
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 4600, "a key"))
    monkeypatch.setenv("AWS_PROFILE", "theirs")
    code, lines, error = run(capsys, workspace, "env")
    shell = subprocess.run(["sh", "-c", f"{lines}\nenv"], capture_output=True, text=True, check=True, env={})
    found = dict(line.split("=", 1) for line in shell.stdout.splitlines() if line.startswith("AWS_"))
    assert (code, error) == (0, "")
    assert found["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4600"
    assert (found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]) == ("000000000000", "a key")
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-east-1"
    assert "AWS_PROFILE" not in found


@pytest.fixture
def aws_cli(tmp_path: Path) -> str:
    """Return a PATH whose `aws` says how it was called."""
    program = tmp_path / "programs" / "aws"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    return os.pathsep.join([str(program.parent), os.environ["PATH"]])


def test_an_aws_cli_that_ignores_the_variables_is_given_the_endpoint(workspace: Workspace, aws_cli: str) -> None:
    called = "--endpoint-url http://127.0.0.1:4600 rds describe-db-clusters --max-items 20\n"
    words = ["aws", "rds", "describe-db-clusters", "--max-items", "20"]
    assert begin_run(workspace, "--", *words, PATH=aws_cli).communicate(timeout=60)[0] == called
    nested = os.pathsep.join([str(workspace.state / "bin"), aws_cli])  # inside `ops local run`
    assert begin_run(workspace, "--", *words, PATH=nested).communicate(timeout=60)[0] == called


def test_env_puts_the_endpoint_before_the_words_of_an_aws_cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Workspace, aws_cli: str
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 4600, "a key"))
    monkeypatch.setenv("PATH", aws_cli)
    _, lines, _ = run(capsys, workspace, "env")
    shell = subprocess.run(
        ["/bin/sh", "-c", f"{lines}\naws sqs list-queues"], capture_output=True, text=True, check=True,
        env={"PATH": aws_cli},
    )  # fmt: skip
    assert shell.stdout == "--endpoint-url http://127.0.0.1:4600 sqs list-queues\n"
    monkeypatch.setenv("PATH", str(workspace.root))
    assert "PATH" not in run(capsys, workspace, "env")[1]


def test_env_wants_a_running_emulator(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    assert run(capsys, workspace, "env") == (1, "", "error: the embedded AWS does not run: run `make local`\n")


def test_run_of_an_unknown_command_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], workspace: Workspace
) -> None:
    monkeypatch.setattr(Emulator, "running", lambda _: Running(1, 4600, "k"))
    code, _, error = run(capsys, workspace, "run", "--", "no-such-program")
    assert (code, error) == (1, "error: no-such-program cannot be run: No such file or directory\n")


def test_types_prints_a_table(capsys: pytest.CaptureFixture[str], workspace: Workspace) -> None:
    code, output, _ = run(capsys, workspace, "types")
    assert code == 0
    assert "| `AWS::KMS::Key` | real | That its policy lets a service use it" in output


def test_an_interruption_is_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    def interrupt(*_positional: Any, **_named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "up", interrupt)
    assert run(capsys, workspace, "up") == (130, "", "error: interrupted\n")
