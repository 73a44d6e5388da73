"""prowler over the account that the embedded AWS holds: each failed check has a reason in `prowler.toml`.

Prod is meant (`make local ENVIRONMENT=prod SUFFIX=eu1`): the other environments leave out on purpose what prowler asks.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from embedded_aws.address import REGION
from stacks.names import OutputKey

REASONS = Path(__file__).with_name("prowler.toml")
SHORTEST_REASON = 40  # characters, as for the scanners of `make scan`
# What prod declares. A service without a resource here has account-level checks alone.
SERVICES = (
    "awslambda", "backup", "cloudformation", "cloudwatch", "dynamodb", "ec2", "ecs", "elbv2", "iam", "kms", "rds", "s3",
    "secretsmanager", "sns", "sqs", "vpc", "wafv2",
)  # fmt: skip
# A full scan under load; on an idle machine it takes a minute.
TIMEOUT_SECONDS = 1200


@dataclass(frozen=True)
class Reason:
    """Why a failed check stays.

    Attributes:
        check: prowler's id, or a shell pattern for several.
        where: shell pattern for the resource's ARN.
        reason: why it stays.
    """

    check: str
    where: str
    reason: str

    def covers(self, check: str, resource: str) -> bool:
        """Return whether a failed check of a resource is meant."""
        return fnmatchcase(check, self.check) and fnmatchcase(resource, self.where)


def reasons() -> list[Reason]:
    return [Reason(**entry) for entry in tomllib.loads(REASONS.read_text(encoding="utf-8"))["reason"]]


@pytest.fixture(scope="module")
def failed(
    programs: Path, endpoint: str, outputs: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, list[str]]:
    """Run prowler once, and return the resources by failed check."""
    assert outputs[OutputKey.ENVIRONMENT] == "prod", "deploy prod first: make local ENVIRONMENT=prod SUFFIX=eu1"
    folder = tmp_path_factory.mktemp("prowler")
    command = [
        programs / "prowler", "aws", "--region", REGION, "--services", *SERVICES, "--no-banner",
        "--output-formats", "json-ocsf", "--output-directory", folder, "--output-filename", "found",
        "--ignore-exit-code-3",
    ]  # fmt: skip
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint, "HOME": str(folder)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    written = folder / "found.ocsf.json"
    assert (ended.returncode, written.exists()) == (0, True), ended.stdout + ended.stderr
    found = defaultdict(list)
    results = json.loads(written.read_text(encoding="utf-8"))
    assert len(results) > 100, "prowler has found next to nothing: did it reach the embedded AWS?"
    for result in results:
        if result["status_code"] == "FAIL":
            found[result["metadata"]["event_code"]].append(result["resources"][0]["uid"])
    return found


def test_every_failed_check_has_a_reason(failed: Mapping[str, list[str]]) -> None:
    known = reasons()
    unexplained = {
        f"{check} {resource}"
        for check, resources in failed.items()
        for resource in resources
        if not any(reason.covers(check, resource) for reason in known)
    }
    assert unexplained == set()


def test_every_reason_matches_a_failed_check(failed: Mapping[str, list[str]]) -> None:
    idle = [
        reason
        for reason in reasons()
        if not any(reason.covers(check, each) for check, resources in failed.items() for each in resources)
    ]
    assert idle == []


def test_every_reason_could_be_proved_wrong() -> None:
    assert [reason for reason in reasons() if len(reason.reason) < SHORTEST_REASON] == []
