"""PostgreSQL servers end with their embedded AWS, however that ends, and nothing else is ended in their place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection
from typing import TypeAlias

import pytest

from embedded_aws import databases
from embedded_aws.clients import clients
from embedded_aws.emulator import Emulator
from embedded_testing.aurora import aurora
from embedded_testing.ports import free_port
from embedded_testing.running import eventually, processes_of
from embedded_testing.stack import deploy

Start: TypeAlias = Callable[[Path], "subprocess.Popen[bytes]"]
# Listens as a PostgreSQL does, and ends on the signal for an immediate shutdown.
SERVER = "import signal, socket; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); signal.pause()"


@pytest.fixture
def server() -> Iterator[Start]:
    """Start a stand-in for a server, and write the file that a server writes into its data directory."""
    started: list[subprocess.Popen[bytes]] = []

    def start(data: Path) -> subprocess.Popen[bytes]:
        port = free_port()
        process = subprocess.Popen([sys.executable, "-c", SERVER.format(port=port)], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        data.mkdir(parents=True)
        (data / "postmaster.pid").write_text(f"{process.pid}\n{data}\n1790000000\n{port}\n")
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_every_server_of_the_folder_is_ended_and_no_other(server: Start, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    one, two, other = server(ours / "one" / "data"), server(ours / "two" / "data"), server(theirs / "data")
    (ours / "link").symlink_to(theirs)
    assert set(databases.end_all(ours)) == {one.pid, two.pid}
    assert (one.wait(5), two.wait(5), other.poll()) == (-signal.SIGQUIT, -signal.SIGQUIT, None)
    assert databases.end_all(ours) == []
    assert databases.end_all(tmp_path / "nowhere") == []


def test_a_file_that_is_a_link_is_not_believed(server: Start, tmp_path: Path) -> None:
    other = server(tmp_path / "theirs")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "postmaster.pid").symlink_to(tmp_path / "theirs" / "postmaster.pid")
    assert databases.end_all(tmp_path / "ours") == []
    assert other.poll() is None


def test_a_process_of_another_user_is_not_believed(
    server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = server(tmp_path / "data")
    (tmp_path / "processes" / str(other.pid)).mkdir(parents=True)
    monkeypatch.setattr(databases, "_PROCESSES", tmp_path / "processes")
    stat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: os.stat_result((*stat(path)[:4], 12345, *stat(path)[5:])))
    assert databases.end_all(tmp_path) == []
    assert other.poll() is None


@pytest.mark.parametrize("content", ["{own}\n/data\n1790000000\n{free}\n", "{own}\n", "", "no\nnumbers\nare\nhere\n"])
def test_a_file_left_behind_is_not_believed(tmp_path: Path, content: str) -> None:
    (tmp_path / "postmaster.pid").write_text(content.format(own=os.getpid(), free=free_port()))
    assert databases.end_all(tmp_path) == []  # and this process lives on


def test_the_servers_of_a_killed_embedded_aws_end_with_it_and_nothing_else_is_left(
    emulator_python: Path, tmp_path: Path
) -> None:
    emulator = Emulator(emulator_python, tmp_path / "state")
    running = emulator.start(free_port())
    try:
        assert deploy(clients(running.port, running.key), "one", aurora()).status == "CREATE_COMPLETE"
        ports = [int(file.read_text().splitlines()[3]) for file in emulator.postgres.rglob("postmaster.pid")]
        assert len(ports) == 2
        for kind in ("embedded_aws --lock", "embedded_aws.databases", "postgres"):
            assert any(kind in line for line in processes_of(emulator))
        os.kill(running.pid, signal.SIGKILL)
        eventually(lambda: not processes_of(emulator), seconds=2)
        assert not any(map(answers, ports))
    finally:
        emulator.stop()
    assert not emulator.state.exists()
    assert not emulator.postgres.exists()


def answers(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
