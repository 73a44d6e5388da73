"""The AWS CLI over the runbook: every command there that only reads is understood and answered."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from os import environ, pathsep
from pathlib import Path

import pytest

from ops import REPOSITORY
from stacks.names import OutputKey

RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
READS = re.compile(r"aws [a-z0-9-]+ (describe|list|get)-")
# Set by the reader in the course of a section, from an answer that has nothing to show here.
UNKNOWN = ("$CLUSTER", "$TABLE", "$POINT", "$QUEUE", "$JOB", "$ARN", "the-")


def commands() -> list[str]:
    """Return the runbook's commands that only read, each on one line."""
    fenced = re.findall(r"```sh\n(.*?)```", RUNBOOK, re.DOTALL)
    lines = [line for block in fenced for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`(aws [^`]+)`", RUNBOOK.replace("\n  ", " "))
    found = [line.strip() for line in [*lines, *inline] if READS.match(line.strip())]
    return sorted({" ".join(each.split()) for each in found if not any(word in each for word in UNKNOWN)})


def test_the_runbook_has_commands_that_read() -> None:
    assert len(commands()) >= 15


@pytest.mark.parametrize("command", ["rds describe-db-clusters", "sqs list-queues", "s3 ls", "sts get-caller-identity"])
def test_a_command_without_an_endpoint_stays_on_this_machine(command: str, programs: Path) -> None:
    path = pathsep.join([str(programs), environ["PATH"]])
    ended = subprocess.run(
        [sys.executable, "-m", "ops", "local", "run", "--", "aws", *command.split()],
        cwd=REPOSITORY, env={**environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_runbook_is_answered(
    command: str, programs: Path, endpoint: str, outputs: Mapping[str, str]
) -> None:
    suffix = outputs[OutputKey.SUFFIX]
    script = f"""
set -eu
SUFFIX={suffix} STACK=Breakwater-{suffix}
aws() {{ command aws --endpoint-url "{endpoint}" "$@"; }}
output() {{ aws cloudformation describe-stacks --stack-name "$STACK" --output text \\
  --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue | [0]"; }}
{command}
"""
    path = pathsep.join([str(programs), environ["PATH"]])
    ended = subprocess.run(
        ["sh", "-c", script], env={**environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
