"""One environment in an embedded AWS of its own, beside that of `make local`, and the table of what each step took.

`make environments` runs these files. They are called `check_*.py`, so `make test` leaves them alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from embedded_aws import changes, clients, deployment, verify
from embedded_aws.ports import is_free
from embedded_aws.verified import Verified, failures
from embedded_testing.inventory import items
from ops import REPOSITORY
from ops.__main__ import main
from ops.console import new_table
from ops.local.workspace import BusyError, Workspace
from stacks.names import STACK_PREFIX

FIRST_PORT = 4600
FOLDER = REPOSITORY / ".local" / "environments"


class Environment:
    """An environment in an embedded AWS of its own.

    Args:
        settings: with which it is deployed, by key.
        folder: for the state of the embedded AWS and what else is made on the way.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.workspace = Workspace(state=folder / "embedded-aws")
        self.stack = f"{STACK_PREFIX}-{settings['suffix']}"
        self.port = next(port for port in range(FIRST_PORT, 2 * FIRST_PORT) if is_free(port))
        running = self.workspace.emulator.start(self.port)
        self.client = clients.clients(running.port, running.key)
        self.variables = self.workspace.variables(running.port, running.key)
        self.empty = set(items(self.client))

    def up(self, *settings: tuple[str, str]) -> None:
        """Run `make local` with settings on top of those of the environment."""
        given = {**self.settings, **dict(settings)}.items()
        words = [word for key, value in given for word in ("-c", f"{key}={value}")]
        assert main(["local", "up", "--port", str(self.port), *words], self.workspace) == 0

    def cdk(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the CDK CLI."""
        return self.run("cdk", "--no-notices", "--ci", *words)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command for which the embedded AWS is the only AWS."""
        return subprocess.run(
            command,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            stdin=subprocess.DEVNULL,
        )

    def status(self) -> str:
        """Return the status of the root stack."""
        return str(self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the root stack."""
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def snapshot(self) -> dict[str, changes.StackState]:
        """Return what is deployed, by stack."""
        return changes.snapshot(self.client("cloudformation"), self.stack)

    def resources(self) -> list[deployment.DeployedResource]:
        """Return every resource of what `make local` deployed last."""
        made = deployment.Deployment(self.client("cloudformation"), self.client("ec2"), self.workspace.assembly)
        return list(made.resources(self.stack))

    def wrong(self) -> list[str]:
        """Return what is not as the templates of `make local` declare it."""
        return list(failures(Verified(r, list(verify.compare(self.client, r))) for r in self.resources()))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one run at a time use a folder: each begins with an empty one, so a second would remove what the first has.

    Args:
        folder: for what the environments make on the way.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(Workspace(state=folder).only_one("`make environments`"))
        except BusyError as error:
            pytest.exit(f"error: {error}", returncode=1)
        yield


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Return the folder of this run, which no other uses meanwhile."""
    with alone(FOLDER):
        yield FOLDER


_seconds = dict[str, dict[str, str]]()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what a step took."""
    step = re.search(r"check_environments.py::test_(\w+)\[([\w-]+)\]", report.nodeid)
    if step and (report.when == "call" or report.failed):
        verdict = "" if report.passed else " [red]failed[/red]"
        _seconds.setdefault(step[2], {})[step[1]] = f"{report.duration:.0f}{verdict}"


def pytest_terminal_summary() -> None:
    """Print what each step took in each environment."""
    if not _seconds:
        return
    steps = list(dict.fromkeys(step for taken in _seconds.values() for step in taken))
    table = new_table("Seconds", "Environment", *(step.replace("_", " ") for step in steps), right=tuple(steps))
    for name, taken in _seconds.items():
        table.add_row(name, *(taken.get(step, "-") for step in steps))
    Console(width=160).print(table)
