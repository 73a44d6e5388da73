"""A checkout with stand-ins for the programs that `ops local` starts, and for CloudFormation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from ops.local.workspace import Workspace

Install: TypeAlias = Callable[[str, str], None]
NODE = "print('v{version}')"  # a stand-in for the program, as a Python script
_PACKAGE = {"engines": {"node": "22 || 24"}, "dependencies": {"aws-cdk": "2.1148.1"}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Return a checkout with stand-ins for everything that `up` needs, and stop an emulator that is left running."""
    root = tmp_path / "checkout"
    made = Workspace(root=root, state=root / ".local" / "embedded-aws")
    root.mkdir()
    (root / "package.json").write_text(json.dumps(_PACKAGE))
    cli = root / "node_modules" / "aws-cdk" / "package.json"
    cli.parent.mkdir(parents=True)
    cli.write_text(json.dumps({"version": "2.1148.1"}))
    yield made
    made.emulator.stop()


@pytest.fixture
def install(workspace: Workspace) -> Install:
    """Put a Python script in the place of a program of the checkout: `emulator`, `cdk` or `node`."""
    places = {
        "emulator": workspace.emulator_python,
        "cdk": workspace.root / "node_modules" / ".bin" / "cdk",
        "node": workspace.root / "node_modules" / ".bin" / "node",
    }

    def install_script(program: str, script: str) -> None:
        file = workspace.root / f"{program}.py"
        file.write_text(script)
        starter = places[program]
        starter.parent.mkdir(parents=True, exist_ok=True)
        starter.write_text(f'#!/bin/sh\nexec {sys.executable} {file} "$@"\n')
        starter.chmod(0o755)

    return install_script


MORNING = datetime(2026, 1, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class FakeCloudFormation:
    """Answers the read calls of `ops.local`.

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
