"""The process: it refuses addresses beyond loopback, locks its state file, and serves until it is stopped."""

import argparse
import fcntl
import gc
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Final

from embedded_aws.loopback import require_loopback
from embedded_aws.server.confinement import confine_to_loopback


def main() -> int:
    """Run `python -m embedded_aws`.

    Returns:
        The process's exit code: 0 after a stop, 1, with one line on stderr, when it cannot or must not start.
    """
    parser = argparse.ArgumentParser(
        prog="python -m embedded_aws",
        description="Start the embedded AWS on loopback; its port and addresses come from the environment.",
    )
    parser.add_argument(
        "--lock", type=Path, required=True, help="file for pid, port, key; locked while the process runs"
    )
    parser.add_argument("--log", type=Path, help="run in the background and write to this file")
    options = parser.parse_args()
    try:
        for name in ("BIND_HOST", "MINISTACK_HOST", "AWS_ENDPOINT_URL"):
            require_loopback(os.environ.get(name, ""), name)
        options.lock.touch(mode=0o600)  # the key in it is for this user alone
        with options.lock.open("a") as lock:
            _hold(lock)
            if options.log:
                _detach(options.log)
            key = os.environ["AWS_SECRET_ACCESS_KEY"]
            json.dump({"pid": os.getpid(), "port": int(os.environ["GATEWAY_PORT"]), "key": key}, lock)
            lock.flush()
            _end_all_afterwards()
            _serve()
    except (ValueError, RuntimeError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _hold(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RuntimeError(f"{lock.name} is locked: an embedded AWS already runs here") from None
    lock.truncate(0)


def _detach(log: Path) -> None:
    # The lock belongs to the open file, which both processes have: it stays held when the first one goes.
    if os.fork():
        os._exit(0)
    os.setsid()
    with log.open("ab") as written:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(written.fileno(), stream.fileno())


# The end of the pipe that closes with this process, however it ends; the other end hears of processes by it.
_leash: list[int] = []
# Of the interpreter's lock, which each thread asks for again after every read and write of a socket: those of the load
# balancers and database endpoints wait this long while another one computes.
_SWITCH_SECONDS: Final = 0.0005


def leash(process: int) -> None:
    """Let a process, and all of its session, end when this one has ended."""
    os.write(_leash[0], f"+{process}\n".encode())


def unleash(process: int) -> None:
    """Let go of a process that has ended: its number may soon be another one's."""
    os.write(_leash[0], f"-{process}\n".encode())


def _end_all_afterwards() -> None:
    waiting, open_until_the_end = os.pipe()
    _leash.append(open_until_the_end)
    subprocess.Popen(
        [sys.executable, "-m", "embedded_aws.databases", os.environ["EMBEDDED_AWS_POSTGRES"]],
        stdin=waiting,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(waiting)


def _serve() -> None:
    confine_to_loopback()
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.callbacks.append(_keep)
    # ministack reads its environment while it is imported, so nothing of it is imported before the checks.
    import_module("embedded_aws.server.extension").install()
    sys.argv[1:] = []  # ministack's own main parses the command line again
    import_module("ministack.app").main()


def _keep(phase: str, info: Mapping[str, int]) -> None:
    """Let garbage collection pass over what has outlived a full one, mostly rules and models."""
    if phase == "stop" and info["generation"] == len(gc.get_threshold()) - 1:
        gc.freeze()
