"""How AWS is reached: which Region counts, and what a wrong environment says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from boto3.session import Session

from embedded_aws.emulator import Emulator, Running
from ops import connection
from ops.__main__ import main
from ops.connection import Connection
from ops.errors import OpsError
from ops.local.workspace import Workspace
from ops.preflight.account import Account

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize(
    ("given", "environment", "found"),
    [
        (None, {}, None),
        (None, {"AWS_REGION": ""}, None),
        (None, {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2"),
        (None, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1"),
        ("eu-west-3", {"AWS_REGION": "eu-west-1"}, "eu-west-3"),
    ],
)
def test_the_region_is_what_the_cli_takes(
    given: str | None, environment: dict[str, str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Connection.from_environment(given).session.region_name == found


@pytest.mark.parametrize(("value", "found"), [(None, None), ("", None), ("http://127.0.0.1:4566", None)])
def test_the_endpoint_is_aws_own_unless_one_is_given(
    value: str | None, found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", value)
    connection = Connection.from_environment("us-east-1")
    assert connection.endpoint == (value or found)
    assert connection.client("sts").meta.endpoint_url == (value or "https://sts.us-east-1.amazonaws.com")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AWS_ENDPOINT_URL", "nonsense", "Invalid endpoint: nonsense: correct AWS_REGION, or AWS_ENDPOINT_URL"),
        ("AWS_REGION", "eu west", "region_name 'eu west' doesn't match a supported format: correct AWS_REGION"),
        ("AWS_PROFILE", "nobody", "The config profile (nobody) could not be found: set AWS_PROFILE to an existing one"),
    ],
)
def test_a_wrong_environment_is_one_line(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name != "AWS_REGION":
        monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv(name, value)
    for command in (["outputs"], ["drill", "failover"]):
        assert main(command) == 1
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1


COMMANDS = {
    "drift": (["drift"], 3),
    "drill": (["drill", "failover", "--yes"], 1),
    "load": (["load"], 1),
    "migrate": (["migrate"], 1),
    "outputs": (["outputs"], 1),
    "restore": (["restore", "take-over", "--yes"], 1),
    "series": (["drill-series", "--yes"], 1),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_credentials_every_command_takes_the_embedded_aws_or_says_that_none_runs(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Session, "get_credentials", lambda _: None)
    monkeypatch.chdir(tmp_path)
    words, code = COMMANDS[command]
    assert main(words, Workspace(state=tmp_path / "state")) == code
    told = "error: no AWS credentials, and no embedded AWS runs here: log in, or run `make local`\n"
    assert capsys.readouterr().err == told
    # Nothing listens there.
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(Emulator, "running", lambda _: Running(pid=1, port=9, key="k"))
    connection._say.cache_clear()
    assert main(words, Workspace(state=tmp_path / "state")) == code
    said, failed = capsys.readouterr().err.splitlines()
    assert said == "no AWS credentials: this is the embedded AWS of this checkout, http://127.0.0.1:9"
    assert failed.startswith("error: AWS cannot be reached: Could not connect to the endpoint URL")


@pytest.mark.parametrize("command", COMMANDS)
def test_with_credentials_every_command_needs_a_region(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words, code = COMMANDS[command]
    assert main(words, Workspace(state=tmp_path / "state")) == code
    assert capsys.readouterr().err == "error: no Region: give --region, or set AWS_REGION\n"


def test_preflight_says_it_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(OpsError, match=r"Invalid endpoint: nonsense: correct AWS_REGION, or AWS_ENDPOINT_URL"):
        Account("us-east-1").identity()


def test_the_runbook_sets_the_region_for_boto3_as_well() -> None:
    """Its snippets use boto3 as it is, which does not read AWS_REGION."""
    text = (REPOSITORY / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert "import boto3" in text
    exports = re.findall(r"^export .*AWS_REGION=(\S+).*$", text, re.MULTILINE)
    assert exports == re.findall(r"^export .*AWS_DEFAULT_REGION=(\S+).*$", text, re.MULTILINE) != []
