"""Nothing of the user's environment reaches the embedded AWS or its clients, and nothing leaves this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from embedded_aws import clients as aws
from embedded_aws import environment
from embedded_aws.emulator import Emulator
from embedded_aws.loopback import require_loopback
from embedded_testing.hostile import HOSTILE

EMULATOR = Emulator(Path("/venv/bin/python"), Path("/state"))


@pytest.fixture(params=[environment.for_clients, EMULATOR.variables])
def made(request: pytest.FixtureRequest) -> dict[str, str]:
    built: dict[str, str] = request.param(4600, "a-key", HOSTILE)
    return built


def test_only_listed_variables_come_in(made: dict[str, str]) -> None:
    kept = {name for name, value in HOSTILE.items() if made.get(name) == value}
    assert kept - {"PATH"} == {"HOME"}
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "PYTHONPATH"} & made.keys()


def test_every_endpoint_is_loopback_and_the_credentials_are_those_of_this_start(made: dict[str, str]) -> None:
    endpoints = {name: value for name, value in made.items() if "ENDPOINT" in name}
    assert endpoints == dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), "http://127.0.0.1:4600")
    assert (made["AWS_ACCESS_KEY_ID"], made["AWS_SECRET_ACCESS_KEY"]) == ("000000000000", "a-key")
    assert (made["AWS_CONFIG_FILE"], made["AWS_SHARED_CREDENTIALS_FILE"]) == (os.devnull, os.devnull)
    assert made["AWS_EC2_METADATA_DISABLED"] == "true"


def test_the_emulator_listens_on_loopback_only_and_opens_nothing_else() -> None:
    made = EMULATOR.variables(4600, "a-key", HOSTILE)
    assert (made["BIND_HOST"], made["GATEWAY_PORT"], made["MINISTACK_HOST"]) == ("127.0.0.1", "4600", "127.0.0.1")
    assert (made["IOT_MTLS_ENABLED"], made["SFTP_ENABLED"]) == ("0", "0")
    assert "PERSIST_STATE" not in made


def test_deployed_functions_run_with_the_emulators_own_interpreter() -> None:
    assert EMULATOR.variables(4600, "a-key", HOSTILE)["PATH"] == f"/venv/bin{os.pathsep}/usr/bin"


def test_clients_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    for service in ("rds", "s3", "application-autoscaling"):
        client = aws.clients(4600, "a-key")(service)
        assert client.meta.endpoint_url == "http://127.0.0.1:4600"
        credentials = client._request_signer._credentials
        assert (credentials.access_key, credentials.secret_key, credentials.token) == ("000000000000", "a-key", None)
        assert client.meta.config.proxies == {}
        assert client.meta.region_name == "us-east-1"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "http://127.0.0.1:4566", "http://[::1]:4566/x"])
def test_loopback_is_let_through(address: str) -> None:
    require_loopback(address, "it")


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "0.0.0.0", "10.0.0.1", "http://localhost:4566", "https://rds.us-east-1.amazonaws.com", "http://"],  # noqa: S104
)
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"it=.* is not a loopback address"):
        require_loopback(address, "it")
