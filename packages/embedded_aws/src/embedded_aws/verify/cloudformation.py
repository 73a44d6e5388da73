"""CloudFormation's own: nested stacks complete, and CDK's version marker."""

from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.verify.core import Check, declared, verifies


@verifies("AWS::CloudFormation::Stack")
def nested_stack(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Complete, and given the declared parameters."""
    found = aws("cloudformation").describe_stacks(StackName=resource.physical_id)["Stacks"][0]
    yield Check("complete", True, found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"))
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    for name, value in declared(resource, "Parameters", {}).items():
        yield Check(f"parameter {name}", value, parameters.get(name))


@verifies("AWS::CDK::Metadata")
def cdk_metadata(_aws: Aws, resource: Resource) -> Iterator[Check]:
    """Is in its stack."""
    yield Check("physical id", True, bool(resource.physical_id))
