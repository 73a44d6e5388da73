"""The OpenAPI document is what the service does: 200 cases that schemathesis makes of it, good ones and bad ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.assembly import ROOT
from tests.service.harness import Running, call

pytestmark = pytest.mark.xdist_group("service")
DOCUMENT: dict[str, Any] = json.loads((ROOT / "service" / "breakwater_service" / "openapi.json").read_text())
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_service_answers_as_its_document_says(case: schemathesis.Case[Any], service: Running) -> None:
    answer = case.call(base_url=f"http://127.0.0.1:{service.port}")
    # What no schema can express: a key is good for one body, a transfer has two accounts, and 5 is not written as 5.0.
    body = case.body if isinstance(case.body, dict) else {}
    unlawful = body.get("from") == body.get("to") or any(isinstance(value, float) for value in body.values())
    refused = answer.status_code == 422 or (answer.status_code == 400 and unlawful)
    case.validate_response(answer, excluded_checks=[positive_data_acceptance] if refused else [])


def test_the_document_is_served(service: Running) -> None:
    assert call(service.port, "GET", "/openapi.json").body == DOCUMENT
