"""AWS Lambda, and AWS Fault Injection Service."""

import json
from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, named, only, same, verifies


@verifies("AWS::Lambda::Function")
def function(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare handler, role, variables, key, tracing, logs and dead-letter target, and expect code."""
    found = aws("lambda").get_function_configuration(FunctionName=resource.physical_id)
    yield from named(resource, "FunctionName")
    yield from same(
        resource, found, "Runtime", "Handler", "Role", "Timeout", "MemorySize", "Description", "Architectures",
        "TracingConfig", "LoggingConfig", "Environment", "DeadLetterConfig",
    )  # fmt: skip
    yield Comparison("key of the variables", declared(resource, "KmsKeyArn"), found.get("KMSKeyArn") or None)
    yield Comparison("has code", True, found["CodeSize"] > 0)


@verifies("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare how often, and for how long, a failed event is retried."""
    found = aws("lambda").get_function_event_invoke_config(
        FunctionName=declared(resource, "FunctionName"), Qualifier=declared(resource, "Qualifier")
    )
    yield from same(resource, found, "MaximumRetryAttempts", "MaximumEventAgeInSeconds")


@verifies("AWS::Lambda::EventSourceMapping")
def event_source_mapping(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare source, function, batch size and concurrency."""
    found = aws("lambda").get_event_source_mapping(UUID=resource.physical_id)
    yield from same(resource, found, "EventSourceArn", "BatchSize", "FunctionResponseTypes", "ScalingConfig")
    name = declared(resource, "FunctionName")
    yield Comparison("function", name, str(found["FunctionArn"]).rpartition(":")[2])


@verifies("AWS::Lambda::Permission")
def permission(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare principal, action and source of its statement in the function's policy."""
    policy = json.loads(aws("lambda").get_policy(FunctionName=declared(resource, "FunctionName"))["Policy"])
    principal, source = declared(resource, "Principal"), declared(resource, "SourceArn")
    statement = only(
        each
        for each in policy["Statement"]
        if each["Principal"] in (principal, {"Service": principal})
        and each.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == source
    )
    yield Comparison("action", declared(resource, "Action"), statement["Action"])


@verifies("AWS::FIS::ExperimentTemplate")
def experiment_template(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare every declared property."""
    answer = aws("cloudcontrol").get_resource(TypeName=resource.type, Identifier=str(resource.physical_id))
    found = json.loads(answer["ResourceDescription"]["Properties"])
    for name, value in resource.properties.items():
        yield Comparison(name, value, found.get(name))
