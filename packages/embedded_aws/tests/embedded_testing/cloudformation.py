"""A stand-in for CloudFormation's read calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeCloudFormation:
    """Answers the read calls of those who follow or compare deployments.

    Args:
        stacks: by name, what `describe_stacks` says of each.
        resources: by stack name, what `list_stack_resources` says.
        templates: by stack name, the deployed template.
        events: by stack name, newest first.
    """

    def __init__(
        self,
        stacks: Mapping[str, Mapping[str, Any]],
        *,
        resources: Mapping[str, list[dict[str, Any]]] | None = None,
        templates: Mapping[str, Any] | None = None,
        events: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self._stacks = stacks
        self._resources = resources or {}
        self._templates = templates or {}
        self._events = events or {}

    def describe_stacks(self, **request: str) -> dict[str, Any]:
        self._require(request["StackName"])
        defaults = {"StackStatus": "CREATE_COMPLETE", "CreationTime": MORNING}
        return {"Stacks": [{**defaults, **self._stacks[request["StackName"]]}]}

    def get_template(self, **request: str) -> dict[str, Any]:
        return {"TemplateBody": self._templates[request["StackName"]]}

    def get_paginator(self, operation: str) -> _Pages:
        members = {
            "list_stack_resources": ("StackResourceSummaries", self._resources),
            "describe_stack_events": ("StackEvents", self._events),
        }
        return _Pages(self, *members[operation])

    def _require(self, stack: str) -> None:
        if stack not in self._stacks:
            message = f"Stack with id {stack} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")


class _Pages:
    def __init__(self, owner: FakeCloudFormation, member: str, items: Mapping[str, list[dict[str, Any]]]) -> None:
        self._owner = owner
        self._member = member
        self._items = items

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        self._owner._require(request["StackName"])
        for item in self._items.get(request["StackName"], []):
            yield {self._member: [item]}
