"""The preflight command against the embedded AWS: it ends by what it finds there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator
from ops.__main__ import main
from ops.local.workspace import Workspace
from tests.assembly import assembly

# After the tests that deploy this stack, and in their embedded AWS.
pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("dev-app")]
Ask = Callable[..., dict[str, tuple[str, str]]]
GROUP = "/aws/lambda/dr-failover-dev-us-east-1"
VERSION = "/cdk-bootstrap/hnb659fds/version"


@pytest.fixture
def ask(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    """Run the command, and return status and first message of each check by id."""
    running = emulator.running()
    assert running is not None
    variables = Workspace().variables(running.port, running.key)
    for name, value in variables.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    for name, said in (("cdk", "2.1148.1"), ("node", "v24.0.0")):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {said}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def run(*words: str, code: int) -> dict[str, tuple[str, str]]:
        assert main(["preflight", "--assembly", str(assembly("dev").folder), "--format", "json", *words]) == code
        rows = json.loads(capsys.readouterr().out)
        return {row["id"]: (row["status"], row["findings"][0]["message"]) for row in rows}

    return run


@pytest.fixture
def bootstrapped(aws: Aws) -> Iterator[None]:
    """Create what `cdk bootstrap` leaves behind."""
    aws("ssm").put_parameter(Name=VERSION, Value="30", Type="String", Overwrite=True)
    bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
    made = bucket not in {each["Name"] for each in aws("s3").list_buckets()["Buckets"]}
    if made:
        aws("s3").create_bucket(Bucket=bucket)
    yield
    aws("ssm").delete_parameter(Name=VERSION)
    if made:
        aws("s3").delete_bucket(Bucket=bucket)


@pytest.mark.usefixtures("bootstrapped")
def test_a_new_account_lets_the_deployment_through(ask: Ask) -> None:
    found = ask(code=0)
    assert {status for status, _ in found.values()} == {"pass", "warn", "could-not-ask"}
    # What this emulator has no API for.
    assert {name for name, (status, _) in found.items() if status == "could-not-ask"} == {
        "PF-ECS-01",
        "PF-RDS-02",
        "PF-VPC-01",
        "PF-VPC-03",
    }


@pytest.mark.usefixtures("bootstrapped")
def test_a_retired_engine_version_fails(ask: Ask) -> None:
    found = ask("-c", "database.engine_version=12.3", "--only", "PF-RDS-01", code=1)
    assert found["PF-RDS-01"][0] == "fail"
    assert found["PF-RDS-01"][1].startswith("12.3 is not offered in us-east-1; offered are ")


@pytest.mark.usefixtures("bootstrapped")
def test_a_log_group_that_is_left_over_fails(ask: Ask, aws: Aws) -> None:
    logs = aws("logs")
    logs.create_log_group(logGroupName=GROUP)
    try:
        found = ask("--only", "PF-LOGS", code=1)
    finally:
        logs.delete_log_group(logGroupName=GROUP)
    assert found == {"PF-LOGS-01": ("fail", f"log group {GROUP} exists outside Breakwater-dev")}


def test_a_region_that_is_not_bootstrapped_fails(ask: Ask, aws: Aws) -> None:
    aws("ssm").delete_parameters(Names=[VERSION])  # what another test's assembly was published with
    found = ask("--only", "PF-CDK", code=1)
    assert found["PF-CDK-01"] == ("fail", f"us-east-1 is not bootstrapped: there is no {VERSION}")


def test_the_accidental_cli_on_the_path_fails(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "cdk").write_text("#!/bin/sh\necho '3.0.0 (build 0)'\n")
    assert ask("--only", "PF-CLI-01", code=1) == {"PF-CLI-01": ("fail", "cdk is 3.0.0")}
