"""Application Auto Scaling: the service, which ministack does not have, and its two resource types.

Targets and policies are kept and described; nothing ever scales.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import arguments, client
from embedded_aws.server.registry import Attributes, Declared, Properties

_SERVICE = "application-autoscaling"
_IDENTITY = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_SERVICE_ROLE = (
    "arn:aws:iam::{account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_ECSService"
)
# Nothing of a new target is suspended.
_NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}

_targets = upstream.scoped_table()
_policies = upstream.scoped_table()


def install() -> None:
    """Register the service and its types."""
    upstream.service_patterns[_SERVICE] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": _SERVICE,
    }
    upstream.service_handlers[_SERVICE] = _handle
    registry.add(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        create=_create_target,
        update=_update_target,
        delete=_delete_target,
        create_only=_IDENTITY,
    )
    registry.add(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        create=_create_policy,
        update=_update_policy,
        delete=_delete_policy,
        create_only=("PolicyName", "ScalingTargetId", *_IDENTITY),
    )


async def _handle(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]) -> Any:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    operation = _OPERATIONS.get(action)
    if operation is None:
        return upstream.error_response("UnknownOperationException", action, 400)
    try:
        return upstream.json_response(operation(json.loads(body or b"{}")))
    except LookupError as error:
        return upstream.error_response("ObjectNotFoundException", str(error.args[0]), 400)


def _identity(request: dict[str, Any]) -> tuple[str, ...]:
    return tuple(request[name] for name in _IDENTITY)


def _register_target(request: dict[str, Any]) -> dict[str, Any]:
    key = _identity(request)
    account = upstream.account()
    arn = f"arn:aws:{_SERVICE}:{upstream.region()}:{account}:scalable-target/{_stable_id(key)}"
    new = {
        "CreationTime": time.time(),
        "RoleARN": _SERVICE_ROLE.format(account=account),
        "ScalableTargetARN": arn,
        "SuspendedState": dict(_NOT_SUSPENDED),
    }
    _targets[key] = _targets.get(key, new) | {name: value for name, value in request.items() if name != "Tags"}
    return {"ScalableTargetARN": arn}


def _stable_id(key: tuple[str, ...]) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, "|".join(key)).hex


def _deregister_target(request: dict[str, Any]) -> dict[str, Any]:
    _targets.pop(_known_target(request))
    for key in [key for key in _policies if key[:-1] == _identity(request)]:
        _policies.pop(key)
    return {}


def _known_target(request: dict[str, Any]) -> tuple[str, ...]:
    key = _identity(request)
    if key not in _targets:
        raise LookupError(f"No scalable target registered for {' '.join(key)}")
    return key


def _describe_targets(request: dict[str, Any]) -> dict[str, Any]:
    return {"ScalableTargets": [each for each in _targets.values() if _selected(each, request)]}


def _put_policy(request: dict[str, Any]) -> dict[str, Any]:
    key = (*_known_target(request), request["PolicyName"])
    namespace, resource, _, name = key
    scope = f"{upstream.region()}:{upstream.account()}"
    path = f"{_stable_id(key)}:resource/{namespace}/{resource}:policyName/{name}"
    arn = f"arn:aws:autoscaling:{scope}:scalingPolicy:{path}"
    _policies[key] = {"CreationTime": time.time(), **request, "PolicyARN": arn, "Alarms": []}
    return {"PolicyARN": arn, "Alarms": []}


def _delete_scaling_policy(request: dict[str, Any]) -> dict[str, Any]:
    key = (*_identity(request), request["PolicyName"])
    if key not in _policies:
        raise LookupError(f"No scaling policy found for {' '.join(key)}")
    _policies.pop(key)
    return {}


def _describe_policies(request: dict[str, Any]) -> dict[str, Any]:
    names = request.get("PolicyNames")
    selected = [each for each in _policies.values() if _selected(each, request)]
    return {"ScalingPolicies": [each for each in selected if not names or each["PolicyName"] in names]}


def _describe_activities(_request: dict[str, Any]) -> dict[str, Any]:
    return {"ScalingActivities": []}


def _selected(record: dict[str, Any], request: dict[str, Any]) -> bool:
    resources = request.get("ResourceIds") or [request.get("ResourceId", record["ResourceId"])]
    dimension = request.get("ScalableDimension", record["ScalableDimension"])
    return (
        record["ServiceNamespace"] == request["ServiceNamespace"]
        and record["ResourceId"] in resources
        and record["ScalableDimension"] == dimension
    )


_OPERATIONS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "RegisterScalableTarget": _register_target,
    "DeregisterScalableTarget": _deregister_target,
    "DescribeScalableTargets": _describe_targets,
    "PutScalingPolicy": _put_policy,
    "DeleteScalingPolicy": _delete_scaling_policy,
    "DescribeScalingPolicies": _describe_policies,
    "DescribeScalingActivities": _describe_activities,
}


def _create_target(declared: Declared) -> tuple[str, Attributes]:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-applicationautoscaling-scalabletarget.html
    # Ref is `resource|dimension|namespace`, and a policy may name its target by it.
    properties = declared.properties
    physical_id = "|".join((properties["ResourceId"], properties["ScalableDimension"], properties["ServiceNamespace"]))
    return physical_id, _register(physical_id, properties)


def _update_target(physical_id: str, declared: Declared, _previous: Properties) -> Attributes:
    return _register(physical_id, declared.properties)


def _register(physical_id: str, properties: Properties) -> Attributes:
    client(_SERVICE).register_scalable_target(**arguments(_SERVICE, "RegisterScalableTarget", properties))
    return {"Id": physical_id}


def _delete_target(physical_id: str, _properties: Properties) -> None:
    client(_SERVICE).deregister_scalable_target(**_target_of(physical_id))


def _target_of(physical_id: str) -> dict[str, str]:
    resource, dimension, namespace = physical_id.split("|")
    return {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}


def _create_policy(declared: Declared) -> tuple[str, Attributes]:
    arn = _put(declared.properties)
    return arn, {"Arn": arn}


def _update_policy(_physical_id: str, declared: Declared, _previous: Properties) -> Attributes:
    return {"Arn": _put(declared.properties)}


def _put(properties: Properties) -> str:
    request = arguments(_SERVICE, "PutScalingPolicy", {**properties, **_target(properties)})
    return str(client(_SERVICE).put_scaling_policy(**request)["PolicyARN"])


def _target(properties: Properties) -> dict[str, str]:
    named = properties.get("ScalingTargetId")
    return _target_of(named) if named else {name: properties[name] for name in _IDENTITY}


def _delete_policy(_physical_id: str, properties: Properties) -> None:
    client(_SERVICE).delete_scaling_policy(PolicyName=properties["PolicyName"], **_target(properties))
