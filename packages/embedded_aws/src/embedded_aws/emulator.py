"""The embedded AWS as a background process: start it, find it, stop it.

It holds a lock on its state file for as long as it lives. The operating system releases the lock with the process,
however that ends: a file left behind is never taken for a running emulator, nor another process with the same number.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from embedded_aws import databases, environment
from embedded_aws.address import endpoint
from embedded_aws.ports import PortError, require_free

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 15.0
_ANSWER_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.1
# Loopback needs no proxy, whatever the user's environment says.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(Exception):
    """The embedded AWS cannot be started or stopped; the message is one line that says why."""


@dataclass(frozen=True)
class Running:
    """A running embedded AWS.

    Attributes:
        pid: its process id.
        port: where it listens, on loopback.
        key: the secret key that requests are signed with; each start makes its own.
    """

    pid: int
    port: int
    key: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return endpoint(self.port)

    def is_ready(self) -> bool:
        """Return whether it answers."""
        try:
            with _opener.open(f"{self.endpoint}/health", timeout=_ANSWER_SECONDS) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True)
class Emulator:
    """One embedded AWS, running or not.

    Attributes:
        python: the interpreter of the virtual environment that ministack is installed in.
        state: the folder for all that it needs and leaves behind; removed when it is stopped.
        tasks_python: the interpreter that tasks of Amazon ECS run with; None for `python`.
    """

    python: Path
    state: Path
    tasks_python: Path | None = None

    def __post_init__(self) -> None:
        for name in ("python", "state"):
            object.__setattr__(self, name, getattr(self, name).absolute())

    @property
    def lock(self) -> Path:
        """Held by the running process; says its pid and port."""
        return self.state / "process.json"

    @property
    def log(self) -> Path:
        """What the process writes."""
        return self.state / "emulator.log"

    @property
    def calls(self) -> Path:
        """What its functions called, and which permissions that needs: one JSON object a line."""
        return self.state / "calls.jsonl"

    @property
    def authority(self) -> Path:
        """The certificate that signs those of its HTTPS listeners, for clients that are to trust them."""
        return self.state / "authority.pem"

    @property
    def scratch(self) -> Path:
        """Its temporary files."""
        return self.state / "tmp"

    @property
    def tasks(self) -> Path:
        """What tasks of Amazon ECS write: a folder for each task, in it one for each container."""
        return self.state / "tasks"

    @property
    def postgres(self) -> Path:
        """Data of the databases behind Aurora clusters.

        PostgreSQL refuses to run as root, so root starts it as another user, who may be unable to enter `state`.
        """
        if os.geteuid() != 0:
            return self.state / "postgres"
        return Path("/tmp") / f"embedded-aws-{sha256(bytes(self.state)).hexdigest()[:12]}"  # noqa: S108

    def running(self) -> Running | None:
        """Return the running process; None when there is none."""
        while self._is_locked():
            written = self.lock.read_text()
            if written:
                return Running(**json.loads(written))
            time.sleep(_POLL_SECONDS)  # it holds its lock a moment before it knows its own number
        return None

    def ended_unnoticed(self) -> bool:
        """Return whether it ran, was not stopped by `stop`, and no longer runs."""
        return self.lock.exists() and self.running() is None

    def last_port(self) -> int | None:
        """Return the port of an embedded AWS that runs, or that ended unnoticed; None when there was none."""
        try:
            return int(json.loads(self.lock.read_text())["port"])
        except (OSError, ValueError, LookupError, TypeError):  # it ended before it had written it
            return None

    def last_words(self) -> str:
        """Return the last line of its log."""
        return _last_line(self.log.read_text(errors="replace") if self.log.exists() else "")

    def variables(self, port: int, key: str, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the whole environment of the process.

        Args:
            port: where it is to listen, on loopback.
            key: the secret key that it asks of its callers.
            outside: the environment of the caller, of which only the allowed variables are passed on.
        """
        return environment.for_server(
            port,
            key,
            python=self.python,
            scratch=self.scratch,
            postgres=self.postgres,
            tasks=self.tasks,
            tasks_python=self.tasks_python or self.python,
            calls=self.calls,
            authority=self.authority,
            outside=outside,
        )

    def start(self, port: int, key: str | None = None) -> Running:
        """Start it in the background and wait until it answers.

        Args:
            port: where it is to listen, on loopback.
            key: the secret key that it asks of its callers; None for a new one.

        Returns:
            The running process.

        Raises:
            EmulatorError: the port is taken, or the process did not come up.
        """
        try:
            require_free(port)
        except PortError as error:
            raise EmulatorError(str(error)) from None
        self._remove_state()  # what an emulator that ended unnoticed left behind
        self._make_state()
        started = subprocess.run(
            [self.python, "-m", "embedded_aws", "--lock", self.lock, "--log", self.log],
            cwd=self.state,
            env=self.variables(port, key or new_key()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode:
            raise EmulatorError(f"the embedded AWS did not start: {_last_line(started.stderr)}")
        return self._wait_until_ready(port)

    def _make_state(self) -> None:
        # Made, never found: in a folder that somebody else prepared, that somebody chooses what runs.
        self.state.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.state, self.postgres, self.scratch):
            try:
                folder.mkdir(mode=0o711 if folder == self.postgres else 0o700)
            except FileExistsError:
                raise EmulatorError(f"{folder} is in the way and cannot be removed: remove it yourself") from None

    def _wait_until_ready(self, port: int) -> Running:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            found = self.running()
            if found is None:
                raise EmulatorError(f"the embedded AWS did not start: {self.last_words()}")
            if found.is_ready():
                return found
            if time.monotonic() > deadline:
                self.stop()
                raise EmulatorError(f"the embedded AWS did not answer on port {port} within {_START_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> bool:
        """Stop it and remove its state, which lives in its memory.

        Returns:
            Whether it was running.

        Raises:
            EmulatorError: the process does not end.
        """
        found = self.running()
        if found:
            for sent in (signal.SIGTERM, signal.SIGKILL):
                os.kill(found.pid, sent)
                if self._wait_until_gone():
                    break
            else:
                raise EmulatorError(f"the embedded AWS does not end: end process {found.pid} yourself")
        self._remove_state()
        return found is not None

    def _wait_until_gone(self) -> bool:
        deadline = time.monotonic() + _STOP_SECONDS
        while self._is_locked() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return not self._is_locked()

    def _is_locked(self) -> bool:
        try:
            with self.lock.open() as state:
                fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _remove_state(self) -> None:
        databases.end_all(self.postgres)
        for folder in (self.postgres, self.state):
            shutil.rmtree(folder, ignore_errors=True)


def new_key() -> str:
    """Return a secret key that nobody can guess."""
    return secrets.token_hex(20)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
