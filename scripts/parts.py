"""The machinery of the installation: folders with fingerprints, commands with a heartbeat, one run at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
MARKER = ".breakwater-installed"
HEARTBEAT_SECONDS = 10.0


class InstallError(Exception):
    """A failure that the user can act on; the message is all that is shown."""


@dataclass(frozen=True)
class Part:
    """One folder that the installation builds.

    Attributes:
        folder: The folder; removing it makes the next run build it again.
        title: Its name in the progress line.
        inputs: Files that determine the content.
        variant: Further input, such as the Python version.
        proof: A file without which the part counts as missing.
        build: Builds or updates the folder; raises `InstallError` on failure.
    """

    folder: Path
    title: str
    inputs: Sequence[Path]
    variant: str
    proof: Path
    build: Callable[[], None]

    def fingerprint(self) -> str:
        """Hash the content of the inputs; their names and times do not count."""
        digest = hashlib.sha256(self.variant.encode())
        for file in self.inputs:
            if not file.exists():
                raise InstallError(f"{file.name} is missing: restore it with `git checkout -- {file}`")
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def is_current(self) -> bool:
        """Return whether the folder was completely built from the present inputs."""
        marker = self.folder / MARKER
        return self.proof.exists() and marker.is_file() and marker.read_text() == self.fingerprint()

    def run(self) -> None:
        """Build the folder; its marker is absent until the content is complete."""
        marker = self.folder / MARKER
        marker.unlink(missing_ok=True)
        self.build()
        marker.write_text(self.fingerprint())


def run_quietly(*command: str | Path, **variables: str) -> None:
    """Run a command, and print the last line of its output every ten seconds.

    Args:
        command: Program and arguments.
        variables: Environment variables on top of the present ones.

    Raises:
        InstallError: The command failed; the message holds the end of its output.
    """
    words, started, output = [str(word) for word in command], time.monotonic(), None
    with subprocess.Popen(
        words,
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        while output is None:
            try:
                output, _ = process.communicate(timeout=HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired as error:
                last = (error.output or b"").decode(errors="replace").strip().rpartition("\n")[2]
                print(f"      {time.monotonic() - started:3.0f} s  {last[:90] or Path(words[0]).name}", flush=True)
    if process.returncode:
        end = "\n    ".join(output.decode(errors="replace").strip().splitlines()[-12:])
        raise InstallError(f"`{' '.join(words[:4])}` failed:\n    {end}")


@contextmanager
def only_one() -> Iterator[None]:
    """Allow one installation at a time; a second one waits for the first and then finds its work done."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "install.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("install: waiting for another installation in this folder ...", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
