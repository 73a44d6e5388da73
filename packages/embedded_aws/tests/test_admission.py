"""Web pages, other users of the machine and other host names are refused; signed requests of this start are served."""

from __future__ import annotations

import http.client
import json
import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.clients import Aws
from embedded_aws.emulator import Emulator, EmulatorError, Running
from embedded_testing.ports import free_port

pytestmark = pytest.mark.emulator

QUERY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def running(emulator: Emulator) -> Running:
    found = emulator.running()
    assert found is not None
    return found


def ask(running: Running, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str, str]:
    """Send a request as it is; return status, body and the headers that concern cross-origin access."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        return (
            answer.status,
            text,
            ",".join(name for name, _ in answer.getheaders() if name.lower().startswith("access-")),
        )
    finally:
        connection.close()


def signed(running: Running, key: str, access_key: str = ACCOUNT, token: str | None = None) -> dict[str, str]:
    """Return the headers of a signed request to STS."""
    request = AWSRequest("POST", f"{running.endpoint}/", headers=dict(FORM), data=QUERY)
    SigV4Auth(Credentials(access_key, key, token), "sts", REGION).add_auth(request)
    return {**dict(request.headers.items()), "Host": f"127.0.0.1:{running.port}"}


def test_a_request_that_is_signed_with_the_key_of_this_start_is_served(running: Running) -> None:
    status, body, _ = ask(running, "POST", "/", signed(running, running.key), QUERY)
    assert (status, ACCOUNT in body) == (200, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Access-Control-Request-Method": "POST"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_a_web_page_is_refused_even_with_the_right_signature(running: Running, headers: dict[str, str]) -> None:
    status, body, cors = ask(running, "POST", "/", {**signed(running, running.key), **headers}, QUERY)
    assert (status, json.loads(body)["__type"], cors) == (403, "AccessDenied", "")


@pytest.mark.parametrize("path", ["/", "/2015-03-31/functions", "/a-bucket/a-key", "/health", "/_ministack/reset"])
def test_no_preflight_is_answered(running: Running, path: str) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    status, _, cors = ask(running, "OPTIONS", path, headers)
    assert (status, cors) == (403, "")
    assert ask(running, "OPTIONS", path, {})[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "localhost", "127.0.0.1", "127.0.0.1:1", "a-bucket.s3.amazonaws.com"])
def test_a_name_that_was_rebound_to_loopback_is_refused(running: Running, host: str) -> None:
    status, body, _ = ask(running, "GET", "/health", {"Host": host})
    assert (status, json.loads(body)["message"]) == (403, "The embedded AWS answers to its loopback address alone.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("POST", "/2015-03-31/functions"),
        ("POST", "/2015-03-31/functions/any/invocations"),
        ("PUT", "/a-bucket"),
        ("GET", "/a-bucket/a-key"),
        ("POST", "/_ministack/reset"),
        ("GET", "/_ministack/health"),
        ("POST", "/health"),
        ("GET", "//health"),
    ],
)
def test_another_user_of_the_machine_has_no_key(running: Running, method: str, path: str) -> None:
    status, body, _ = ask(running, method, path, {}, b"{}")
    assert (status, json.loads(body)["__type"]) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(("access_key", "key"), [(ACCOUNT, "test"), ("test", "test"), ("AKIAIOSFODNN7EXAMPLE", "test")])
def test_a_guessed_key_is_refused(running: Running, access_key: str, key: str) -> None:
    status, _, _ = ask(running, "POST", "/", signed(running, key, access_key), QUERY)
    assert status == 403


def test_a_signature_fits_one_request_only(running: Running) -> None:
    status, body, _ = ask(running, "POST", "/", signed(running, running.key), QUERY.replace(b"Caller", b"Session"))
    assert (status, json.loads(body)["__type"]) == (403, "SignatureDoesNotMatch")


def test_temporary_credentials_are_as_good_as_the_role_they_come_from(running: Running, aws: Aws) -> None:
    made = aws("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/any", RoleSessionName="test")["Credentials"]
    right: dict[str, Any] = {"access_key": made["AccessKeyId"], "token": made["SessionToken"]}
    assert ask(running, "POST", "/", signed(running, made["SecretAccessKey"], **right), QUERY)[0] == 200
    assert ask(running, "POST", "/", signed(running, running.key, **right), QUERY)[0] == 403
    assert ask(running, "POST", "/", signed(running, made["SecretAccessKey"], made["AccessKeyId"]), QUERY)[0] == 403


def test_a_presigned_url_is_served_and_a_changed_one_is_not(running: Running, aws: Aws) -> None:
    aws("s3").create_bucket(Bucket="presigned")
    aws("s3").put_object(Bucket="presigned", Key="a", Body=b"content")
    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=running.key, region_name=REGION)
    signer = session.client("s3", endpoint_url=running.endpoint, config=Config(signature_version="s3v4"))
    url = signer.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a"})
    path = url.removeprefix(running.endpoint)
    assert ask(running, "GET", path, {})[:2] == (200, "content")
    assert ask(running, "GET", path.replace("/a?", "/b?"), {})[0] == 403


def test_the_key_is_for_this_user_alone_and_each_start_makes_its_own(emulator: Emulator, tmp_path: Path) -> None:
    assert stat.S_IMODE(emulator.lock.stat().st_mode) == 0o600
    assert stat.S_IMODE(emulator.state.stat().st_mode) == 0o700
    other = Emulator(emulator.python, tmp_path / "state")
    keys = set()
    for _ in range(2):
        keys.add(other.start(free_port()).key)
        other.stop()
    assert len(keys) == 2
    assert all(len(key) >= 40 for key in keys)


def test_its_key_is_not_shown(running: Running) -> None:
    assert running.key not in repr(running)


@pytest.mark.parametrize("folder", ["state", "postgres"])
def test_a_folder_that_somebody_prepared_is_not_used(
    emulator: Emulator, tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, victim = tmp_path / "state" if folder == "state" else tmp_path / "postgres", tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").touch()
    planted.symlink_to(victim)
    monkeypatch.setattr(Emulator, "postgres", property(lambda _: tmp_path / "postgres"))
    with pytest.raises(EmulatorError, match="is in the way"):
        Emulator(emulator.python, tmp_path / "state").start(free_port())
    assert [path.name for path in victim.iterdir()] == ["kept"]


def test_boto3_needs_nothing_but_endpoint_and_key(running: Running) -> None:
    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=running.key, region_name=REGION)
    caller = session.client("sts", endpoint_url=running.endpoint).get_caller_identity()
    assert caller["Account"] == ACCOUNT
