"""The service as its clients find it, through the load balancer."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as generated

from stacks.names import OutputKey
from stacks.settings import Settings
from stacks.settings.rules import SERVICE_IMAGE
from tests.service.contract import DOCUMENT, require_contract

CASES = 200
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def url(outputs: Mapping[str, str], settings: Settings, unanswered: Callable[[str, str], None]) -> str:
    """Return the address of the service."""
    if settings.compute.image != SERVICE_IMAGE:
        unanswered("elbv2", "no task of an image from a registry runs there")
    return outputs[OutputKey.SERVICE_URL]


def test_a_request_through_the_load_balancer_reaches_the_service(url: str, settings: Settings) -> None:
    with urllib.request.urlopen(f"{url}{settings.compute.health_path}", timeout=10) as answer:  # noqa: S310 (our own URL)
        assert answer.status == 200


@pytest.mark.usefixtures("emulator")
def test_the_service_serves_its_document(url: str) -> None:
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=10) as answer:  # noqa: S310
        assert json.load(answer) == DOCUMENT


@pytest.mark.usefixtures("emulator")  # it moves money
@SCHEMA.parametrize()
@generated(
    max_examples=CASES // len(DOCUMENT["paths"]),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_service_answers_as_its_document_says(case: schemathesis.Case[Any], url: str) -> None:
    require_contract(case, url, balanced=True)
