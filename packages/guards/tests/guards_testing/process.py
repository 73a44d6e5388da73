"""A Python process of its own that imports the package under test, wherever the tests are started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import breakwater_guards

SOURCE = Path(breakwater_guards.__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCE)}


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program and capture what it writes; the options are those of `subprocess.run`."""
    if "stdout" not in options:
        options["capture_output"] = True
    environment = {**ENVIRONMENT, **options.pop("env", {})}
    return subprocess.run(command, env=environment, text=True, check=False, **options)


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the interpreter of the tests."""
    return run(sys.executable, *arguments, **options)
