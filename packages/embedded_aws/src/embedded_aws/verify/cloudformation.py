"""AWS CloudFormation: nested stacks, and the CDK's version marker."""

from collections.abc import Iterator
from typing import Final

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, verifies

# A stack that went back to what it was stays in UPDATE_ROLLBACK_COMPLETE until it is updated again.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-stack-states
_WHOLE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")


@verifies("AWS::CloudFormation::Stack")
def nested_stack(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare status and parameters."""
    found = aws("cloudformation").describe_stacks(StackName=resource.physical_id)["Stacks"][0]
    yield Comparison("complete", True, found["StackStatus"] in _WHOLE)
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    for name, value in declared(resource, "Parameters", {}).items():
        yield Comparison(f"parameter {name}", value, parameters.get(name))


@verifies("AWS::CDK::Metadata")
def cdk_metadata(_aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Check that it is in its stack: nothing else can be read of it."""
    yield Comparison("physical id", True, bool(resource.physical_id))
