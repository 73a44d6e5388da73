"""What prowler finds in the deployed account: each finding is listed with a reason in `prowler.toml`, or is none."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import pytest

from scripts.scan.model import SHORTEST_REASON
from stacks.names import STACK_PREFIX, OutputKey

LISTED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("prowler.toml").read_text(encoding="utf-8"))
Finding = tuple[str, str, str]
"""The check, what it is about, and what is wrong."""


def rows(environment: str) -> list[tuple[str, str, str]]:
    """Return what is listed for an environment: check, pattern of the resource, and reason."""
    return [
        (check, where, row["reason"])
        for row in LISTED["listed"]
        for check in row["checks"]
        for where in row.get("where", ["*"])
        if environment in row.get("environments", [environment])
    ]


def others(suffix: str) -> list[str]:
    """Return the suffixes of the other deployments in this account, whose findings are theirs."""
    names = [each["StackName"] for each in boto3.client("cloudformation").describe_stacks()["Stacks"]]
    suffixes = {
        name.removeprefix(f"{STACK_PREFIX}-").partition("-")[0] for name in names if name.startswith(STACK_PREFIX)
    }
    return sorted(suffixes - {suffix})


@pytest.fixture(scope="module")
def findings(
    programs: Path, endpoint: str, outputs: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> set[Finding]:
    folder = tmp_path_factory.mktemp("prowler")
    command = [
        str(programs / "prowler"), "aws", "--region", "us-east-1", "--services", *LISTED["services"], "--no-banner",
        "--no-color", "--ignore-exit-code-3", "-M", "json-ocsf", "-o", str(folder), "-F", "found",
    ]  # fmt: skip
    # A home of its own: it keeps settings there, and reads the user's.
    ended = subprocess.run(
        command,
        env={**os.environ, "AWS_ENDPOINT_URL": endpoint, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    found = json.loads((folder / "found.ocsf.json").read_text(encoding="utf-8"))
    assert sum(each["status_code"] == "PASS" for each in found) > len(found) / 2
    foreign = [f"*{part}*" for other in others(outputs[OutputKey.SUFFIX]) for part in (f"-{other}-", f"-{other}/")]
    return {
        (each["metadata"]["event_code"], each["resources"][0]["uid"], each["status_detail"])
        for each in found
        if each["status_code"] == "FAIL"
        and not any(fnmatchcase(each["resources"][0]["uid"].lower(), pattern) for pattern in foreign)
    }


def test_every_finding_has_a_reason(findings: set[Finding], outputs: Mapping[str, str]) -> None:
    known = rows(outputs[OutputKey.ENVIRONMENT])
    without = [
        f"{check}: {uid}: {detail}"
        for check, uid, detail in sorted(findings)
        if not any(check == listed and fnmatchcase(uid, where) for listed, where, _ in known)
    ]
    assert without == []


def test_every_reason_has_a_finding(findings: set[Finding], outputs: Mapping[str, str]) -> None:
    unused = [
        f"{listed} {where}"
        for listed, where, _ in rows(outputs[OutputKey.ENVIRONMENT])
        if not any(check == listed and fnmatchcase(uid, where) for check, uid, _ in findings)
    ]
    assert unused == []


def test_every_reason_is_one() -> None:
    assert [row for row in LISTED["listed"] if len(row["reason"]) < SHORTEST_REASON] == []
