"""Clients whose answers are written down, and checked against the service's own model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.stub import Stubber

from tests.lambdas.world import REGION


@dataclass(frozen=True)
class Refusal:
    """An error that a service answers with.

    Args:
        code: its code, e.g. ``ThrottlingException``.
    """

    code: str


Answer = tuple[str, Mapping[str, Any] | Refusal]


def stubbed(service: str, *answers: Answer) -> Any:
    """Return a client that gives these answers in this order, one for each call, and fails at any other call.

    Args:
        service: its name in boto3.
        answers: method of the client, and what it answers.
    """
    create: Any = boto3.client  # the stubs know each service by its literal name
    client = create(service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
    stubber = Stubber(client)
    for method, answer in answers:
        if isinstance(answer, Refusal):
            stubber.add_client_error(method, answer.code, "no", 400)
        else:
            stubber.add_response(method, dict(answer))
    stubber.activate()
    return client
