"""Answers of Amazon ECS, Amazon ECR and AWS Lambda."""

import re
from collections.abc import Mapping
from typing import Final

from embedded_aws.server import upstream
from embedded_aws.server.answers.wire import Check, Completion, Json, Request
from embedded_aws.server.refusals import RefusedError

# What a service has that was created without saying it.
_DEPLOYMENT: Final = {"bakeTimeInMinutes": 0, "strategy": "ROLLING"}
_SERVICE: Final = {"availabilityZoneRebalancing": "ENABLED", "propagateTags": "NONE"}
_SERVICE_ROLE: Final = "arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
_CONTAINER_LISTS: Final = ("environment", "mountPoints", "portMappings", "systemControls", "volumesFrom")
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_CONCURRENCY: Final = 1000
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html#runtimes-deprecated
_RETIRED: Final = re.compile(
    r"python(2\.7|3\.[678])|nodejs(4\.3|6\.10|8\.10|1[0246]\.x)?|dotnetcore\d\.\d|go1\.x|java8|ruby2\.[57]|provided"
)
_ROLE: Final = re.compile(r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")


def _cluster(request: Request) -> RefusedError | None:
    name = (request.text("cluster") or "default").rpartition("/")[2]
    if name in upstream.ecs_clusters:
        return None
    return RefusedError("ClusterNotFoundException", "Cluster not found.")


def _clusters_services(request: Request) -> RefusedError | None:
    name = request.text("cluster").rpartition("/")[2]
    services = (each for each in upstream.ecs_services.values() if each["clusterArn"].endswith(f"/{name}"))
    if any(each.get("status") == "ACTIVE" for each in services):
        message = "The Cluster cannot be deleted while Services are active."
        return RefusedError("ClusterContainsServicesException", message)
    return None


def _task_definition(_request: Request, answer: Json) -> None:
    for container in answer["taskDefinition"]["containerDefinitions"]:
        for name in _CONTAINER_LISTS:
            container.setdefault(name, [])


def _services(_request: Request, answer: Json) -> None:
    for service in answer["services"]:
        deployment = service.setdefault("deploymentConfiguration", {})
        for name, value in _DEPLOYMENT.items():
            deployment.setdefault(name, value)
        if service.get("launchType") == "FARGATE":
            service["platformVersion"] = service.get("platformVersion") or "LATEST"
            service["platformFamily"] = service.get("platformFamily") or "Linux"
        for name, value in _SERVICE.items():
            service[name] = service.get(name) or value
        for name in ("placementConstraints", "placementStrategy"):
            service.setdefault(name, [])
        service["roleArn"] = service.get("roleArn") or _SERVICE_ROLE.format(account=upstream.account())


def _images(request: Request, answer: Json) -> RefusedError | None:
    """Refuse to describe an image that is not there, which ministack leaves out."""
    there = [(each["imageDigest"], *each["imageTags"]) for each in answer["imageDetails"]]
    for asked in request.given.get("imageIds", ()):
        digest, tag = asked.get("imageDigest", "null"), asked.get("imageTag", "null")
        if not any({digest, tag} - {"null"} <= set(names) for names in there):
            message = (
                f"The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist within "
                f"the repository with name '{request.text('repositoryName')}' in the registry with id "
                f"'{upstream.account()}'"
            )
            return RefusedError("ImageNotFoundException", message)
    return None


def _new_function(request: Request) -> RefusedError | None:
    runtime, role = request.text("Runtime"), request.text("Role")
    if not _ROLE.fullmatch(role):
        message = (
            f"1 validation error detected: Value '{role}' at 'role' failed to satisfy constraint: Member must satisfy "
            f"regular expression pattern: {_ROLE.pattern}"
        )
        return RefusedError("ValidationException", message)
    if _RETIRED.fullmatch(runtime):
        message = (
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
        return RefusedError("InvalidParameterValueException", message)
    return None


def _policy(_request: Request, answer: Json) -> RefusedError | None:
    if '"Statement": []' in answer["Policy"] or '"Statement":[]' in answer["Policy"]:
        return RefusedError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return None


def _configuration(_request: Request, answer: Json) -> None:
    if not answer.get("Environment", {}).get("Variables", True):
        del answer["Environment"]


def _limits(_request: Request, answer: Json) -> None:
    limit = answer["AccountLimit"]
    reserved = limit["ConcurrentExecutions"] - limit["UnreservedConcurrentExecutions"]
    limit |= {"ConcurrentExecutions": _CONCURRENCY, "UnreservedConcurrentExecutions": _CONCURRENCY - reserved}


CHECKS: Final[Mapping[str, Check]] = {
    "ecs DeleteCluster": _clusters_services,
    "ecs ExecuteCommand": _cluster,
    "ecs DescribeTasks": _cluster,
    "ecs ListTasks": _cluster,
    "ecs StopTask": _cluster,
    "lambda CreateFunction": _new_function,
}
COMPLETIONS: Final[Mapping[str, Completion]] = {
    "ecr DescribeImages": _images,
    "ecs DescribeServices": _services,
    "ecs DescribeTaskDefinition": _task_definition,
    "lambda GetAccountSettings": _limits,
    "lambda GetFunctionConfiguration": _configuration,
    "lambda GetPolicy": _policy,
}
