"""Runs a judge that is a program of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from scripts.judge.model import JudgeError

MOST_SECONDS = 600


def run(
    command: Sequence[str],
    *,
    given: str | None = None,
    allowed: Collection[int] = (0,),
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    most_seconds: float = MOST_SECONDS,
) -> str:
    """Runs a program, in an empty folder when not said otherwise, so that no configuration of this project reaches it.

    Args:
        command: Program and arguments.
        given: What it reads from standard input.
        allowed: Exit codes of a run that came to a verdict.
        cwd: Folder to run it in.
        variables: Environment variables on top of this process's own.
        most_seconds: How long it may take.

    Returns:
        What it printed.

    Raises:
        JudgeError: It is missing, takes too long, or ends with another exit code.
    """
    name = Path(command[0]).name
    with tempfile.TemporaryDirectory(prefix="breakwater-judge-") as empty:
        try:
            done = subprocess.run(
                command,
                cwd=cwd or empty,
                input=given,
                env={**os.environ, **(variables or {})},
                capture_output=True,
                text=True,
                check=False,
                timeout=most_seconds,
            )
        except FileNotFoundError:
            raise JudgeError(f"{command[0]} is missing: run `make install`") from None
        except subprocess.TimeoutExpired:
            raise JudgeError(f"{name} took more than {most_seconds:g} s") from None
    if done.returncode not in allowed:
        raise JudgeError(f"{name} ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
