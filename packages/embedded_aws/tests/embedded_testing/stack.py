"""Templates deployed into the embedded AWS by its own API, without CDK."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.clients import Aws
from embedded_aws.docker import Images

_SECONDS = 120  # far more than any takes: machines that run tests are busy
_ENDED = ("_COMPLETE", "_FAILED")
_PLACEHOLDERS = {"${AWS::AccountId}": ACCOUNT, "${AWS::Region}": REGION, "${AWS::Partition}": "aws"}


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: its name.
        status: the status its last operation ended with.
        outputs: its outputs.
        physical_ids: its resources' physical ids by logical id.
    """

    name: str
    status: str
    outputs: Mapping[str, str]
    physical_ids: Mapping[str, str]


def deploy(aws: Aws, name: str, template: Mapping[str, Any]) -> Stack:
    """Create the stack, or update it if it exists, and wait for the end of the operation, whatever its result."""
    cloudformation = aws("cloudformation")
    request = {"StackName": name, "TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    if exists(aws, name):
        cloudformation.update_stack(**request)
    else:
        cloudformation.create_stack(**request)
    status = wait(aws, name)
    described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        name=name,
        status=status,
        outputs={each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", [])},
        physical_ids={each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources},
    )


def exists(aws: Aws, name: str) -> bool:
    """Return whether there is a stack of this name, whatever its status."""
    pages = aws("cloudformation").get_paginator("describe_stacks").paginate()
    return any(stack["StackName"] == name for page in pages for stack in page["Stacks"])


def delete(aws: Aws, name: str) -> None:
    """Delete the stack and wait until it is gone."""
    stack_id = aws("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    aws("cloudformation").delete_stack(StackName=name)
    assert wait(aws, stack_id) == "DELETE_COMPLETE"


def update(aws: Aws, name: str, template: Mapping[str, Any], **options: Any) -> str:
    """Update the stack with options of `UpdateStack`, and return the status that it ends in."""
    aws("cloudformation").update_stack(StackName=name, TemplateBody=json.dumps(template), **options)
    return wait(aws, name)


def wait(aws: Aws, stack: str) -> str:
    """Wait for the end of a stack's operation, and return the stack's status."""
    cloudformation = aws("cloudformation")
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if status.endswith(_ENDED) and "CLEANUP" not in status:
            return status
        time.sleep(0.02)
    raise AssertionError(f"{stack} did not end within {_SECONDS} s")


def reasons(aws: Aws, name: str) -> str:
    """Return what CloudFormation says about everything that failed in a stack and in its nested stacks."""
    events = aws("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    said = [each.get("ResourceStatusReason", "") for each in events if "FAILED" in each["ResourceStatus"]]
    nested = {found for each in said for found in re.findall(r"^Embedded stack (\S+)", each)}
    return "; ".join([*said, *(reasons(aws, each) for each in sorted(nested))])


def events(aws: Aws, stack: str, logical_id: str) -> list[str]:
    """Return what CloudFormation told of a resource, from the first status to the last."""
    told = aws("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [each["ResourceStatus"] for each in reversed(told) if each["LogicalResourceId"] == logical_id]


def upload(aws: Aws, template: Mapping[str, Any], *, bucket: str = "templates", key: str) -> str:
    """Put a nested template where a parent can name it, and return its URL."""
    _put(aws, bucket, key, json.dumps(template).encode())
    return f"https://s3.{REGION}.amazonaws.com/{bucket}/{key}"


def _put(aws: Aws, bucket: str, key: str, body: bytes) -> None:
    s3 = aws("s3")
    if bucket not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=body)


def publish_assembly(aws: Aws, folder: Path, stack: str) -> None:
    """Do what `cdk bootstrap` and asset publishing do for an assembly: its version, templates, code and images."""
    aws("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True)
    manifest = json.loads((folder / f"{stack}.assets.json").read_text())
    for asset in manifest["files"].values():
        for destination in asset["destinations"].values():
            path = folder / asset["source"]["path"]
            body = _zipped(path) if asset["source"]["packaging"] == "zip" else path.read_bytes()
            _put(aws, _filled(destination["bucketName"]), _filled(destination["objectKey"]), body)
    images = Images(folder.with_name("images"))
    for digest, asset in manifest.get("dockerImages", {}).items():
        images.build(folder / asset["source"]["directory"], "Dockerfile", digest)
        for destination in asset["destinations"].values():
            _push(aws, images, digest, _filled(destination["repositoryName"]), destination["imageTag"])


def _push(aws: Aws, images: Images, name: str, repository: str, tag: str) -> None:
    ecr = aws("ecr")
    if repository not in {each["repositoryName"] for each in ecr.describe_repositories()["repositories"]}:
        ecr.create_repository(repositoryName=repository)
    target = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}:{tag}"
    images.tag(name, target)
    images.push(target, ecr)


def _zipped(folder: Path) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(folder))
    return packed.getvalue()


def _filled(text: str) -> str:
    for placeholder, value in _PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text
