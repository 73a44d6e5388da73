"""Facts compared with botocore's models of the services, which come from where AWS's API pages come from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from embedded_testing.facts import Fact

_PAGE = re.compile(r"https://docs\.aws\.amazon\.com/.*/API_(\w+)\.html")
_FAULT = 500
# Errors that models leave out: what every operation of a service may answer. The query protocol's and JSON's are in
# `CommonErrors.html` of each API reference; Amazon EC2's and Amazon S3's models name hardly any error.
_QUERY = {"InvalidParameterCombination", "InvalidParameterValue", "MissingParameter", "ValidationError"}
_JSON = {"ValidationException"}
_SERVICES = {
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html, whatever its protocol
    "cloudwatch": _QUERY,
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    "ec2": {
        "DependencyViolation", "InvalidAllocationID.NotFound", "InvalidGroup.NotFound",
        "InvalidInternetGatewayID.NotFound", "InvalidParameter", "InvalidPermission.Duplicate",
        "InvalidRouteTableID.NotFound", "InvalidSubnetID.NotFound", "InvalidVpcEndpointId.NotFound",
        "InvalidVpcID.NotFound", "MissingParameter",
    },
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; HEAD has no body, so its status is the code.
    "s3": {
        "404", "BucketNotEmpty", "InvalidBucketName", "InvalidTag", "InvalidTargetBucketForLogging", "MalformedPolicy",
        "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchKey", "NoSuchLifecycleConfiguration",
        "NoSuchTagSet", "NoSuchWebsiteConfiguration", "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
    },
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-json-faqs.html: older codes
    "sqs": {
        "AWS.SimpleQueueService.InvalidBatchEntryId", "AWS.SimpleQueueService.NonExistentQueue", "MissingParameter",
        "QueueAlreadyExists",
    },
}  # fmt: skip


@cache
def _service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def contradictions(fact: Fact) -> Iterator[str]:
    """Return what a fact says otherwise than the model of its operation, one sentence for each."""
    model = _service(fact.service)
    operation = model.operation_model(fact.operation)
    page = _PAGE.fullmatch(fact.source)
    if page and page[1] in model.operation_names and page[1] != fact.operation:
        yield f"its source is about {page[1]}"
    yield from (f"{name} is no parameter" for name in fact.with_.keys() - _members(operation.input_shape))
    if fact.code:
        yield from _refusal(fact, operation)
    for path in fact.answer:
        yield from _path(path, operation.output_shape)


def _refusal(fact: Fact, operation: OperationModel) -> Iterator[str]:
    errors = {
        name: shape
        for shape in operation.error_shapes
        for name in (shape.name, shape.metadata.get("error", {}).get("code"))
    }
    shape = errors.get(fact.code)
    if shape is None:
        protocol = operation.service_model.protocol
        common = _SERVICES.get(fact.service, _QUERY if protocol == "query" else _JSON)
        if fact.code not in common:
            yield f"{fact.code} is no error of the operation, and no common error of the service"
        return
    status = shape.metadata.get("error", {}).get("httpStatusCode") or (_FAULT if shape.metadata.get("fault") else 400)
    if fact.status != status:
        yield f"{fact.code} has status {status}"


def _members(shape: Shape | None) -> set[str]:
    return set(shape.members) if isinstance(shape, StructureShape) else set()


def _path(path: str, shape: Shape | None) -> Iterator[str]:
    if path.startswith("ResponseMetadata/"):
        return
    for part in path.split("/"):
        match shape:
            case Shape(name="policyDocumentType" | "TemplateBody"):  # text that botocore parses
                return
            case StructureShape():
                if part not in shape.members:
                    yield f"{path} is not in the answer: {shape.name} has no {part}"
                    return
                shape = shape.members[part]
            case ListShape():
                shape = shape.member
            case MapShape():
                shape = shape.value
            case _:
                yield f"{path} is not in the answer: there is nothing in {part}"
                return
