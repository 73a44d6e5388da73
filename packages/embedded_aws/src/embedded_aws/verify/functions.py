"""Functions and experiments: AWS Lambda and AWS FIS."""

import json
from collections.abc import Iterator

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.verify.core import Check, declared, named, only, same, verifies


@verifies("AWS::Lambda::Function")
def function(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Runs the declared handler as the declared role, with its variables, key, tracing, logs and dead letters."""
    found = aws("lambda").get_function_configuration(FunctionName=resource.physical_id)
    yield from named(resource, "FunctionName")
    yield from same(
        resource, found, "Runtime", "Handler", "Role", "Timeout", "MemorySize", "Description", "Architectures",
        "TracingConfig", "LoggingConfig", "Environment", "DeadLetterConfig",
    )  # fmt: skip
    yield Check("key of the variables", declared(resource, "KmsKeyArn"), found.get("KMSKeyArn"))
    yield Check("has code", True, found["CodeSize"] > 0)


@verifies("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Tries again as often and for as long as declared."""
    found = aws("lambda").get_function_event_invoke_config(
        FunctionName=declared(resource, "FunctionName"), Qualifier=declared(resource, "Qualifier")
    )
    yield from same(resource, found, "MaximumRetryAttempts", "MaximumEventAgeInSeconds")


@verifies("AWS::Lambda::EventSourceMapping")
def event_source_mapping(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Hands the declared source to the declared function, in batches as declared."""
    found = aws("lambda").get_event_source_mapping(UUID=resource.physical_id)
    yield from same(resource, found, "EventSourceArn", "BatchSize", "FunctionResponseTypes", "ScalingConfig")
    name = declared(resource, "FunctionName")
    yield Check("function", name, str(found["FunctionArn"]).rpartition(":")[2])


@verifies("AWS::Lambda::Permission")
def permission(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Lets the declared principal invoke the function, from the declared source alone."""
    policy = json.loads(aws("lambda").get_policy(FunctionName=declared(resource, "FunctionName"))["Policy"])
    principal = declared(resource, "Principal")
    statement = only(each for each in policy["Statement"] if each["Principal"] in (principal, {"Service": principal}))
    yield Check("action", declared(resource, "Action"), statement["Action"])
    source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
    yield Check("source", declared(resource, "SourceArn"), source)


@verifies("AWS::FIS::ExperimentTemplate")
def experiment_template(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Is kept as declared."""
    answer = aws("cloudcontrol").get_resource(TypeName=resource.type, Identifier=str(resource.physical_id))
    found = json.loads(answer["ResourceDescription"]["Properties"])
    for name, value in resource.properties.items():
        yield Check(name, value, found.get(name))
