"""AWS Cloud Control: what CloudFormation made is read through the API of its service, and changed there.

`cdk deploy --hotswap` changes queues, alarms, rules and tables with it, and tools that look for drift read with it. The
properties of a resource are those that CloudFormation, or an update here, gave it, as long as the verifier of its type
finds them in the service. If it finds others, the call is refused with what differs, because what a service answers is
not translated into the properties of a type. As on AWS, CloudFormation does not notice an update.
https://docs.aws.amazon.com/cloudcontrolapi/latest/APIReference/Welcome.html
"""

import asyncio
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from embedded_aws.fidelity import Level, load
from embedded_aws.server import drift, upstream
from embedded_aws.server.refusals import RefusedError
from embedded_aws.server.validation.resources import replacing

_SERVICE: Final = "cloudcontrol"
# Identifiers of other parts than the physical id: `primaryIdentifier` in the schema of the type.
IDENTIFIERS: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("Arn", "ScalableDimension"),
    "AWS::EC2::EIP": ("PublicIp", "AllocationId"),
    "AWS::EC2::Route": ("RouteTableId", "CidrBlock"),
    "AWS::EC2::VPCGatewayAttachment": ("AttachmentType", "VpcId"),
    "AWS::ECS::Service": ("ServiceArn", "Cluster"),
    "AWS::Events::Rule": ("Arn",),
    "AWS::Lambda::EventInvokeConfig": ("FunctionName", "Qualifier"),
    "AWS::Lambda::Permission": ("FunctionName", "Id"),
    "AWS::Route53::RecordSet": ("Name", "HostedZoneId", "Type", "SetIdentifier"),
    "AWS::WAFv2::WebACLAssociation": ("ResourceArn", "WebACLArn"),
}
# Declared and never read: secrets, and what only steers one operation. Recorded read models of AWS do not have them.
_WRITE_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    "AWS::KMS::Key": ("PendingWindowInDays", "RotationPeriodInDays"),
    "AWS::RDS::DBCluster": ("MasterUserPassword",),
    "AWS::RDS::DBInstance": ("DeleteAutomatedBackups", "MasterUserPassword"),
}
_UPDATED: Final = "_cloud_control"  # in a resource's record: what was declared at the last update here, and that update


def install() -> None:
    """Put this in the place of ministack's store, in which only what has no other service stays."""
    stored = upstream.service_handlers[_SERVICE]

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation not in _OPERATIONS:
            return await stored(method, path, headers, body, query)
        request = json.loads(body)
        if operation in ("GetResource", "ListResources") and _is_stored(request.get("TypeName", "")):
            return await stored(method, path, headers, body, query)
        # On a thread: what is read and changed here is read and changed by calls of this server.
        return await asyncio.to_thread(_answer, operation, request)

    upstream.service_handlers[_SERVICE] = handle


def _answer(operation: str, request: Mapping[str, Any]) -> Any:
    try:
        return upstream.json_response(_OPERATIONS[operation](request))
    except RefusedError as refused:
        return upstream.error_response(refused.code, refused.message, refused.status)


@dataclass(frozen=True)
class _Resource:
    """A resource in a stack's record."""

    stack: dict[str, Any]
    logical_id: str
    record: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.record["ResourceType"])

    @property
    def properties(self) -> dict[str, Any]:
        """What CloudFormation declared, or an update since then."""
        declared, updated = self.record.get(_UPDATED, (None, None))
        found: dict[str, Any] = updated if declared == self.record["Properties"] else self.record["Properties"]
        return found

    @property
    def key(self) -> dict[str, str]:
        """The properties that make the identifier; of an identifier that is the physical id, none."""
        known = {**self.record.get("Attributes", {}), **self.properties}
        return {name: str(known.get(name, self.physical_id)) for name in IDENTIFIERS.get(self.type, ())}

    @property
    def physical_id(self) -> str:
        return str(self.record["PhysicalResourceId"])

    @property
    def identifier(self) -> str:
        return "|".join(self.key.values()) or self.physical_id

    def read(self) -> dict[str, Any]:
        """Return the properties, once the service has confirmed them."""
        comparisons = drift.comparisons(self.stack["StackName"], self.logical_id, self.record, self.properties)
        status, more = drift.judge([each for each in comparisons if not each.passed])
        if status == "DELETED":
            raise _not_found(self.type, self.identifier)
        if more:
            said = more.get("DriftStatusReason") or "; ".join(
                f"{each['PropertyPath'][1:]} is {each['ActualValue']}, not {each['ExpectedValue']}"
                for each in more["PropertyDifferences"]
            )
            message = (
                f"{self.identifier} was changed beside CloudFormation ({said}), and the embedded AWS cannot say what "
                f"that is in the properties of {self.type}: read it with the API of its service"
            )
            raise RefusedError("GeneralServiceException", message)
        hidden = _WRITE_ONLY.get(self.type, ())
        shown = {name: value for name, value in self.properties.items() if name not in hidden}
        return {**shown, **self.key, **({"Code": {}} if self.type == "AWS::Lambda::Function" else {})}


