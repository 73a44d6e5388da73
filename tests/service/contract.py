"""What an answer of the service is judged by: its OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from tests.assembly import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "service" / "breakwater_service" / "openapi.json").read_text())


def require_contract(case: schemathesis.Case[Any], url: str, *, balanced: bool = False, alone: bool = False) -> None:
    """Send a generated request, and raise a failure where the answer is not what the document says.

    Args:
        case: what schemathesis made of the document.
        url: address of the service.
        balanced: whether it is that of a load balancer, which answers TRACE itself:
            https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
        alone: whether the service runs without AWS, where `/ready` answers 503.
    """
    answer = case.call(base_url=url)
    # What no schema can express: a key is good for one body, a transfer has two accounts, and 5 is not written as 5.0.
    body = case.body if isinstance(case.body, dict) else {}
    unlawful = body.get("from") == body.get("to") or any(isinstance(value, float) for value in body.values())
    refused = answer.status_code == 422 or (answer.status_code == 400 and unlawful)
    unready = alone and case.path == "/ready"
    excluded = [positive_data_acceptance] * refused + [unsupported_method] * balanced + [not_a_server_error] * unready
    case.validate_response(answer, excluded_checks=excluded)
