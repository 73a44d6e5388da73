"""The AWS CLI of version 1, which does not read AWS_ENDPOINT_URL for every service, stays on this machine."""

from __future__ import annotations

import subprocess
import sys
from os import environ, pathsep
from pathlib import Path

import pytest

from ops import REPOSITORY


@pytest.mark.parametrize("command", ["rds describe-db-clusters", "sqs list-queues", "s3 ls", "sts get-caller-identity"])
def test_a_command_without_an_endpoint_stays_on_this_machine(command: str, programs: Path) -> None:
    path = pathsep.join([str(programs), environ["PATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", "ops", "local", "run", "--", "aws", *command.split()],
        cwd=REPOSITORY, env={**environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