def _is_stored(resource_type: str) -> bool:
    entry = load().get(resource_type)
    return entry is not None and entry.level is Level.METADATA and drift.is_checked(resource_type)


def _require_type(resource_type: str, action: str) -> None:
    if resource_type not in load():
        message = f"The type '{resource_type}' cannot be found. The embedded AWS has those that docs/local.md lists."
        raise RefusedError("TypeNotFoundException", message)
    if not drift.is_checked(resource_type):
        raise RefusedError("UnsupportedActionException", f"Resource type {resource_type} does not support {action}")


def _resources(resource_type: str) -> Iterator[_Resource]:
    for stack in list(upstream.stacks.values()):
        for logical_id, record in list(stack.get("_resources", {}).items()):
            gone = record.get("ResourceStatus", "").startswith("DELETE")
            if record.get("ResourceType") == resource_type and record.get("PhysicalResourceId") and not gone:
                yield _Resource(stack, logical_id, record)


def _find(request: Mapping[str, Any], action: str) -> _Resource:
    resource_type, identifier = request.get("TypeName", ""), request.get("Identifier", "")
    _require_type(resource_type, action)
    for resource in _resources(resource_type):
        if identifier in (resource.identifier, resource.physical_id):
            return resource
    raise _not_found(resource_type, identifier)


def _not_found(resource_type: str, identifier: str) -> RefusedError:
    message = f"Resource of type '{resource_type}' with identifier '{identifier}' was not found."
    return RefusedError("ResourceNotFoundException", message)


def _get(request: Mapping[str, Any]) -> dict[str, Any]:
    found = _find(request, "READ action")
    described = {"Identifier": found.identifier, "Properties": json.dumps(found.read())}
    return {"TypeName": found.type, "ResourceDescription": described}


def _list(request: Mapping[str, Any]) -> dict[str, Any]:
    resource_type = request.get("TypeName", "")
    _require_type(resource_type, "LIST action")
    found = [{"Identifier": each.identifier, "Properties": json.dumps(each.key)} for each in _resources(resource_type)]
    return {"TypeName": resource_type, "ResourceDescriptions": found}


def _update(request: Mapping[str, Any]) -> dict[str, Any]:
    found = _find(request, "UPDATE action")
    if "update" not in upstream.handlers[found.type]:
        raise RefusedError("UnsupportedActionException", f"Resource type {found.type} does not support UPDATE action")
    old = found.properties
    new = patched(old, json.loads(request.get("PatchDocument", "[]")))
    kept = replacing(found.type, old, new)
    if kept:
        listed = ", ".join(f"/properties/{path.replace('.', '/')}" for path in kept)
        message = f"Invalid patch update: createOnlyProperties [{listed}] cannot be updated"
        raise RefusedError("NotUpdatableException", message)
    try:
        upstream.update_in_engine(
            found.type, found.physical_id, old, new, found.stack["StackName"], found.logical_id,
            found.record.get("Attributes", {}),
        )  # fmt: skip
    except Exception as error:  # whatever the maker of a type raises is why it fails
        raise RefusedError("GeneralServiceException", str(error)) from error
    found.record[_UPDATED] = (copy.deepcopy(found.record["Properties"]), new)
    event = upstream.cloud_control_event("UPDATE", "SUCCESS", type_name=found.type, identifier=found.identifier)
    return {"ProgressEvent": upstream.cloud_control_record(event)}


def _refuse(request: Mapping[str, Any]) -> dict[str, Any]:
    message = (
        f"The embedded AWS makes and deletes {request.get('TypeName')} by CloudFormation or the API of its service; "
        "Cloud Control reads and updates here"
    )
    raise RefusedError("UnsupportedActionException", message)


_OPERATIONS: Final = {
    "GetResource": _get,
    "ListResources": _list,
    "UpdateResource": _update,
    "CreateResource": _refuse,
    "DeleteResource": _refuse,
}


def patched(properties: Mapping[str, Any], operations: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return properties with a JSON patch applied: its operations `add`, `remove` and `replace`.

    https://datatracker.ietf.org/doc/html/rfc6902

    Raises:
        RefusedError: the patch has another operation, or a path that leads nowhere.
    """
    whole: dict[str, Any] = copy.deepcopy(dict(properties))
    for operation in operations:
        try:
            _apply(whole, operation)
        except (LookupError, TypeError, ValueError):
            message = f"Invalid patch update: {json.dumps(operation)} cannot be applied"
            raise RefusedError("InvalidRequestException", message) from None
    return whole


def _apply(whole: dict[str, Any], operation: Mapping[str, Any]) -> None:
    *path, last = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
    target: Any = whole
    for part in path:
        target = target[int(part) if isinstance(target, list) else part]
    listed = isinstance(target, list)
    key: Any = len(target) if listed and last == "-" else int(last) if listed else last
    match operation["op"]:
        case "add" if listed:
            target.insert(key, operation["value"])
        case "add":
            target[key] = operation["value"]
        case "replace":
            target[key] = operation["value"]
        case "remove":
            del target[key]
        case other:
            raise ValueError(other)
