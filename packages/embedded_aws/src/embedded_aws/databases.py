"""`python -m embedded_aws.databases FOLDER`: end the tasks and PostgreSQL servers of an embedded AWS when it is gone.

Each is a process of its own: it outlives an emulator that is killed, and would keep its port and its memory. So the
emulator starts this module beside itself, and keeps a pipe to it open for as long as it lives, however it ends; a line
`+4711` in it is a task that has begun, `-4711` one that has ended. Whoever removes the folder of an emulator that was
killed ends its servers first, too.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from embedded_aws.address import HOST

# Written by the server into its data directory: line 1 is its process id, line 4 its port.
# https://www.postgresql.org/docs/current/storage-file-layout.html
_FILE: Final = "postmaster.pid"
_PORT_LINE: Final = 3
_PROCESSES: Final = Path("/proc")  # where Linux tells who owns a process
_ANSWER_SECONDS: Final = 1.0
_END_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.02


def end_all(folder: Path) -> list[int]:
    """End every server whose data is below a folder, at once.

    Args:
        folder: see `Emulator.postgres`.

    Returns:
        The ids of the processes that were ended.
    """
    ended = list(_running(folder))
    for process in ended:
        # SIGQUIT, PostgreSQL's immediate shutdown: SIGKILL would leave its children serving open connections.
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGQUIT)
    deadline = time.monotonic() + _END_SECONDS
    while set(_running(folder)) & set(ended) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return ended


def _running(folder: Path) -> Iterator[int]:
    for place, _folders, files in os.walk(folder):  # which follows no link
        if _FILE in files:
            with suppress(OSError, ValueError, IndexError):  # a server that ends removes the file
                yield _server(Path(place, _FILE))


def _server(file: Path) -> int:
    """Return the process id of the server that wrote a file.

    Raises:
        OSError: the file is gone, or nothing answers on its port.
        ValueError: it is not the file of a server, or the process is not that of its owner.
    """
    lines = file.read_text().splitlines()
    process, owner = int(lines[0]), file.lstat().st_uid
    # Where root runs this, a user who writes into the folder must not choose what root ends.
    entry = _PROCESSES / str(process)
    if file.is_symlink() or (entry.exists() and entry.stat().st_uid != owner):
        raise ValueError(f"process {process} does not belong to the owner of {file}")
    # The number alone proves nothing: the process may be another one by now. A server answers on its port.
    socket.create_connection((HOST, int(lines[_PORT_LINE])), _ANSWER_SECONDS).close()
    return process


def main() -> int:
    """Wait until standard input ends, which it does with the process at its other end; end its tasks and servers."""
    tasks: set[int] = set()
    for line in sys.stdin:
        (tasks.add if line.startswith("+") else tasks.discard)(int(line[1:]))
    for session in tasks:
        with suppress(ProcessLookupError, PermissionError):  # it ended with the emulator
            os.killpg(session, signal.SIGKILL)
    end_all(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
