"""The machinery of the installation: parts with fingerprints, logged commands, one run at a time."""

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
LOG = LOCAL / "install.log"
MARKER = ".breakwater-installed"
HEARTBEAT_SECONDS = 10.0


class InstallError(Exception):
    """A failure that the user can act on; the message is all that is shown."""


@dataclass(frozen=True)
class Part:
    """One folder that the installation builds.

    Attributes:
        folder: The folder; removing it makes the next run build it again.
        title: What the progress line calls it.
        fingerprint: Hash of everything that the content depends on.
        proof: A file without which the part counts as missing, whatever its marker says.
        build: Builds or updates the folder; raises `InstallError` on failure.
    """

    folder: Path
    title: str
    fingerprint: str
    proof: Path
    build: Callable[[], None]

    def is_current(self) -> bool:
        """Tells whether the folder was completely built from the present inputs."""
        marker = self.folder / MARKER
        return self.proof.exists() and marker.is_file() and marker.read_text() == self.fingerprint

    def run(self) -> None:
        """Build the folder; the marker is absent for as long as the content is in doubt."""
        marker = self.folder / MARKER
        marker.unlink(missing_ok=True)
        self.build()
        marker.write_text(self.fingerprint)


def fingerprint(files: Sequence[Path], *facts: str) -> str:
    """Hashes the content of files and a few plain facts.

    Args:
        files: Files whose content matters; their names and times do not.
        facts: Further inputs, such as the Python version.

    Returns:
        A SHA-256 hex digest.

    Raises:
        InstallError: A file is missing.
    """
    digest = hashlib.sha256("\0".join(facts).encode())
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except FileNotFoundError:
            raise InstallError(f"{file.name} is missing: restore it with `git checkout -- {file.name}`") from None
    return digest.hexdigest()


def run_logged(*command: str | Path, **variables: str) -> None:
    """Run a command with its output in the log, and shows every ten seconds that it lives.

    Args:
        command: Program and arguments.
        variables: Environment variables on top of the present ones.

    Raises:
        InstallError: The command failed; the message holds the end of its output.
    """
    words = [str(word) for word in command]
    started = time.monotonic()
    with LOG.open("ab") as sink:
        begin = sink.tell()
        with subprocess.Popen(
            words,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **variables},
        ) as process:
            while process.poll() is None:
                try:
                    process.wait(timeout=HEARTBEAT_SECONDS)
                except subprocess.TimeoutExpired:
                    last = "".join(_log_end(begin, 1)) or Path(words[0]).name
                    print(f"      {time.monotonic() - started:3.0f} s  {last[:90]}", flush=True)
    if process.returncode != 0:
        end = "\n    ".join(_log_end(begin, 12))
        raise InstallError(f"`{' '.join(words[:4])}` failed; full log in {LOG.relative_to(ROOT)}\n    {end}")


def _log_end(begin: int, lines: int) -> list[str]:
    return LOG.read_bytes()[begin:].decode(errors="replace").strip().splitlines()[-lines:]


@contextmanager
def only_one() -> Iterator[None]:
    """Lets one installation run at a time; a second one waits for the first and then finds its work done."""
    LOCAL.mkdir(exist_ok=True)
    with (LOCAL / "install.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("install: waiting for another installation in this folder ...", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
