"""Drift: a resource is read back through the API of its service, by the verifier of its type.

ministack compares a few types with its own tables and takes a stack of others for one in sync. As on AWS, a nested
stack is checked on its own, not with its parent.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from embedded_aws.deployment import DeployedResource
from embedded_aws.server import upstream
from embedded_aws.server.api import client
from embedded_aws.verify import Comparison, compare, verified_types

# Of these a verifier reads only that they are there, or what their parent says.
_NOT_CHECKED: Final = frozenset({"AWS::CloudFormation::Stack", "AWS::CDK::Metadata"})
_DETECTIONS: Final = (b"Action=DetectStackDrift", b"Action=DetectStackResourceDrift")
_NOT_DESCRIBED: Final = "described by its service"
_GONE: Final = re.compile(r"NotFound|NoSuch|NonExistent|does not exist|single item among 0|Missing")
_IN_SYNC: Final = "IN_SYNC"


def install() -> None:
    """Put the verifiers in the place of ministack's readers."""
    upstream.supports_drift.wrap(lambda _few: is_checked)
    upstream.detect_resource_drift.wrap(lambda _by_tables: _detect)
    upstream.service_handlers["cloudformation"] = _off_the_event_loop(upstream.service_handlers["cloudformation"])


def is_checked(resource_type: str) -> bool:
    """Return whether a verifier compares what is declared of a type."""
    return resource_type in verified_types() - _NOT_CHECKED


def _off_the_event_loop(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Detect on a thread: a verifier calls this server, which could not answer it meanwhile."""

    async def handle_detection(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if any(detection in body for detection in _DETECTIONS):
            return await asyncio.to_thread(lambda: asyncio.run(_finish(handle(method, path, headers, body, query))))
        return await handle(method, path, headers, body, query)

    return handle_detection


async def _finish(answer: Awaitable[Any]) -> Any:
    return await answer


def _detect(stack: dict[str, Any], logical_id: str, record: dict[str, Any], timestamp: str) -> dict[str, Any]:
    """Return the `StackResourceDrift` of a resource, as ministack keeps it."""
    compared = comparisons(stack["StackName"], logical_id, record, record["Properties"])
    status, more = judge([each for each in compared if not each.passed])
    return {
        "StackId": stack["StackId"],
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": record["PhysicalResourceId"],
        "ResourceType": record["ResourceType"],
        "Timestamp": timestamp,
        "StackResourceDriftStatus": status,
        "ExpectedProperties": _properties(compared, "expected"),
        "ActualProperties": _properties(compared, "found"),
        **more,
    }


def comparisons(stack: str, logical_id: str, record: dict[str, Any], properties: dict[str, Any]) -> list[Comparison]:
    """Return what the verifier of a resource compares, given the stack's name, its record, and what is declared."""
    resource = DeployedResource(
        stack=stack,
        logical_id=logical_id,
        type=record["ResourceType"],
        physical_id=record["PhysicalResourceId"],
        status=record["ResourceStatus"],
        properties=properties,
    )
    return list(compare(client, resource))


def judge(different: list[Comparison]) -> tuple[str, dict[str, Any]]:
    """Return the drift status that failed comparisons mean, and what a `StackResourceDrift` says of them."""
    if not different:
        return _IN_SYNC, {}
    failure = next((each for each in different if each.what == _NOT_DESCRIBED), None)
    if failure is None:
        return "MODIFIED", {"PropertyDifferences": [_difference(each) for each in different]}
    if _GONE.search(failure.found):
        return "DELETED", {}
    return "UNKNOWN", {"DriftStatusReason": f"Drift detection failed: {failure.found}"}


def _difference(comparison: Comparison) -> dict[str, str]:
    kind = "ADD" if comparison.expected is None else "REMOVE" if comparison.found is None else "NOT_EQUAL"
    return {
        "PropertyPath": f"/{comparison.what}",
        "ExpectedValue": json.dumps(comparison.expected, default=str),
        "ActualValue": json.dumps(comparison.found, default=str),
        "DifferenceType": kind,
    }


def _properties(comparisons: list[Comparison], side: str) -> str:
    return json.dumps({each.what: getattr(each, side) for each in comparisons}, sort_keys=True, default=str)
