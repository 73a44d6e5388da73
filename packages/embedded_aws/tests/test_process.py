"""The emulator's process: the ministack it fits, the addresses it refuses, what it may never reach."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from embedded_aws.emulator import Emulator
from embedded_testing.ports import free_port

pytestmark = pytest.mark.emulator


def python(emulator: Emulator, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the emulator's own interpreter."""
    variables = {**emulator.variables(free_port(), "a-key"), **variables}
    emulator.scratch.mkdir(parents=True, exist_ok=True)
    command = [str(emulator.python), *arguments]
    return subprocess.run(
        command, cwd=emulator.state, env=variables, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def idle(emulator_python: Path, tmp_path: Path) -> Emulator:
    return Emulator(emulator_python, tmp_path / "state")


def test_the_pinned_ministack_is_the_one_the_extension_is_written_for(idle: Emulator) -> None:
    found = python(
        idle,
        "-c",
        "from embedded_aws.server import upstream, upstream_ecs; print(*upstream.incompatibilities(), sep='\\n')",
    )
    assert (found.stdout.strip(), found.returncode) == ("", 0), (
        "ministack has moved: compare each function named here with its new form, then raise the version in "
        f"server/upstream.py, in pyproject.toml and in emulator.in\n{found.stdout}{found.stderr}"
    )


def test_each_incompatibility_of_ministack_is_named(idle: Emulator) -> None:
    moved = """
from embedded_aws.server import upstream
from ministack.core import responses
from ministack.services import backup
upstream.VERSION = "0.0.1"
del responses.get_region
upstream.table("services.backup", "_no_such_table")
backup._ok = lambda content: content
print(*upstream.incompatibilities(), sep="\\n")
"""
    lines = python(idle, "-c", moved).stdout.splitlines()
    assert lines[0].endswith("and this extension is written for 0.0.1")
    assert lines[1:] == [
        "ministack.services.backup._no_such_table is gone",
        "ministack.core.responses.get_region is gone",
        "ministack.services.backup._ok takes ('content',) instead of ('body',)",
    ]


def test_its_threads_do_not_wait_for_each_other_nor_for_garbage(idle: Emulator) -> None:
    """A thread gets the interpreter's lock within a millisecond; what outlived a full collection is passed over."""
    served = """
import gc, sys
from types import SimpleNamespace
from embedded_aws.server import process

def main():
    print(sys.getswitchinterval() <= 0.001)
    gc.collect(0)
    print(gc.get_freeze_count())
    gc.collect()
    print(gc.get_freeze_count() > 1000)

process.import_module = lambda _name: SimpleNamespace(install=lambda: None, main=main)
process._serve()
"""
    assert python(idle, "-c", served).stdout.splitlines() == ["True", "0", "True"]


def test_a_type_that_ministack_provides_by_now_is_not_added_over_it(idle: Emulator) -> None:
    added = """
from embedded_aws.server import registry
try:
    registry.add("AWS::SNS::Topic", create=None, update=None, delete=None)
except LookupError as error:
    print(error)
try:
    registry.complete("AWS::No::Such", None)
except LookupError as error:
    print(error)
"""
    assert python(idle, "-c", added).stdout.splitlines() == [
        "ministack now provides AWS::SNS::Topic: remove it from embedded_aws/server/types",
        "ministack no longer provides AWS::No::Such: add it in embedded_aws/server/types",
    ]


@pytest.mark.parametrize("name", ["BIND_HOST", "MINISTACK_HOST", "AWS_ENDPOINT_URL"])
@pytest.mark.parametrize("address", ["0.0.0.0", "localhost", "192.0.2.1", ""])  # noqa: S104 (to be refused)
def test_any_address_but_loopback_is_refused(idle: Emulator, name: str, address: str) -> None:
    value = f"http://{address}:4566" if name == "AWS_ENDPOINT_URL" else address
    refused = python(idle, "-m", "embedded_aws", "--lock", str(idle.lock), **{name: value})
    assert refused.returncode == 1
    assert refused.stderr == f"error: {name}={value!r} is not a loopback address: only 127.0.0.1 or ::1 is allowed\n"
    assert not idle.lock.exists()


def test_the_process_neither_listens_nor_connects_beyond_loopback(idle: Emulator) -> None:
    tried = """
import errno, socket
from embedded_aws.server.confinement import confine_to_loopback
confine_to_loopback()
listening = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listening.getsockname())
for attempt in (
    lambda: socket.create_server(("0.0.0.0", 0)),
    lambda: socket.socket().bind(("", 0)),
    lambda: socket.socket().connect(("192.0.2.1", 80)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
):
    try:
        attempt()
    except OSError as error:
        print(errno.errorcode[error.errno], error.strerror.partition("=")[0])
"""
    assert python(idle, "-c", tried).stdout.splitlines() == [
        "EPERM socket.bind",
        "EPERM socket.bind",
        "EPERM socket.connect",
        "EPERM socket.sendto",
    ]


def test_only_one_emulator_runs_in_a_state_folder(emulator: Emulator) -> None:
    second = python(emulator, "-m", "embedded_aws", "--lock", str(emulator.lock))
    assert (second.returncode, second.stderr) == (
        1,
        f"error: {emulator.lock} is locked: an embedded AWS already runs here\n",
    )
