"""One container of a task: a process of this machine, or nothing at all where its image cannot run here.

A process runs as the user who started the embedded AWS, in a session of its own, with a fixed environment. It is on a
leash: `embedded_aws.databases` ends it when the embedded AWS is gone, however that ended.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from threading import Lock, Thread
from typing import Any, Final

from embedded_aws.server import addresses, process
from embedded_aws.server.balancer.service import running

_CONFINED: Final = Path(__file__).parent / "confined"
_POLL_SECONDS: Final = 0.05
# ECS's default, and the longest time on AWS Fargate.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
STOP_SECONDS: Final = 30


@dataclass(eq=False)
class Place:
    """Where a task is.

    Attributes:
        lease: its address; None where the task has no subnet.
        containers: those of the task that have not ended.
    """

    lease: addresses.Lease | None
    containers: list["Container"] = field(default_factory=list)

    @property
    def address(self) -> str | None:
        """Its address in its subnet."""
        return self.lease.address if self.lease else None

    def leave(self, container: "Container | None" = None) -> None:
        """Give the address back, unless a container of the task still runs.

        Args:
            container: one that has ended.
        """
        if container in self.containers:
            self.containers.remove(container)
        if self.lease and not self.containers:
            addresses.release(self.lease)


class Container:
    """What ministack takes for a container of Docker; this one is on paper: its image cannot run here.

    Args:
        place: of its task.
    """

    def __init__(self, place: Place) -> None:
        self.id = f"paper-{token_hex(6)}"
        self.place = place
        self.status = "running"
        self.attrs = {"NetworkSettings": {"Networks": {"task": {"IPAddress": place.address}}}}

    @property
    def is_process(self) -> bool:
        """Whether a process runs, or ran."""
        return False

    def reload(self) -> None:
        """Do nothing: a container on paper stays as it is."""

    def wait(self) -> dict[str, int]:
        """Return how it ended, as Docker says it."""
        return {"StatusCode": 0}

    def end(self) -> None:
        """End it."""
        self.status = "exited"
        self.place.leave(self)

    def stop(self, **_options: Any) -> None:
        """End it in the background."""
        Thread(target=self.end, daemon=True).start()

    def remove(self, **_options: Any) -> None:
        """Do nothing: what is left of it goes with the task."""

    def logs(self, *, stream: bool = False, **_options: Any) -> Iterator[bytes] | bytes:
        """Return what it wrote: nothing."""
        return iter(()) if stream else b""


class Process(Container):
    """A container that runs.

    Args:
        place: of its task.
        words: the command line.
        folder: the files of its image, in which it starts.
        home: a folder of its own, for its temporary files and its log.
        environment: its whole environment.
        stop_seconds: how long it may take to end after SIGTERM.
        serves: whether load balancers send requests to it.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        place: Place,
        words: Sequence[str],
        *,
        folder: Path,
        home: Path,
        environment: Mapping[str, str],
        stop_seconds: int,
        serves: bool,
    ) -> None:
        super().__init__(place)
        self._stop_seconds = stop_seconds
        self._ending = Lock()
        self._log = home / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        process.leash(self._process.pid)
        self.id = f"process-{self._process.pid}"
        if serves:
            Thread(target=self._tell_its_end, daemon=True).start()

    def _tell_its_end(self) -> None:
        """Let the load balancers send it nothing more: ECS sees its end, and deregisters it, a moment later."""
        self._process.wait()
        running().lose(self.place.address)

    @property
    def is_process(self) -> bool:
        """Whether a process runs, or ran."""
        return True

    def reload(self) -> None:
        """Look whether it still runs."""
        if self.status == "running" and self._process.poll() is not None:
            self._clear()
            self.status = "exited"

    def wait(self) -> dict[str, int]:
        """Wait until it has ended, and return its exit code: 128 and the number of the signal that ended it."""
        code = self._process.wait()
        return {"StatusCode": code if code >= 0 else 128 - code}

    def end(self) -> None:
        """End it as ECS does: SIGTERM when no load balancer uses it any more, and SIGKILL when its time is over.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
        """
        while self._process.poll() is None and self.place.address and running().in_use(self.place.address):
            time.sleep(_POLL_SECONDS)
        with self._ending:  # once: a second SIGTERM tells some servers to drop what they are doing
            if self._process.poll() is None:
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(self._stop_seconds)
            self._clear()
            self._process.wait()
            self.status = "exited"
        self.place.leave(self)

    def _clear(self) -> None:
        """End what is left of it: a container's processes end with its first one."""
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses signals to a group of zombies
            os.killpg(self._process.pid, signal.SIGKILL)
        process.unleash(self._process.pid)

    def logs(self, *, stream: bool = False, **_options: Any) -> Iterator[bytes] | bytes:
        """Return what it wrote; as a stream line by line, until it has ended."""
        return self._lines() if stream else self._log.read_bytes()

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        with self._log.open("rb") as log:
            while True:
                has_ended = self._process.poll() is not None
                rest += log.read()
                *lines, rest = rest.split(b"\n")
                yield from lines
                if has_ended:
                    yield from [rest] if rest else []
                    return
                time.sleep(_POLL_SECONDS)


def interpreter() -> Path:
    """Return the interpreter of tasks."""
    return Path(os.environ.get("EMBEDDED_AWS_TASKS_PYTHON") or sys.executable)


def program(words: Sequence[str], search_path: str) -> list[str] | None:
    """Return a command line with a program of this machine; None when this machine has none of its name.

    `python` means the interpreter of tasks, wherever the image has it; others are looked for in `search_path`.
    """
    first = Path(words[0])
    if first.name in ("python", "python3"):
        return [str(interpreter()), *words[1:]]
    found = shutil.which(words[0], path=search_path) if first.name == words[0] or first.is_absolute() else None
    return [found, *words[1:]] if found else None


def environment(home: Path) -> dict[str, str]:
    """Return the variables that every process of a task has, whatever its definition says."""
    return {
        "PATH": os.pathsep.join([str(interpreter().parent), os.defpath]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(_CONFINED),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name: os.environ[name] for name in _OF_THE_EMULATOR},
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    }


# As in `embedded_aws.environment`: nothing of the caller's AWS comes in.
_OF_THE_EMULATOR: Final = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED",
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip
