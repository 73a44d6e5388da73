"""The process control of the embedded AWS: it is started, found again and stopped, and its end is noticed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from embedded_aws.emulator import Emulator, EmulatorError
from embedded_testing.ports import free_port
from embedded_testing.standin import EMULATOR

Install: TypeAlias = Callable[[str], None]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """Return an emulator that is not installed, and stop it if the test leaves it running."""
    made = Emulator(tmp_path / "bin" / "python", tmp_path / "state")
    yield made
    made.stop()


@pytest.fixture
def install(emulator: Emulator, tmp_path: Path) -> Install:
    """Put a Python script in the place of the emulator's interpreter."""

    def install_script(script: str) -> None:
        file = tmp_path / "emulator.py"
        file.write_text(script)
        emulator.python.parent.mkdir()
        emulator.python.write_text(f'#!/bin/sh\nexec {sys.executable} {file} "$@"\n')
        emulator.python.chmod(0o755)

    return install_script


def kill(emulator: Emulator) -> None:
    """End the emulator without `stop`."""
    running = emulator.running()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    while emulator.running():
        time.sleep(0.02)


def test_it_is_started_found_and_stopped(emulator: Emulator, install: Install) -> None:
    install(EMULATOR.format(before=""))
    assert emulator.running() is None
    port = free_port()
    started = emulator.start(port)
    assert (started.port, emulator.running()) == (port, started)
    assert started.is_ready()

    assert emulator.stop() is True
    assert emulator.running() is None
    assert not started.is_ready()
    assert not emulator.state.exists()
    assert emulator.stop() is False


def test_one_that_ended_on_its_own_does_not_run_although_its_file_is_there(
    emulator: Emulator, install: Install
) -> None:
    install(EMULATOR.format(before="print('the last words', flush=True)"))
    emulator.start(free_port())
    assert not emulator.ended_unnoticed()
    kill(emulator)
    assert emulator.lock.exists()
    assert emulator.running() is None
    assert emulator.ended_unnoticed()
    assert emulator.last_words() == "the last words"


def test_a_file_with_the_number_of_another_process_is_not_believed(emulator: Emulator) -> None:
    emulator.state.mkdir(parents=True)
    emulator.lock.write_text(f'{{"pid": {os.getpid()}, "port": 4566}}')
    assert emulator.running() is None
    assert emulator.stop() is False  # and this process lives on


def test_a_taken_port_is_one_clear_line_and_nothing_is_started(emulator: Emulator, install: Install) -> None:
    install(EMULATOR.format(before=""))
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"^port {port} is taken by another program:"):
            emulator.start(port)
    assert not emulator.state.exists()


def test_a_port_that_may_not_be_used_says_why(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(EmulatorError, match=r"^port 4566 cannot be used: Permission denied; choose another port$"):
        emulator.start(4566)


def test_one_that_refuses_to_start_says_why(emulator: Emulator, install: Install) -> None:
    install("import sys; sys.exit('error: no')")
    with pytest.raises(EmulatorError, match=r"^the embedded AWS did not start: error: no$"):
        emulator.start(free_port())


def test_one_that_ends_before_it_answers_says_its_last_line(emulator: Emulator, install: Install) -> None:
    install(EMULATOR.format(before="sys.exit('RuntimeError: moved')"))
    with pytest.raises(EmulatorError, match=r"^the embedded AWS did not start: RuntimeError: moved$"):
        emulator.start(free_port())


def test_one_that_never_answers_is_stopped(
    emulator: Emulator, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = "import time\njson.dump({'pid': os.getpid(), 'port': 1, 'key': 'k'}, lock)\nlock.flush()\ntime.sleep(60)"
    install(EMULATOR.format(before=silent))
    monkeypatch.setattr("embedded_aws.emulator._START_SECONDS", 0.5)
    with pytest.raises(EmulatorError, match="did not answer on port"):
        emulator.start(free_port())
    assert emulator.running() is None


def test_one_that_ignores_a_polite_request_is_ended_all_the_same(
    emulator: Emulator, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(EMULATOR.format(before="import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    monkeypatch.setattr("embedded_aws.emulator._STOP_SECONDS", 0.5)
    emulator.start(free_port())
    assert emulator.stop() is True
    assert emulator.running() is None


def test_what_an_ended_one_left_behind_is_cleared_before_the_next_starts(emulator: Emulator, install: Install) -> None:
    install(EMULATOR.format(before=""))
    emulator.state.mkdir(parents=True)
    emulator.scratch.with_name("outputs.json").write_text("{}")
    emulator.start(free_port())
    assert not emulator.scratch.with_name("outputs.json").exists()
