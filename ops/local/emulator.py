"""The embedded AWS as a background process: whether it runs, starting it, stopping it.

It holds a lock on its state file for as long as it lives. The lock goes with the process however that ends, so a file
left behind is never mistaken for a running emulator, nor another process with its number for this one.
"""

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from typing import Final

from embedded_aws.clients import endpoint
from ops.errors import OpsError
from ops.local import environment
from ops.local.workspace import Workspace

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_ANSWER_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.1
# Loopback needs no proxy, whatever the user's environment says of them.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Running:
    """A running embedded AWS.

    Attributes:
        pid: its process id.
        port: where it listens, on loopback.
    """

    pid: int
    port: int


def running(workspace: Workspace) -> Running | None:
    """The embedded AWS of this checkout; None when it does not run."""
    while _is_locked(workspace):
        written = workspace.lock.read_text()
        if written:
            return Running(**json.loads(written))
        time.sleep(_POLL_SECONDS)  # it holds its lock a moment before it knows its own number
    return None


def _is_locked(workspace: Workspace) -> bool:
    try:
        with workspace.lock.open() as state:
            fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def ended_unnoticed(workspace: Workspace) -> bool:
    """Whether an emulator ran here, was not stopped by `down`, and no longer runs."""
    return workspace.lock.exists() and running(workspace) is None


def start(workspace: Workspace, port: int) -> Running:
    """Start the embedded AWS in the background and wait until it answers.

    Args:
        workspace: the checkout.
        port: where it is to listen, on loopback.

    Returns:
        The running emulator.

    Raises:
        OpsError: the port is taken, or the emulator did not come up; the message says which and why.
    """
    _require_free(port)
    _remove_state(workspace)  # what an emulator that ended unnoticed left behind
    workspace.scratch.mkdir(parents=True)
    started = subprocess.run(
        [workspace.emulator_python, "-m", "embedded_aws", "--lock", workspace.lock, "--log", workspace.log],
        cwd=workspace.root,
        env=environment.for_emulator(workspace, port),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if started.returncode:
        raise OpsError(f"the embedded AWS did not start: {_last_line(started.stderr)}")
    _wait_until_healthy(workspace, port)
    found = running(workspace)
    if found is None:
        raise OpsError(died(workspace))
    return found


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise OpsError(f"port {port} cannot be used: {error.strerror}; choose another with --port") from None
            raise OpsError(
                f"port {port} is taken by another program: stop that, or choose another port with --port"
            ) from None


def _wait_until_healthy(workspace: Workspace, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not healthy(port):
        if not _is_locked(workspace):
            raise OpsError(f"the embedded AWS did not start: {_last_log_line(workspace)}")
        if time.monotonic() > deadline:
            stop(workspace)
            raise OpsError(f"the embedded AWS did not answer on port {port} within {_START_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def healthy(port: int) -> bool:
    """Whether an embedded AWS answers on this port."""
    try:
        with _opener.open(f"{endpoint(port)}/health", timeout=_ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def died(workspace: Workspace) -> str:
    """The one line about an emulator that ended on its own."""
    return (
        f"the embedded AWS has ended ({_last_log_line(workspace)}): its state is gone; "
        "run `make local` again (log: " + workspace.shown(workspace.log) + ")"
    )


def _last_log_line(workspace: Workspace) -> str:
    return _last_line(workspace.log.read_text(errors="replace") if workspace.log.exists() else "")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def stop(workspace: Workspace) -> bool:
    """Stop the embedded AWS and remove its state, which lives in its memory.

    Args:
        workspace: the checkout.

    Returns:
        Whether it was running.

    Raises:
        OpsError: it does not end.
    """
    found = running(workspace)
    if found:
        for sent, patience in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
            os.kill(found.pid, sent)
            if _wait_until_gone(workspace, patience):
                break
        else:
            raise OpsError(f"the embedded AWS (process {found.pid}) does not end: end it yourself")
    _remove_state(workspace)
    return found is not None


def _remove_state(workspace: Workspace) -> None:
    """Remove all files; a PostgreSQL server whose emulator was killed ends within a minute of losing its own."""
    for folder in (workspace.postgres, workspace.state):
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_gone(workspace: Workspace, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _is_locked(workspace) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return not _is_locked(workspace)
