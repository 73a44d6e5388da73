"""The OpenAPI document is what the service does: 200 cases that schemathesis makes of it, good ones and bad ones."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings

from tests.assembly import ROOT
from tests.service.harness import Running, call

DOCUMENT: dict[str, Any] = json.loads((ROOT / "service" / "breakwater_service" / "openapi.json").read_text())
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_service_answers_as_its_document_says(case: schemathesis.Case, service: Running) -> None:
    case.call_and_validate(base_url=f"http://127.0.0.1:{service.port}")


def test_the_document_is_served(service: Running) -> None:
    assert call(service.port, "GET", "/openapi.json").body == DOCUMENT
