"""Where the local deployment keeps its files: all below `.local`, which git ignores."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws import environment
from embedded_aws.emulator import Emulator
from ops import REPOSITORY

DEFAULT_PORT = 4566
_SETTINGS = "settings.json"
_FAILOVERS = "failovers.json"


class BusyError(Exception):
    """Another command starts, changes or stops the embedded AWS of this checkout.

    Args:
        process: its process id.
        commands: which may be at work.
    """

    def __init__(self, process: str, commands: str) -> None:
        super().__init__(f"another {commands} runs in this checkout (process {process}): wait until it has ended")


@dataclass(frozen=True)
class Workspace:
    """The files of one checkout.

    Attributes:
        root: the repository's top folder.
        state: everything that a running embedded AWS needs and leaves behind; removed when it is stopped.
    """

    root: Path = REPOSITORY
    state: Path = REPOSITORY / ".local" / "embedded-aws"

    @property
    def emulator_python(self) -> Path:
        """The interpreter of the embedded AWS's own virtual environment, which `make install` creates."""
        return self.root / ".local" / "emulator-venv" / "bin" / "python"

    @property
    def service_python(self) -> Path:
        """Interpreter of the environment that the reference service runs in."""
        return self.root / ".local" / "service-venv" / "bin" / "python"

    @property
    def emulator(self) -> Emulator:
        """The embedded AWS of this checkout; its tasks run with the environment of the reference service, if any."""
        service = self.service_python
        return Emulator(self.emulator_python, self.state, service if service.exists() else None)

    @property
    def cdk_log(self) -> Path:
        """The output of the last `cdk` command."""
        return self.state / "cdk.log"

    @property
    def assembly(self) -> Path:
        """The cloud assembly that was deployed."""
        return self.state / "cdk.out"

    @property
    def outputs(self) -> Path:
        """The outputs of the root stack, as `cdk deploy --outputs-file` writes them."""
        return self.state / "outputs.json"

    @property
    def programs(self) -> Path:
        """The folder of commands that are made for the embedded AWS."""
        return self.state / "bin"

    @property
    def images(self) -> Path:
        """Copies of the build contexts that were published as images."""
        return self.state / "images"

    @property
    def flat_outputs(self) -> Path:
        """All outputs and physical ids, as `python -m ops outputs` writes them."""
        return self.state / "flat-outputs.json"

    def settings(self) -> dict[str, dict[str, str]]:
        """Return the settings that each deployed stack was given, by name of the stack; empty before the first one."""
        file = self.state / _SETTINGS
        found: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def keep_settings(self, stack: str, settings: Mapping[str, str]) -> None:
        """Remember the settings that a stack is deployed with, for commands that compare it with them.

        Args:
            stack: name of the root stack.
            settings: by key, as they are given with `-c`.
        """
        (self.state / _SETTINGS).write_text(json.dumps({**self.settings(), stack: dict(settings)}))

    def last_failover(self, stack: str, answer: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Return the answer of the last failover that a stack was tried with; None before the first one.

        Args:
            stack: name of the root stack.
            answer: of one that has just succeeded, which is then the last one.
        """
        file = self.state / _FAILOVERS
        known: dict[str, Mapping[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
        if answer is not None:
            known[stack] = answer
            file.write_text(json.dumps(known))
        return known.get(stack)

    @contextmanager
    def only_one(self, commands: str = "`make local` or `make local-down`") -> Iterator[None]:
        """Let one command at a time start, change or stop the embedded AWS.

        Args:
            commands: which do so, for the message.

        Raises:
            BusyError: another one is at work.
        """
        turn = self.state.with_suffix(".lock")  # not in `state`, which comes and goes
        turn.parent.mkdir(parents=True, exist_ok=True)
        with turn.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise BusyError(file.read() or "unknown", commands) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def variables(self, port: int, key: str, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment of commands that use the embedded AWS: the CDK CLI, the app, integration checks.

        Args:
            port: where the embedded AWS listens.
            key: its secret key.
            outside: the environment of this process.

        Returns:
            The whole environment: this checkout's tools come first on PATH, and of `outside` come only PATH and a short
            list of variables.
        """
        given = environment.for_clients(port, key, outside)
        tools = (Path(sys.executable).parent, self.root / "node_modules" / ".bin")
        return {
            **given,
            "PATH": os.pathsep.join([*map(str, tools), given["PATH"]]),
            # A cache apart from the user's: the CLI remembers there which account a key belongs to.
            "CDK_HOME": str(self.state / "cdk-home"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DOCKER": str(self.programs / "docker"),
        }

    def ended_message(self) -> str:
        """Return the message about an embedded AWS that ended by itself."""
        cause, log = self.emulator.last_words(), self.shown(self.emulator.log)
        return f"the embedded AWS has ended ({cause}): its state is gone; run `make local` again (log: {log})"

    def shown(self, path: Path) -> str:
        """Return a path as its user would type it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)
