"""What is deployed: the templates of the cloud assembly, nested ones included, beside the stacks made of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.resolve import Scope

STACK_TYPE = "AWS::CloudFormation::Stack"
_ASSET_PATH = "aws:asset:path"


@dataclass(frozen=True)
class DeployedResource:
    """One resource of a template.

    Attributes:
        stack: the nested stack's construct id (`Database`), or the root stack's name.
        logical_id: its logical id.
        type: its CloudFormation type.
        properties: what its template declares, references resolved where that can be done.
        physical_id: what CloudFormation made of it; None when it made nothing.
        status: its status in the stack, e.g. `CREATE_COMPLETE`; empty when it is not there.
    """

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    physical_id: str | None
    status: str


class Deployment:
    """A deployed cloud assembly.

    Args:
        cloudformation: a boto3 CloudFormation client.
        ec2: a boto3 EC2 client, asked for the Region's Availability Zones.
        assembly: the cloud assembly (`cdk.out`) that was deployed.
    """

    def __init__(self, cloudformation: Any, ec2: Any, assembly: Path) -> None:
        self._cloudformation = cloudformation
        self._zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
        self._assembly = assembly

    def resources(self, stack_name: str) -> Iterator[DeployedResource]:
        """Return every resource of the root template and of the templates nested in it, deployed or not."""
        yield from self._read(f"{stack_name}.template.json", stack_name, stack_name)

    def _read(self, file: str, stack_id: str, shown_as: str) -> Iterator[DeployedResource]:
        template = json.loads((self._assembly / file).read_text(encoding="utf-8"))
        deployed = {each["LogicalResourceId"]: each for each in stack_resources(self._cloudformation, stack_id)}
        scope = self._scope(template, stack_id, deployed)
        for logical_id, resource in template["Resources"].items():
            found = deployed.get(logical_id, {})
            yield DeployedResource(
                stack=shown_as,
                logical_id=logical_id,
                type=resource["Type"],
                properties=scope.resolve(resource.get("Properties", {})),
                physical_id=found.get("PhysicalResourceId"),
                status=found.get("ResourceStatus", ""),
            )
            nested = resource.get("Metadata", {}).get(_ASSET_PATH)
            if resource["Type"] == STACK_TYPE and nested and found:
                yield from self._read(nested, found["PhysicalResourceId"], nested_name(resource, logical_id))

    def _scope(self, template: Mapping[str, Any], stack_id: str, deployed: Mapping[str, Any]) -> Scope:
        physical_ids = {key: each.get("PhysicalResourceId", "") for key, each in deployed.items()}
        nested = {key: physical_ids[key] for key, each in deployed.items() if each["ResourceType"] == STACK_TYPE}
        return Scope(
            template=template,
            parameters=self._pairs(stack_id, "Parameter"),
            physical_ids=physical_ids,
            outputs={key: self._pairs(nested_id, "Output") for key, nested_id in nested.items()},
            zones=self._zones,
        )

    def _pairs(self, stack_id: str, kind: str) -> dict[str, str]:
        stack = self._cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]
        return {each[f"{kind}Key"]: each[f"{kind}Value"] for each in stack.get(f"{kind}s", [])}


def stack_resources(cloudformation: Any, stack_id: str) -> Iterator[dict[str, Any]]:
    """Return the resources of one deployed stack, as `list_stack_resources` gives them."""
    for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id):
        yield from page["StackResourceSummaries"]


def nested_name(resource: Mapping[str, Any], logical_id: str) -> str:
    """Return the construct id of a nested stack, e.g. `Database`, from the path that the CDK writes beside it."""
    path = str(resource.get("Metadata", {}).get("aws:cdk:path", logical_id))
    return path.split("/")[-2].removesuffix(".NestedStack") if "/" in path else logical_id


def declared_types(assembly: Path) -> dict[str, list[str]]:
    """Return what the templates of a cloud assembly declare: for each type the paths, or logical ids, of its resources.

    Args:
        assembly: a cloud assembly (`cdk.out`).
    """
    found: dict[str, list[str]] = {}
    for file in sorted(assembly.glob("*.template.json")):
        for logical_id, resource in json.loads(file.read_text(encoding="utf-8")).get("Resources", {}).items():
            path = resource.get("Metadata", {}).get("aws:cdk:path", logical_id)
            found.setdefault(resource["Type"], []).append(path)
    return found
