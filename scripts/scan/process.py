"""Run a scanner that is a program of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from scripts.scan.model import ScanError

TIMEOUT_SECONDS = 600


def run(
    command: Sequence[str],
    *,
    given: str | None = None,
    allowed: Collection[int] = (0,),
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> str:
    """Run a program, by default in an empty folder, so that it finds no configuration of this project.

    Args:
        command: Program and arguments.
        given: Its standard input.
        allowed: Exit codes of a complete run.
        cwd: Folder to run it in.
        variables: Environment variables on top of this process's own.
        timeout_seconds: How long it may take.

    Returns:
        Its standard output.

    Raises:
        ScanError: The program is missing, takes too long, or ends with another exit code.
    """
    name = Path(command[0]).name
    with tempfile.TemporaryDirectory(prefix="breakwater-scan-") as empty:
        try:
            done = subprocess.run(
                command,
                cwd=cwd or empty,
                input=given,
                env={**os.environ, **(variables or {})},
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_seconds,
            )
        except FileNotFoundError:
            raise ScanError(f"{command[0]} is missing: run `make install`") from None
        except subprocess.TimeoutExpired:
            raise ScanError(f"{name} took more than {timeout_seconds:g} s") from None
    if done.returncode not in allowed:
        raise ScanError(f"{name} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
