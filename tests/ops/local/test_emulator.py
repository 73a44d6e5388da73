"""The emulator's process: started once, found again, stopped, and never mistaken when it has ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing

import pytest

from ops.errors import OpsError
from ops.local import emulator
from ops.local.workspace import Workspace
from tests.ops.conftest import free_port
from tests.ops.local.conftest import Install
from tests.ops.local.scripts import EMULATOR


def kill(workspace: Workspace) -> None:
    """End the emulator behind its owner's back."""
    running = emulator.running(workspace)
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    while emulator.running(workspace):
        time.sleep(0.02)


def test_it_is_started_found_and_stopped(workspace: Workspace, install: Install) -> None:
    install("emulator", EMULATOR.format(before=""))
    assert emulator.running(workspace) is None
    port = free_port()
    started = emulator.start(workspace, port)
    assert (started.port, emulator.running(workspace)) == (port, started)
    assert emulator.healthy(port)

    assert emulator.stop(workspace) is True
    assert emulator.running(workspace) is None
    assert not emulator.healthy(port)
    assert not workspace.state.exists()
    assert emulator.stop(workspace) is False


def test_one_that_ended_on_its_own_does_not_run_although_its_file_is_there(
    workspace: Workspace, install: Install
) -> None:
    install("emulator", EMULATOR.format(before="print('the last words', flush=True)"))
    emulator.start(workspace, free_port())
    assert not emulator.ended_unnoticed(workspace)
    kill(workspace)
    assert workspace.lock.exists()
    assert emulator.running(workspace) is None
    assert emulator.ended_unnoticed(workspace)
    assert emulator.died(workspace) == (
        "the embedded AWS has ended (the last words): its state is gone; run `make local` again "
        "(log: .local/embedded-aws/emulator.log)"
    )


def test_a_file_with_the_number_of_another_process_is_not_believed(workspace: Workspace) -> None:
    workspace.state.mkdir(parents=True)
    workspace.lock.write_text(f'{{"pid": {os.getpid()}, "port": 4566}}')
    assert emulator.running(workspace) is None
    assert emulator.stop(workspace) is False  # and this process lives on


def test_a_taken_port_is_one_clear_line_and_nothing_is_started(workspace: Workspace, install: Install) -> None:
    install("emulator", EMULATOR.format(before=""))
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(OpsError, match=f"^port {port} is taken by another program: .* --port$"):
            emulator.start(workspace, port)
    assert not workspace.state.exists()


def test_a_port_that_may_not_be_used_says_why(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(OpsError, match=r"^port 4566 cannot be used: Permission denied; choose another with --port$"):
        emulator.start(workspace, 4566)


def test_one_that_refuses_to_start_says_why(workspace: Workspace, install: Install) -> None:
    install("emulator", "import sys; sys.exit('error: no')")
    with pytest.raises(OpsError, match=r"^the embedded AWS did not start: error: no$"):
        emulator.start(workspace, free_port())


def test_one_that_ends_before_it_answers_says_its_last_line(workspace: Workspace, install: Install) -> None:
    install("emulator", EMULATOR.format(before="sys.exit('RuntimeError: moved')"))
    with pytest.raises(OpsError, match=r"^the embedded AWS did not start: RuntimeError: moved$"):
        emulator.start(workspace, free_port())


def test_one_that_never_answers_is_stopped(
    workspace: Workspace, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = "import time\njson.dump({'pid': os.getpid(), 'port': 1}, lock)\nlock.flush()\ntime.sleep(60)"
    install("emulator", EMULATOR.format(before=silent))
    monkeypatch.setattr(emulator, "_START_SECONDS", 0.5)
    with pytest.raises(OpsError, match="did not answer on port"):
        emulator.start(workspace, free_port())
    assert emulator.running(workspace) is None


def test_one_that_ignores_a_polite_request_is_ended_all_the_same(
    workspace: Workspace, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("emulator", EMULATOR.format(before="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    monkeypatch.setattr(emulator, "_STOP_SECONDS", 0.5)
    emulator.start(workspace, free_port())
    assert emulator.stop(workspace) is True
    assert emulator.running(workspace) is None


def test_what_an_ended_one_left_behind_is_cleared_before_the_next_starts(
    workspace: Workspace, install: Install
) -> None:
    install("emulator", EMULATOR.format(before=""))
    workspace.state.mkdir(parents=True)
    workspace.outputs.write_text("{}")
    emulator.start(workspace, free_port())
    assert not workspace.outputs.exists()
