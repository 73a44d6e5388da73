"""The OpenAPI document is what the service does: 200 cases that schemathesis makes of it, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.service.contract import DOCUMENT, require_contract
from tests.service.harness import Postgres, call

pytestmark = pytest.mark.xdist_group("service")
schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_service_answers_as_its_document_says(
    case: schemathesis.Case[Any],
    port: int,
    postgres: Postgres,  # noqa: ARG001 - its sentences hold afterwards
) -> None:
    require_contract(case, f"http://127.0.0.1:{port}", alone=True)


def test_the_document_is_served(port: int) -> None:
    assert call(port, "GET", "/openapi.json").body == DOCUMENT
